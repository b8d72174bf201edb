"""One face for each command."""
