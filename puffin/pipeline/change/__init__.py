"""Environments under change: plan, stage, commit, report."""
