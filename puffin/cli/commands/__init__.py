"""The commands as click declares them."""
