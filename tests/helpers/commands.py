"""All commands of the real command line, by their words."""

import click

from puffin.cli.commands.app import puffin as tree


def _commands(group, path=()):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


LEAVES = dict(_commands(tree))
