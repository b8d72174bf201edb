"""The file of a pin among the offered ones, or the reason why there is none. Pure."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from puffin.artifact.urls import mask_text
from puffin.names import normalise
from puffin.stages.resolve.index.config import ALL, FilePolicy
from puffin.stages.resolve.index.page import IndexFile
from puffin.stages.resolve.locate.errors import HashesDiffer, NoCompatibleWheel, TooNew
from puffin.stages.resolve.locate.file_choice import (
    FILENAME,
    HASHES,
    REQUIRES_PYTHON,
    UPLOAD_TIME,
    Choice,
    FileChooser,
    FileTarget,
    Offered,
    parsed,
)
from puffin.stages.resolve.locate.tags import mismatch, shown_tags
from puffin.stages.resolve.requirements.values import Pin

_SHOWN = 5


def shown_pin(pin: Pin) -> str:
    """Return a pin as messages show it: as the user gave it, with the credentials of its URL masked."""
    return mask_text(pin.text or pin.name)


def file_of(pin: Pin, offered: "Sequence[Offered]", chooser: FileChooser, date: str = "") -> IndexFile:
    """Return the file to take for *pin*, by the rule of :mod:`~puffin.stages.resolve.locate.file_choice`.

    *date* is that of ``--exclude-newer`` in the user's words. Raises :class:`NoCompatibleWheel`,
    :class:`HashesDiffer`, and :class:`TooNew` where all files are newer.
    """
    choice = chooser.choose(normalise(pin.name), offered, pin.hashes)
    best = choice.best
    if best is not None and chooser.target.admits(best.row[REQUIRES_PYTHON]):
        return best.file()
    if offered and not choice.visible:
        undated = not any(each.row[UPLOAD_TIME] for each in offered)
        raise TooNew(package=shown_pin(pin), date=date, undated=undated)
    raise _nothing(pin, choice, chooser)


def _nothing(pin: Pin, choice: Choice, chooser: FileChooser) -> "NoCompatibleWheel | HashesDiffer":
    """Return why no file can be taken."""
    if not choice.usable:
        return _no_file(pin, choice, chooser)
    admitted = [each for each in choice.usable if chooser.target.admits(each.row[REQUIRES_PYTHON])]
    return _hashes_differ(pin, admitted) if admitted else _no_python(pin, choice.usable, chooser.target)


def _no_file(pin: Pin, choice: Choice, chooser: FileChooser) -> NoCompatibleWheel:
    name, files = normalise(pin.name), chooser.files
    option = sdists_option(files, name) if choice.sdists else ""
    if forbidden := wheels_option(files, name):
        lacks = f"{option} forbids its source distribution" if option else "it has no source distribution"
        return NoCompatibleWheel(
            package=shown_pin(pin),
            reason=f"{forbidden} forbids its wheels, and {lacks}",
            hints=(f"to allow its wheels, leave out {forbidden}",),
        )
    if not choice.wheels:
        reason = f"there is only a source distribution, and {option} forbids it"
        return NoCompatibleWheel(package=shown_pin(pin), reason=reason, hints=(_leave_out(option),))
    return _no_tag(pin, choice.wheels, chooser.target, option)


def _leave_out(option: str) -> str:
    return f"to build its source distribution, leave out {option}"


def _no_tag(pin: Pin, wheels: "list[Offered]", target: FileTarget, option: str) -> NoCompatibleWheel:
    names = [each.row[FILENAME] for each in wheels]
    parts = list(dict.fromkeys(mismatch(name, target.tags) for name in names))
    found = list(dict.fromkeys(shown_tags(name) for name in names))
    best = f" (its best tag is `{target.tags[0]}`)" if target.tags else ""
    hint = f"use an interpreter that fits one of these tags, or another version of `{pin.name}`"
    return NoCompatibleWheel(
        package=shown_pin(pin),
        reason=f"no wheel's {' or '.join(parts)} fits Python {target.python_version}{best}",
        available=tuple(found[:_SHOWN]),
        total=len(found),
        hints=(hint, *((_leave_out(option),) if option else ())),
    )


def _no_python(pin: Pin, fitting: "list[Offered]", target: FileTarget) -> NoCompatibleWheel:
    wanted = list(dict.fromkeys(each.row[REQUIRES_PYTHON] for each in fitting))
    reason = f"it requires Python {' or '.join(wanted)}, but the interpreter is Python {target.python_version}"
    hint = f"use another interpreter, or another version of `{pin.name}`"
    return NoCompatibleWheel(package=shown_pin(pin), reason=reason, hints=(hint,))


def _hashes_differ(pin: Pin, admitted: "list[Offered]") -> HashesDiffer:
    offered = [f"{item} ({each.row[FILENAME]})" for each in admitted for item in each.row[HASHES]]
    hint = "if you trust the new files, write the pins with their hashes again"
    return HashesDiffer(package=shown_pin(pin), expected=pin.hashes, offered=tuple(offered), hints=(hint,))


def builds_option(files: FilePolicy, name: str) -> str:
    """Return the option that forbids building *name*, wherever it is from; empty if none does."""
    return "`--no-build`" if ALL in files.no_build or name in files.no_build else ""


def sdists_option(files: FilePolicy, name: str) -> str:
    """Return the option that forbids source distributions of *name* from an index; empty if none does."""
    if files.sdists(name):
        return ""
    if option := builds_option(files, name):
        return option
    return f"`--only-binary {name if name in files.only_binary else ALL}`"


def wheels_option(files: FilePolicy, name: str) -> str:
    """Return the option that forbids wheels of *name* from an index; empty if none does."""
    if files.wheels(name):
        return ""
    return f"`--no-binary {name if name in files.no_binary else ALL}`"


def same_text(texts: "Iterable[str]", version: str, *, exact: bool) -> list[str]:
    """Return the texts that are *version* or, unless *exact* (``===``), that with a local part (PEP 440)."""
    if exact:
        return [text for text in texts if text.lower() == version.lower()]
    local = version + "+"
    return [text for text in texts if text == version or text.startswith(local)]


def equal(texts: "Iterable[str]", version: str) -> list[str]:
    """Return the texts that satisfy ``==version``; malformed ones never do."""
    wanted = parsed(version)
    if wanted is None:
        return [text for text in texts if text == version]
    if wanted.local is None:  # then the local part of a candidate does not count
        return [text for text in texts if parsed(text.partition("+")[0]) == wanted and parsed(text) is not None]
    return [text for text in texts if parsed(text) == wanted]


def nearby(texts: "Iterable[str]", version: str) -> tuple[tuple[str, ...], int]:
    """Return up to five versions around *version*, in their order, and how many there are in all."""
    known = sorted({own for own in map(parsed, texts) if own is not None})
    wanted = parsed(version)
    at = len(known) if wanted is None else bisect_left(known, wanted)
    begin = max(0, min(at - _SHOWN // 2, len(known) - _SHOWN))
    return tuple(str(own) for own in known[begin : begin + _SHOWN]), len(known)
