"""The content-addressed store: buckets, keys, atomic publication, locks."""
