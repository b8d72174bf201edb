"""Why something is done: why a distribution changes in an environment, and why the cache did not serve a task.

A reason is made where that is decided, and carried as it stands to the terminal, the record of the run and the report.
"""

from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# of changes in environments
NEW_ENVIRONMENT, ABSENT, UNWANTED, OTHER_VERSION, NEWER_FILE, REQUESTED = (
    "new-environment", "absent", "unwanted", "other-version", "newer-file", "requested",
)  # fmt: skip
REQUIREMENT, LOCK = "requirement", "lock"
DAMAGED, BYTECODE, LINK_MODE, CONFLICT, TWICE = "damaged", "bytecode", "link-mode", "conflict", "twice"
PLACE, EDITABLE, COPIED, COMMIT, SOURCE, TOLD, FILE = (
    "place", "editable", "copied", "commit", "source", "told", "file",
)  # fmt: skip
# of what the cache does not serve
NOT_CACHED, PRUNED, NOT_BUILT, VARIABLE, SETTING, CONSTRAINTS, INTERPRETER, SHARED = (
    "not-cached", "pruned", "not-built", "variable", "setting", "constraints", "interpreter", "shared",
)  # fmt: skip
NO_WHEEL, NO_BINARY = "no-wheel", "no-binary"
NOT_COMPILED, OTHER_BYTECODE, OLDER_BYTECODE = "not-compiled", "other-bytecode", "older-bytecode"
NOT_MADE, BUILD_REQUIREMENT, BUILD_REQUIREMENTS = "not-made", "build-requirement", "build-requirements"
BUILD_ENVIRONMENT = "build-environment"
_SENTENCES = {
    NEW_ENVIRONMENT: "the environment is new",
    ABSENT: "it was not installed",
    UNWANTED: "nothing requires it any more",
    OTHER_VERSION: "version {now} is required, and {before} was installed",
    NEWER_FILE: "the index page has a newer file: {now} instead of {before}",
    REQUIREMENT: "the requirement `{subject}` changed, which led from {before} to {now}",
    LOCK: "the lock changed from {before} to {now}",
    REQUESTED: "`{subject}` was given",
    DAMAGED: "files of it were missing or changed in the environment",
    BYTECODE: "it lacked bytecode, which is wanted now",
    LINK_MODE: "the link mode changed",
    CONFLICT: "it shares a file with a package that was removed or changed",
    TWICE: "it was installed twice",
    PLACE: "it comes from {now} now, and came from {before}",
    EDITABLE: "it is editable now",
    COPIED: "it is not editable any more",
    COMMIT: "the commit changed from {before} to {now}",
    SOURCE: "the files of `{subject}` changed",
    TOLD: "build settings changed",
    FILE: "the file `{subject}` changed",
    NOT_CACHED: "the cache did not have it",
    PRUNED: "it was pruned {before}",
    NOT_BUILT: "it had not been built before",
    NO_WHEEL: "its index has no wheel that can be used with {subject}, and it had not been built before",
    NO_BINARY: "`{subject}` excludes its wheels, and it had not been built before",
    VARIABLE: "`{subject}` changed",
    SETTING: "the build setting `{subject}` changed",
    CONSTRAINTS: "the build constraints changed",
    INTERPRETER: "the interpreter changed",
    SHARED: "it is built in another environment",
    NOT_COMPILED: "its modules had not been compiled before",
    OTHER_BYTECODE: "the cache has its bytecode for another interpreter: {before} instead of {now}",
    OLDER_BYTECODE: "its archive is newer than its bytecode in the cache",
    NOT_MADE: "no environment with its build requirements had been made before",
    BUILD_REQUIREMENT: "the build requirement `{subject}` changed from {before} to {now}",
    BUILD_REQUIREMENTS: "the build requirement `{subject}` {now}",
    BUILD_ENVIRONMENT: "files of its build environment were missing or changed",
}
_WORK = {
    "fetch": "fetched", "build": "built", "compile": "compiled", "environment": "given a new build environment",
}  # fmt: skip
WORK = tuple(_WORK)  # the stages whose work the cache saves


@frozen
class Reason:
    """Why something is done. ``kind`` is one of the constants of this module.

    ``subject`` is what differs: a variable, an option, a file. ``before`` and ``now`` are its values where they can be
    shown; ``before`` is a time in seconds since the epoch, as text, where something was pruned.
    """

    kind: str
    subject: str = ""
    before: str = ""
    now: str = ""


def reason_text(reason: Reason, today: float = 0.0) -> str:
    """Return a reason as a clause; *today*, in seconds since the epoch, is what ages are told from."""
    before = _age(reason.before, today) if reason.kind == PRUNED else reason.before
    return _SENTENCES[reason.kind].format(subject=reason.subject, before=before, now=reason.now)


def work_text(stage: str, reason: Reason, today: float) -> str:
    """Return what a *stage* did because the cache did not serve, and why, as a part of a sentence."""
    return f"{_WORK[stage]}, because {reason_text(reason, today)}"


def _age(text: str, today: float) -> str:
    try:
        seconds = max(0.0, today - float(text)) if text and today else -1.0
    except ValueError:
        seconds = -1.0
    if seconds < 0:
        return "from the cache"
    for name, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        count = int(seconds // size)
        if count:
            return f"{count} {name}{'s' if count > 1 else ''} ago"
    return "just now"


def first_difference(
    before: "Mapping[str, str]", now: "Mapping[str, str]", kinds: "Mapping[str, str]"
) -> Reason | None:
    """Return the first thing that differs between two sets of inputs, None if nothing does.

    Names have their kind before a ``:``; *kinds* says, in the order in which they count, which reason each means.
    """
    for prefix, kind in kinds.items():
        names = sorted({name for name in (*before, *now) if name.partition(":")[0] == prefix})
        for name in names:
            if before.get(name) != now.get(name):
                return Reason(kind=kind, subject=name.partition(":")[2])
    return None


def reason_fields(reason: Reason | None, today: float) -> "dict[str, str | None] | None":
    """Return a reason in its JSON form, with the text that people read; *today* is as for :func:`reason_text`."""
    if reason is None:
        return None
    told = {name: getattr(reason, name) or None for name in ("subject", "before", "now")}
    return {"kind": reason.kind, **told, "text": reason_text(reason, today)}


def reason_of(fields: object) -> Reason | None:
    """Return the reason in the fields of a record, None for anything else."""
    if not isinstance(fields, dict) or fields.get("kind") not in _SENTENCES:
        return None
    texts = {name: fields.get(name, "") for name in ("kind", "subject", "before", "now")}
    return Reason(**{name: text if isinstance(text, str) else "" for name, text in texts.items()})
