"""The request of a command, as frozen values."""
