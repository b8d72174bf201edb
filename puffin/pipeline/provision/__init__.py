"""Environments on the machines of a dask cluster."""
