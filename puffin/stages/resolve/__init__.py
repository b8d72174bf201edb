"""Versions and files: from requirements to what they mean."""
