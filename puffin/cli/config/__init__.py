"""Settings from configuration files and variables, with their places."""
