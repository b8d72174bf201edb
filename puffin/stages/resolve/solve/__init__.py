"""The resolver: which version of each package, by resolvelib over the two functions of :mod:`universe`."""
