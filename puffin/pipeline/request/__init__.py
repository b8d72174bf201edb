"""What was asked for, as frozen values, and the session of a command."""
