"""Choosing, starting and feeding an executor."""
