"""Pages of package indexes: HTML, JSON, local directories."""
