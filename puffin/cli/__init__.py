"""Commands: parse options, call one function, render the result."""
