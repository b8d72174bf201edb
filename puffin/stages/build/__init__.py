"""PEP 517 builds in supervised child processes."""
