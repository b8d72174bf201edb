"""Bytecode, compiled once for each archive and interpreter and linked into every environment."""
