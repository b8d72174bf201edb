"""Benchmarks of puffin beside uv and pip: ``python -m bench``; method and options are in README.md."""
