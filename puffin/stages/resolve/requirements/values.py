"""Requirements files, and requests for them, as values."""

from puffin.value import frozen


@frozen
class Entry:
    """One requirement, constraint or override.

    ``name`` is normalized (PEP 503) and empty where only the distribution itself can tell it; ``text`` is
    what the user wrote, with credentials masked, for messages; ``specifier`` and ``marker`` are in the forms
    of packaging, empty where there are none; ``url`` is absolute (paths become ``file:`` URLs), without
    hashes and ``egg`` in its fragment, and empty for a requirement from an index; ``hashes`` are
    ``"algorithm:hex"`` in lower case; ``line`` counts from 1 in ``file``, which is named as the user would. What is
    from no line has line 0, and as ``file`` what tells where it is from. ``within`` is the marker of the extra or the
    group that a lock file has it for, such as ``'dev' in dependency_groups``; the resolver takes no notice of it.
    """

    name: str
    text: str
    specifier: str = ""
    extras: tuple[str, ...] = ()
    marker: str = ""
    url: str = ""
    hashes: tuple[str, ...] = ()
    editable: bool = False
    config_settings: tuple[tuple[str, str], ...] = ()
    file: str = ""
    line: int = 0
    constraint: bool = False
    within: str = ""

    @property
    def origin(self) -> str:
        """Where the entry stands, as ``file:line``."""
        return f"{self.file}:{self.line}" if self.line else self.file


@frozen
class Requirements:
    """All that a set of requirements and constraints files says.

    ``no_binary`` and ``only_binary`` hold normalized names or ``:all:``. URLs of indexes and of find-links
    are as given, credentials included: mask them before they are shown. ``warnings`` are sentences. ``pinned`` are
    packages with the URL of the only index that they may come from, and the marker of the environments where.
    """

    entries: tuple[Entry, ...] = ()
    constraints: tuple[Entry, ...] = ()
    index_url: str | None = None
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    require_hashes: bool = False
    no_binary: tuple[str, ...] = ()
    only_binary: tuple[str, ...] = ()
    pre: bool = False
    trusted_hosts: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    pinned: tuple[tuple[str, str, str], ...] = ()


@frozen
class Pin:
    """One distribution to install.

    ``name`` is normalized, or empty where only the distribution tells it. ``version`` is in PEP 440's
    normal form, as written where ``exact`` (``===``), and empty with a ``url``. One of ``hashes`` has to
    hold, if there are any. ``text`` is the requirement as the user wrote it, ``origin`` its ``file:line``.
    """

    name: str
    version: str = ""
    extras: tuple[str, ...] = ()
    url: str = ""
    hashes: tuple[str, ...] = ()
    editable: bool = False
    text: str = ""
    origin: str = ""
    exact: bool = False
    config_settings: tuple[tuple[str, str], ...] = ()


@frozen
class SourceRequest:
    """What to read: paths (or ``-``, or URLs) as the user gave them; ``groups`` are ``NAME`` or ``PATH:NAME``.

    ``itself`` tells whether projects are wanted, besides what they ask for, and ``editable`` how. ``tree`` are
    directories of projects that get each other's working copies, though no workspace says so.
    ``packages`` are the projects in a ``uv.lock`` that are wanted, where these are not what uv means. ``selectable``
    asks for all extras and groups of projects, each of them for those who select it.
    """

    files: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    all_extras: bool = False
    groups: tuple[str, ...] = ()
    itself: bool = False
    editable: bool = True
    tree: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    selectable: bool = False
