"""``python -m puffin``."""

from puffin.cli.entry import run

run()
