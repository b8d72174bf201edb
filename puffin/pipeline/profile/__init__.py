"""Reading the record of a run."""
