"""The versions and metadata that the resolver asks for, from real indexes."""
