"""What tasks do, one room for each stage."""
