"""Distributions into environments: staging trees, scripts, direct_url.json."""
