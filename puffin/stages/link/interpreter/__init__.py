"""Finding and asking Python interpreters."""
