"""The framework (tasks, graph, executors, records) and the planners that turn a resolution into a graph."""
