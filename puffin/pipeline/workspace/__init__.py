"""The configuration of many environments."""
