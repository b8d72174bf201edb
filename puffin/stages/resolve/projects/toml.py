"""The TOML of projects and scripts: read by ``tomllib``, its values checked; and its errors."""

from collections.abc import Mapping

from puffin.errors import USAGE, PuffinError


class InvalidProject(PuffinError):
    """A project's file, or a script's metadata, cannot be understood. ``problem`` is a clause."""

    exit_code = USAGE
    sentence = "Failed to read `{file}`: {problem}"
    file: str
    problem: str


class NeedsBuild(PuffinError):
    """The dependencies of a project are known only to its build backend. ``reason`` is a clause."""

    sentence = "Failed to read the dependencies of `{file}`: {reason}"
    file: str
    reason: str
    hints: tuple[str, ...] = (
        "write the dependencies under `[project]` in `pyproject.toml`,"
        " or name the requirements file that they come from instead",
    )


class ExtraNotFound(PuffinError):
    """No project among the sources has an extra. ``known`` are those that there are."""

    exit_code = USAGE
    extra: str
    files: tuple[str, ...]
    known: tuple[str, ...]

    def summary(self) -> str:
        return f"Failed to find the extra `{self.extra}` in {_listed(self.files)}"

    def details(self) -> tuple[str, ...]:
        return (f"  there {_are(self.known)}",)


class GroupNotFound(PuffinError):
    """A dependency group does not exist. ``included_by`` is the group that includes it, if one does."""

    exit_code = USAGE
    group: str
    file: str
    known: tuple[str, ...]
    included_by: str = ""

    def summary(self) -> str:
        by = f" (included by `{self.included_by}`)" if self.included_by else ""
        return f"Failed to find the dependency group `{self.group}`{by} in `{self.file}`"

    def details(self) -> tuple[str, ...]:
        return (f"  there {_are(self.known)}",)


class GroupCycle(PuffinError):
    """Dependency groups include one another in a circle (PEP 735). ``cycle`` ends where it begins."""

    exit_code = USAGE
    cycle: tuple[str, ...]
    file: str

    def summary(self) -> str:
        return f"Failed to read the dependency groups of `{self.file}`: {' → '.join(self.cycle)} is a cycle"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _are(names: tuple[str, ...]) -> str:
    if not names:
        return "are none"
    return f"{'is' if len(names) == 1 else 'are'} {_listed(names)}"


def decode_text(data: bytes, file: str) -> str:
    """Return the text of a file in UTF-8, a byte order mark left out."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidProject(file=file, problem=f"byte {error.start} is not UTF-8") from None


def parse_toml(text: str, file: str) -> dict[str, object]:
    """Return the document; raises :class:`InvalidProject` with the place of the error."""
    import tomllib

    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        problem = str(error)
        raise InvalidProject(file=file, problem=f"{problem[:1].lower()}{problem[1:]}") from None


def table_of(parent: Mapping[str, object], key: str, file: str, *, where: str = "") -> Mapping[str, object]:
    """Return a table, empty if it is absent."""
    value = parent.get(key, {})
    if not isinstance(value, Mapping):
        raise InvalidProject(file=file, problem=f"`{where}{key}` is not a table")
    return value


def text_of(parent: Mapping[str, object], key: str, file: str, *, where: str = "") -> str:
    """Return a text, empty if it is absent."""
    value = parent.get(key, "")
    if not isinstance(value, str):
        raise InvalidProject(file=file, problem=f"`{where}{key}` is not a string")
    return value


def texts_of(parent: Mapping[str, object], key: str, file: str, *, where: str = "") -> tuple[str, ...]:
    """Return a list of texts, empty if it is absent."""
    value = parent.get(key, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise InvalidProject(file=file, problem=f"`{where}{key}` is not a list of strings")
    return tuple(value)


def check_specifier(text: str, file: str, what: str) -> str:
    """Return *text* if it is a version specifier (PEP 440); raises :class:`InvalidProject` naming *what*."""
    try:
        specifiers_of(text)
    except ValueError:
        raise InvalidProject(
            file=file, problem=f"`{what}` is `{text}`, which is no version specifier"
        ) from None
    return text


from puffin.stages.resolve.requirements.texts import specifiers_of

"""The TOML of projects and scripts: read by ``tomllib``, its values checked; and its errors."""

from collections.abc import Mapping

from puffin.errors import USAGE, PuffinError


class InvalidProject(PuffinError):
    """A project's file, or a script's metadata, cannot be understood. ``problem`` is a clause."""

    exit_code = USAGE
    sentence = "Failed to read `{file}`: {problem}"
    file: str
    problem: str


class NeedsBuild(PuffinError):
    """The dependencies of a project are known only to its build backend. ``reason`` is a clause."""

    sentence = "Failed to read the dependencies of `{file}`: {reason}"
    file: str
    reason: str
    hints: tuple[str, ...] = (
        "write the dependencies under `[project]` in `pyproject.toml`,"
        " or name the requirements file that they come from instead",
    )


class ExtraNotFound(PuffinError):
    """No project among the sources has an extra. ``known`` are those that there are."""

    exit_code = USAGE
    extra: str
    files: tuple[str, ...]
    known: tuple[str, ...]

    def summary(self) -> str:
        return f"Failed to find the extra `{self.extra}` in {_listed(self.files)}"

    def details(self) -> tuple[str, ...]:
        return (f"  there {_are(self.known)}",)


class GroupNotFound(PuffinError):
    """A dependency group does not exist. ``included_by`` is the group that includes it, if one does."""

    exit_code = USAGE
    group: str
    file: str
    known: tuple[str, ...]
    included_by: str = ""

    def summary(self) -> str:
        by = f" (included by `{self.included_by}`)" if self.included_by else ""
        return f"Failed to find the dependency group `{self.group}`{by} in `{self.file}`"

    def details(self) -> tuple[str, ...]:
        return (f"  there {_are(self.known)}",)


class GroupCycle(PuffinError):
    """Dependency groups include one another in a circle (PEP 735). ``cycle`` ends where it begins."""

    exit_code = USAGE
    cycle: tuple[str, ...]
    file: str

    def summary(self) -> str:
        return f"Failed to read the dependency groups of `{self.file}`: {' → '.join(self.cycle)} is a cycle"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _are(names: tuple[str, ...]) -> str:
    if not names:
        return "are none"
    return f"{'is' if len(names) == 1 else 'are'} {_listed(names)}"


def decode_text(data: bytes, file: str) -> str:
    """Return the text of a file in UTF-8, a byte order mark left out."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidProject(file=file, problem=f"byte {error.start} is not UTF-8") from None


def parse_toml(text: str, file: str) -> dict[str, object]:
    """Return the document; raises :class:`InvalidProject` with the place of the error."""
    import tomllib

    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        problem = str(error)
        raise InvalidProject(file=file, problem=f"{problem[:1].lower()}{problem[1:]}") from None


def table_of(parent: Mapping[str, object], key: str, file: str, *, where: str = "") -> Mapping[str, object]:
    """Return a table, empty if it is absent."""
    value = parent.get(key, {})
    if not isinstance(value, Mapping):
        raise InvalidProject(file=file, problem=f"`{where}{key}` is not a table")
    return value


def text_of(parent: Mapping[str, object], key: str, file: str, *, where: str = "") -> str:
    """Return a text, empty if it is absent."""
    value = parent.get(key, "")
    if not isinstance(value, str):
        raise InvalidProject(file=file, problem=f"`{where}{key}` is not a string")
    return value


def texts_of(parent: Mapping[str, object], key: str, file: str, *, where: str = "") -> tuple[str, ...]:
    """Return a list of texts, empty if it is absent."""
    value = parent.get(key, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise InvalidProject(file=file, problem=f"`{where}{key}` is not a list of strings")
    return tuple(value)


def check_specifier(text: str, file: str, what: str) -> str:
    """Return *text* if it is a version specifier (PEP 440); raises :class:`InvalidProject` naming *what*."""
    try:
        specifiers_of(text)
    except ValueError:
        raise InvalidProject(
            file=file, problem=f"`{what}` is `{text}`, which is no version specifier"
        ) from None
    return text
