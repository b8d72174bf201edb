"""The options of requirements files: their names, how they are read from a line, and the global ones.

The set is pip's (its page "Requirements File Format").
"""

from puffin import patterns
from puffin.artifact.urls import mask
from puffin.names import is_name, normalise
from puffin.stages.resolve.requirements.errors import InvalidRequirementLine
from puffin.stages.resolve.requirements.lines import LogicalLine, Word
from puffin.stages.resolve.requirements.values import Entry, Requirements
from puffin.value import frozen

_FLAGS = {name: name for name in ("--no-index", "--require-hashes", "--prefer-binary", "--pre")}
_VALUED = {
    "-r": "--requirement",
    "-c": "--constraint",
    "-e": "--editable",
    "-i": "--index-url",
    "-f": "--find-links",
    "-C": "--config-settings",
    "--pypi-url": "--index-url",
    "--config-setting": "--config-settings",
} | {
    name: name
    for name in (
        "--requirement",
        "--constraint",
        "--editable",
        "--index-url",
        "--extra-index-url",
        "--find-links",
        "--no-binary",
        "--only-binary",
        "--trusted-host",
        "--use-feature",
        "--hash",
        "--config-settings",
    )
}
PER_REQUIREMENT = frozenset(("--hash", "--config-settings"))
_REFUSED = {
    "--global-option": "pass settings to the build backend with `--config-settings KEY=VALUE`",
    "--install-option": "pass settings to the build backend with `--config-settings KEY=VALUE`",
    "--build-option": "pass settings to the build backend with `--config-settings KEY=VALUE`",
    "--process-dependency-links": "give the location with `--find-links`, or as `name @ URL`",
    "--allow-external": "give the location with `--find-links`, or as `name @ URL`",
    "--allow-unverified": "give the location with `--find-links`, or as `name @ URL`",
    "--always-unzip": "remove it: packages are always unzipped",
}
_OPTION_START = r"(?:^|(?<=\s))--?[A-Za-z]"
_HEX = r"[0-9a-f]*"
HASH_LENGTHS = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128, "blake2b": 128}


@frozen
class Option:
    """An option in a line: its long ``name``, its unquoted ``value``, and their places in the text."""

    name: str
    value: str
    start: int
    value_start: int
    end: int


def split_options(line: LogicalLine) -> tuple[int, tuple[Option, ...]]:
    """Return the end of the requirement before the options, and the options.

    Raises :class:`InvalidRequirementLine` for unknown options, missing values and stray words.
    """
    may_have = any(word[0] == "-" for word in line.text.split())
    found = patterns.search(_OPTION_START, line.text) if may_have else None
    if found is None:
        return len(line.text), ()
    options: list[Option] = []
    words = list(line.words(found.start()))[::-1]
    while words:
        word = words.pop()
        if word.value.startswith("-") and word.value != "-":
            options.append(_option(line, word, words))
        elif options and options[-1].name == "--editable":
            options[-1] = _extended(line, options[-1], word)
        else:
            raise _stray(line, word)
    return found.start(), tuple(options)


def check_hash(line: LogicalLine, option: Option) -> str:
    """Return the value of a ``--hash`` in lower case, or raise what is wrong with it."""
    value = option.value.lower()
    problem = hash_problem(value)
    if problem:
        raise line.error(option.value_start, problem)
    return value


def hash_problem(value: str) -> str:
    """Return the problem of *value* as ``algorithm:hex`` in lower case, empty if there is none."""
    algorithm, colon, digest = value.partition(":")
    if not colon:
        return f"A hash is written as `algorithm:digest`, but this is `{value}`."
    length = HASH_LENGTHS.get(algorithm)
    if length is None:
        known = ", ".join(f"`{name}`" for name in HASH_LENGTHS)
        return f"The hash algorithm `{algorithm}` is unknown; there are {known}."
    if not patterns.fullmatch(_HEX, digest):
        return f"The {algorithm} digest `{digest}` is not hexadecimal."
    if len(digest) != length:
        return f"A {algorithm} digest has {length} hexadecimal digits, but this one has {len(digest)}."
    return ""


def check_config_setting(line: LogicalLine, option: Option) -> tuple[str, str]:
    """Return key and value of a ``--config-settings KEY=VALUE``."""
    key, equals, value = option.value.partition("=")
    if not equals or not key:
        raise line.error(option.value_start, "A config setting is written as `KEY=VALUE`.")
    return key, value


def _option(line: LogicalLine, word: Word, following: list[Word]) -> Option:
    """Make the option that *word* begins; its value may be the last of *following*, the words in reverse."""
    name, value = _name_and_value(word.value)
    offset = len(word.value) - len(value or "")
    if name in _FLAGS:
        if value is not None:
            raise line.error(word.start, f"`{name}` takes no value.")
        return Option(name=name, value="", start=word.start, value_start=word.end, end=word.end)
    if name not in _VALUED:
        raise _unknown(line, word, name)
    long = _VALUED[name]
    if value is None:
        if not following:
            raise line.error(word.end, f"`{name}` needs a value.")
        next_word = following.pop()
        value, value_start, end = next_word.value, next_word.start, next_word.end
    else:
        value_start, end = min(word.start + offset, word.end), word.end
    if not value:
        raise line.error(value_start, f"`{name}` needs a value.")
    return Option(name=long, value=value, start=word.start, value_start=value_start, end=end)


def _name_and_value(word: str) -> tuple[str, str | None]:
    """Split ``--name=value``, ``-xvalue`` and ``-x=value``; the value is None where the word has none."""
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        return name, value if equals else None
    if word[:2] in _VALUED and len(word) > 2:
        return word[:2], word[2:].removeprefix("=")
    return word, None


def _extended(line: LogicalLine, option: Option, word: Word) -> Option:
    """Extend an editable to *word*: a marker may follow it, or ``@`` and a URL its name."""
    value = option.value + line.text[option.end : word.end]
    return Option(
        name=option.name, value=value, start=option.start, value_start=option.value_start, end=word.end
    )


def _unknown(line: LogicalLine, word: Word, name: str) -> InvalidRequirementLine:
    if name in _REFUSED:
        return line.error(word.start, f"`{name}` is no longer supported.", _REFUSED[name])
    from difflib import get_close_matches

    known = sorted({*_FLAGS, *_VALUED})
    longer = [option for option in known if len(name) > 3 and option.startswith(name)]
    close = longer or get_close_matches(name, known, n=1)
    hints = (f"did you mean `{close[0]}`?",) if close else ()
    shown = line.written(word.start, word.end).partition("=")[0]
    return line.error(word.start, f"The option `{shown}` is unknown in a requirements file.", *hints)


def _stray(line: LogicalLine, word: Word) -> InvalidRequirementLine:
    shown = line.written(word.start, word.end)
    hint = "put a requirement on a line of its own, and quote a value that contains blanks"
    return line.error(word.start, f"`{shown}` does not belong to an option.", hint)


class GlobalOptions:
    """Collects the global options of all files. Of options with one value the last one is used, as in pip."""

    def __init__(self) -> None:
        self.index_url: str | None = None
        self.extra_index_urls: list[str] = []
        self.find_links: list[str] = []
        self.no_binary: list[str] = []
        self.only_binary: list[str] = []
        self.trusted_hosts: list[str] = []
        self._flags: set[str] = set()
        self._warnings: list[str] = []

    def warn(self, sentence: str) -> None:
        if sentence not in self._warnings:
            self._warnings.append(sentence)

    def apply(self, line: LogicalLine, option: Option) -> None:
        """Take over one option other than those that include files or belong to a requirement."""
        if option.name == "--index-url":
            self._set_index(line, option.value)
        elif option.name == "--extra-index-url":
            self.extra_index_urls.append(option.value)
        elif option.name == "--trusted-host":
            self.trusted_hosts.append(option.value)
        elif option.name == "--no-binary":
            _select_format(line, option, self.no_binary, self.only_binary)
        elif option.name == "--only-binary":
            _select_format(line, option, self.only_binary, self.no_binary)
        elif option.name == "--use-feature":
            shown = line.written(option.value_start, option.end)
            self.warn(f"`--use-feature {shown}` in `{line.file}` at {line.number} has no effect.")
        else:
            self._flags.add(option.name)

    def requirements(self, entries: tuple[Entry, ...], constraints: tuple[Entry, ...]) -> Requirements:
        return Requirements(
            entries=entries,
            constraints=constraints,
            index_url=self.index_url,
            extra_index_urls=tuple(dict.fromkeys(self.extra_index_urls)),
            find_links=tuple(dict.fromkeys(self.find_links)),
            no_index="--no-index" in self._flags,
            require_hashes="--require-hashes" in self._flags,
            no_binary=tuple(self.no_binary),
            only_binary=tuple(self.only_binary),
            pre="--pre" in self._flags,
            trusted_hosts=tuple(dict.fromkeys(self.trusted_hosts)),
            warnings=tuple(self._warnings),
        )

    def _set_index(self, line: LogicalLine, url: str) -> None:
        if self.index_url not in (None, url):
            old = mask(self.index_url or "")
            self.warn(f"`--index-url {mask(url)}` in `{line.file}` at {line.number} replaces `{old}`.")
        self.index_url = url


def _select_format(line: LogicalLine, option: Option, chosen: list[str], other: list[str]) -> None:
    """Add names to *chosen* and remove them from *other*: the last option for a package is used, as in pip.

    ``:none:`` empties *chosen*, ``:all:`` replaces it.
    """
    for word in option.value.split(","):
        name = word.strip()
        if name == ":all:":
            chosen[:] = [name]
            other.clear()
        elif name == ":none:":
            chosen.clear()
        elif is_name(name):
            normalized = normalise(name)
            other[:] = [kept for kept in other if kept != normalized]
            chosen.extend([normalized] if normalized not in chosen else [])
        else:
            problem = f"`{option.name}` takes names of packages, `:all:` or `:none:`, with commas between."
            raise line.error(option.value_start, problem)
