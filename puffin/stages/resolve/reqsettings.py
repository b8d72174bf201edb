"""The options of requirements files that hold for all requirements, as they add up over lines and files."""

from puffin.stages.resolve.reqlines import Line
from puffin.stages.resolve.reqoptions import Option
from puffin.stages.resolve.reqvalues import Entry, Requirements
from puffin.stages.urls import mask


class Settings:
    """Collects global options; later lines win where only one value can hold, as in pip."""

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
        """Keep a warning, once."""
        if sentence not in self._warnings:
            self._warnings.append(sentence)

    def apply(self, line: Line, option: Option) -> None:
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
        """Return all that was read, repeated values once."""
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
            prefer_binary="--prefer-binary" in self._flags,
            pre="--pre" in self._flags,
            trusted_hosts=tuple(dict.fromkeys(self.trusted_hosts)),
            warnings=tuple(self._warnings),
        )

    def _set_index(self, line: Line, url: str) -> None:
        if self.index_url not in (None, url):
            old = mask(self.index_url or "")
            self.warn(f"`--index-url {mask(url)}` in `{line.file}` at {line.number} replaces `{old}`.")
        self.index_url = url


def _select_format(line: Line, option: Option, chosen: list[str], other: list[str]) -> None:
    """Add names to *chosen* and take them from *other*: the last word on a package counts, as in pip.

    ``:none:`` forgets what was chosen, ``:all:`` replaces it.
    """
    from packaging.utils import canonicalize_name, is_normalized_name

    for word in option.value.split(","):
        name = word.strip()
        if name == ":all:":
            chosen[:] = [name]
            other.clear()
        elif name == ":none:":
            chosen.clear()
        elif is_normalized_name(normalized := canonicalize_name(name)):
            other[:] = [kept for kept in other if kept != normalized]
            chosen.extend([str(normalized)] if normalized not in chosen else [])
        else:
            problem = f"`{option.name}` takes names of packages, `:all:` or `:none:`, with commas between."
            raise line.error(option.value_start, problem)
