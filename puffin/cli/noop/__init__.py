"""Answers of former runs, repeated while nothing they depend on has changed."""
