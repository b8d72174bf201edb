"""Getting the bytes of an artifact: HTTP, local files, hashes."""
