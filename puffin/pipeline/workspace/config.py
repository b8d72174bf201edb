"""The configuration of a workspace: ``[tool.puffin]`` of a ``pyproject.toml``, or ``puffin.toml``.

Only what concerns environments is read here: ``envs``, ``env-defaults`` and ``env-glob``.
"""

import os

from puffin.artifact.urls import is_http
from puffin.pipeline.workspace.document import (
    PROJECT_FILE,
    ConfigurationInvalid,
    Document,
    configurations,
    read_content,
)
from puffin.pipeline.workspace.select import choose, fill
from puffin.pipeline.workspace.specs import EnvSpec, GlobSpec, Workspace
from puffin.stages.link.files import MODES
from puffin.stages.resolve.projects.patterns import expand
from puffin.types import Any, Mapping, Sequence
from puffin.value import replace

_COMPILE = "compile-bytecode"
_EDITABLE = "editable"
SHARED_KEYS = frozenset({"path", "python", "extras", "groups", "constraints", "link-mode", _COMPILE, _EDITABLE})
SOURCE_KEYS = ("requirements", "pylock", "lock", "project")  # `lock` is another name of `pylock`
ENV_KEYS = SHARED_KEYS | frozenset(SOURCE_KEYS)
GLOB_KEYS = SHARED_KEYS | {"match"}
TABLES = ("envs", "env-defaults", "env-glob")
_PATH, _MATRIX_PATH = "{dir}/.venv", "{dir}/.venv-{python}"
_FIELDS = ("{dir}", "{name}", "{python}")


def find_workspace(cwd: str) -> Workspace | None:
    """Return the nearest configuration of environments in *cwd* and above. Raises :class:`ConfigurationInvalid`."""
    for path, data in configurations(cwd):
        workspace = parse_workspace(data, path, os.path.relpath(path))
        if workspace is not None:
            return workspace
    return None


def chosen(
    named: "Sequence[str]", python: str, command: str, *, everything: bool = False, file: str = ""
) -> "tuple[list[EnvSpec], Workspace | None]":
    """Return the environments that the command line of *command* means, and the configuration.

    *file* is the configuration, if it is not the nearest one. Raises what :func:`find_workspace` and
    :func:`~puffin.pipeline.workspace.select.choose` raise.
    """
    cwd = os.getcwd()
    workspace = workspace_in(os.path.join(cwd, os.path.expanduser(file))) if file else find_workspace(cwd)
    defaults = workspace.defaults if workspace else None
    if (workspace is None or defaults) and not (named and all(expand(each, cwd) for each in named)):
        from puffin.pipeline.workspace.implied import implied_workspace

        workspace = implied_workspace(cwd, defaults) or workspace
    return choose(named, cwd, workspace, everything=everything, python=python, command=command), workspace


def workspace_in(path: str) -> Workspace:
    """Return the environments that the file at an absolute *path* configures. Raises :class:`ConfigurationInvalid`."""
    shown, data = os.path.relpath(path), read_content(path)
    if data is None:
        raise ConfigurationInvalid(place=shown, problem="there is no such file")
    return parse_workspace(data, path, shown) or Workspace(root=os.path.dirname(path), file=shown)


def parse_workspace(data: bytes, path: str, shown: str) -> "Workspace | None":
    """Return the workspace in the text of a configuration file; *shown* is its name in messages."""
    return _Reader(Document(path, data, shown)).read()


class _Reader:
    """Reads one document; every complaint names the line it is about."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._root = document.directory
        self._defaults: Mapping[str, Any] = {}

    def read(self) -> "Workspace | None":
        own = self._document.table
        if not any(key in own for key in TABLES):
            return None
        self._defaults = self._table(own.get("env-defaults", {}), ("env-defaults",), SHARED_KEYS)
        for key in self._defaults:
            self._value(self._defaults, key, ("env-defaults",))
        if not any(key in own for key in ("envs", "env-glob")):
            return Workspace(root=self._root, file=self._document.shown, defaults=self._every())
        envs = own.get("envs", {})
        if not isinstance(envs, dict):
            raise self._document.wrong(("envs",), "`envs` is not a table")
        globs = own.get("env-glob", [])
        if not isinstance(globs, list):
            raise self._document.wrong(
                ("env-glob",), "`env-glob` is not an array of tables: write `[[…env-glob]]`"
            )
        return Workspace(
            root=self._root,
            file=self._document.shown,
            specs=tuple([spec for name, table in envs.items() for spec in self._env(name, table)]),
            globs=tuple([self._glob(number, table) for number, table in enumerate(globs)]),
        )

    def _every(self) -> GlobSpec:
        """Return what holds for all environments, whatever they are made from."""
        where = ("env-defaults",)
        pythons = self._texts({}, "python", where)
        template = self._template({}, where, matrix=len(pythons) > 1)
        return GlobSpec(match="", spec=self._shared({}, where, template), pythons=pythons)

    def _env(self, name: str, table: "Any") -> "list[EnvSpec]":
        where = ("envs", name)
        own = self._table(table, where, ENV_KEYS)
        if not name or name != name.strip() or "," in name:
            raise self._document.wrong(where, f"`{name}` is not a name for an environment")
        given = [key for key in SOURCE_KEYS if key in own]
        if len(given) != 1:
            which = "several of them" if given else "none of them"
            keys = ", ".join(f"`{key}`" for key in SOURCE_KEYS)
            raise self._document.wrong(
                (*where, *given[1:2]), f"`{'.'.join(where)}` needs one of {keys}, and has {which}"
            )
        self._check_kind(own, where, given[0])
        pythons = self._texts(own, "python", where)
        return [self._spec(name, own, where, python, matrix=len(pythons) > 1) for python in pythons or ("",)]

    def _check_kind(self, own: "Mapping[str, Any]", where: tuple[str, ...], kind: str) -> None:
        for key in ("extras", "groups"):
            if key in own and kind == "requirements":
                raise self._document.wrong(
                    (*where, key), f"`{key}` goes with `project` or `pylock`, not with `requirements`"
                )
        if _EDITABLE in own and kind != "project":
            raise self._document.wrong((*where, _EDITABLE), "`editable` goes with `project`")
        if "constraints" in own and kind in ("pylock", "lock"):
            raise self._document.wrong(
                (*where, "constraints"), f"`constraints` cannot change what `{kind}` has locked"
            )

    def _spec(
        self, name: str, own: "Mapping[str, Any]", where: tuple[str, ...], python: str, *, matrix: bool
    ) -> EnvSpec:
        requirements = self._texts(own, "requirements", where)
        project = self._text_of(own, "project", where)
        if project and not project.endswith(".toml"):
            project = f"{project}/{PROJECT_FILE}"
        pylock = self._text_of(own, "pylock", where) or self._text_of(own, "lock", where)
        if not (requirements or project or pylock):
            key = next(key for key in SOURCE_KEYS if key in own)
            raise self._document.wrong((*where, key), f"`{key}` does not name a file")
        first = next((path for path in requirements if not is_http(path)), "") or project or pylock
        template = self._template(own, where, matrix=matrix)
        spec = replace(
            self._shared(own, where),
            name=f"{name}-{python}" if matrix else name,
            base=name,
            path=self._absolute(fill(template, first, name, python)),
            python=python,
            requirements=tuple(map(self._absolute, requirements)),
            pylock=self._absolute(pylock) if pylock else "",
            project=self._absolute(project) if project else "",
        )
        spec = replace(spec, extras=(), groups=()) if requirements else spec
        return replace(spec, constraints=()) if pylock else spec

    def _shared(self, own: "Mapping[str, Any]", where: tuple[str, ...], path: str = "") -> EnvSpec:
        """Return what environments and patterns of them may both say."""
        return EnvSpec(
            name="",
            path=path,
            extras=self._texts(own, "extras", where),
            groups=self._texts(own, "groups", where),
            constraints=tuple(map(self._absolute, self._texts(own, "constraints", where))),
            link_mode=self._link_mode(own, where),
            compile_bytecode=self._flag(own, _COMPILE, where),
            editable=self._flag(own, _EDITABLE, where) is not False,
            origin=self._document.place(*where),
        )

    def _glob(self, number: int, table: "Any") -> GlobSpec:
        where = ("env-glob", str(number))
        own = self._table(table, where, GLOB_KEYS)
        match = self._text_of(own, "match", where)
        if not match:
            raise self._document.wrong(where, "an `env-glob` needs `match`, a pattern of files")
        pythons = self._texts(own, "python", where)
        template = self._template(own, where, matrix=len(pythons) > 1)
        return GlobSpec(match=match, spec=self._shared(own, where, template), pythons=pythons)

    def _template(self, own: "Mapping[str, Any]", where: tuple[str, ...], *, matrix: bool) -> str:
        template = self._text_of(own, "path", where) or (_MATRIX_PATH if matrix else _PATH)
        rest = template
        for field in _FIELDS:
            rest = rest.replace(field, "")
        if "{" in rest or "}" in rest:
            known = ", ".join(f"`{field}`" for field in _FIELDS)
            raise self._document.wrong((*where, "path"), f"`{template}` has a field that is none of {known}")
        return template

    def _link_mode(self, own: "Mapping[str, Any]", where: tuple[str, ...]) -> str:
        mode = self._text_of(own, "link-mode", where)
        if mode and mode not in MODES:
            modes = ", ".join(f"`{each}`" for each in MODES)
            raise self._document.wrong(
                (*where, "link-mode"), f"`{mode}` is not a link mode: use one of {modes}"
            )
        return mode

    def _table(self, value: "Any", where: tuple[str, ...], keys: "frozenset[str]") -> "Mapping[str, Any]":
        if not isinstance(value, dict):
            raise self._document.wrong(where, f"`{'.'.join(where)}` is not a table")
        for key in value:
            if key not in keys:
                raise self._document.wrong((*where, key), f"`{key}` is not a key here{_meant(key, keys)}")
        return value

    def _value(self, own: "Mapping[str, Any]", key: str, where: tuple[str, ...]) -> None:
        """Check one of the defaults, so that a wrong one is told where it stands."""
        if key in ("path", "link-mode"):
            self._text_of(own, key, where)
            self._link_mode(own, where)
        elif key in (_COMPILE, _EDITABLE):
            self._flag(own, key, where)
        else:
            self._texts(own, key, where)

    def _flag(self, own: "Mapping[str, Any]", key: str, where: tuple[str, ...]) -> "bool | None":
        value = own.get(key, self._defaults.get(key))
        if value is None or isinstance(value, bool):
            return value
        raise self._document.wrong((*where, key), f"`{key}` is neither true nor false")

    def _text_of(self, own: "Mapping[str, Any]", key: str, where: tuple[str, ...]) -> str:
        value = own.get(key, self._defaults.get(key, ""))
        if not isinstance(value, str):
            raise self._document.wrong((*where, key), f"`{key}` is not a string")
        return value

    def _texts(self, own: "Mapping[str, Any]", key: str, where: tuple[str, ...]) -> tuple[str, ...]:
        value = own.get(key, self._defaults.get(key, ()))
        texts = (
            (value,) if isinstance(value, str) else tuple(value) if isinstance(value, (list, tuple)) else (0,)
        )
        if not all(isinstance(each, str) and each for each in texts):
            raise self._document.wrong((*where, key), f"`{key}` is neither a string nor a list of strings")
        return tuple(dict.fromkeys(map(str, texts)))

    def _absolute(self, path: str) -> str:
        if is_http(path):
            return path
        return os.path.normpath(os.path.join(self._root, os.path.expanduser(path)))


def _meant(key: str, keys: "frozenset[str]") -> str:
    from difflib import get_close_matches

    near = get_close_matches(key, sorted(keys), n=1)
    return (
        f": did you mean `{near[0]}`?"
        if near
        else f"; there are {', '.join(f'`{each}`' for each in sorted(keys))}"
    )
