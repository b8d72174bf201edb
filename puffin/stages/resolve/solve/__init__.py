"""Choosing versions: the resolver behind two functions."""
