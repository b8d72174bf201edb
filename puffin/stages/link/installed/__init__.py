"""What is installed in an environment, and whether it is consistent."""
