"""Bytes from elsewhere: HTTP, credentials, downloads."""
