"""Modules compiled by the interpreter of an environment."""
