"""The tables of options."""
