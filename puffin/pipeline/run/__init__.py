"""Executors and their processes."""
