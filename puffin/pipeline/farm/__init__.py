"""The workers of a user's dask scheduler."""
