"""puffin: a Python package installer that runs a graph of fetch, build, unzip and link tasks."""

__version__ = "0.1.0"
