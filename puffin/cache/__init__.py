"""The content-addressed store: buckets, atomic publication, locks, use, prune."""
