"""Which file a pin means: cache first, then the indexes."""
