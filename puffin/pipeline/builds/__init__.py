"""The growth of the graph by builds."""
