"""The stages: the work of tasks, one room for each."""
