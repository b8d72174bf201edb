"""The core metadata of a distribution, wherever it is."""
