"""From what was asked for to the files that satisfy it: inputs, indexes, locating."""
