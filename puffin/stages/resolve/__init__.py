"""Versions and files: the meaning of requirements."""
