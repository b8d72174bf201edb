"""Git repositories: one clone each, one checkout for each commit."""
