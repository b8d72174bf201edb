"""Which sources of requirements to read."""

from puffin.value import frozen


@frozen
class SourceRequest:
    """What to read: paths (or ``-``) as the user gave them; ``groups`` are ``NAME`` or ``PATH:NAME``."""

    files: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    all_extras: bool = False
    groups: tuple[str, ...] = ()
