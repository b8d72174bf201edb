"""Projects, scripts and lock files as sources of requirements."""
