"""The tests of puffin."""
