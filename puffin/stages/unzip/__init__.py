"""Wheel archives into the cache: reading, refusing, unpacking, listing."""
