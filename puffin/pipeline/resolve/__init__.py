"""Resolutions for compile, install, lock and sync."""
