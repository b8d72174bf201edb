"""The task graph: its framework, and the plans that become one graph."""
