"""The command line: it parses options, calls one command, renders the result."""
