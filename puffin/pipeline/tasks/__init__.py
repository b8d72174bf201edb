"""Supplies and the graph of tasks. Pure."""
