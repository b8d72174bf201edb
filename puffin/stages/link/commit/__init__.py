"""The transaction: plan, journal, renames, state."""
