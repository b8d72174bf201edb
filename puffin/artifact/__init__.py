"""Artifacts: files and places, hashes, URLs, the head of metadata."""
