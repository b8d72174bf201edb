"""The environments of a workspace as values. On the way of a no-op."""

from puffin.value import frozen


@frozen
class EnvSpec:
    """One environment as it is configured. ``path`` and all files are absolute.

    ``base`` is the name that the entries of a matrix share. ``python`` is a request as for ``--python``, empty for any.
    ``compile_bytecode`` is None where nothing is said of it.
    Exactly one of ``requirements``, ``pylock`` and ``project`` (a ``pyproject.toml``) is set. ``origin`` is
    ``file:line`` of its configuration, or the file that it stands beside.
    """

    name: str
    path: str
    base: str = ""
    python: str = ""
    requirements: tuple[str, ...] = ()
    pylock: str = ""
    project: str = ""
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    link_mode: str = ""
    compile_bytecode: bool | None = None
    origin: str = ""

    @property
    def files(self) -> tuple[str, ...]:
        """All files that the environment is made from."""
        named = (*self.requirements, self.pylock, self.project, *self.constraints)
        return tuple([each for each in named if each])

    @property
    def plain_file(self) -> str:
        """The one requirements file that says everything, empty where there is more to it."""
        alone = len(self.files) == 1 and len(self.requirements) == 1
        return self.requirements[0] if alone else ""


@frozen
class GlobSpec:
    """Environments for all files that ``match``, relative to the workspace; the rest is as in :class:`EnvSpec`.

    ``path`` is a template; ``pythons`` is empty for any one Python.
    """

    match: str
    path: str
    pythons: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    link_mode: str = ""
    compile_bytecode: bool | None = None
    origin: str = ""


@frozen
class Workspace:
    """What a configuration file says of environments; ``root`` is its directory, ``file`` the file."""

    root: str
    file: str
    specs: tuple[EnvSpec, ...] = ()
    globs: tuple[GlobSpec, ...] = ()
