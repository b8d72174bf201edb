"""The remote cache: what other machines fetched, built and compiled, by content and by signed entries."""
