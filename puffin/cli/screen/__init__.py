"""Terminal output: phases, progress, errors, tables."""
