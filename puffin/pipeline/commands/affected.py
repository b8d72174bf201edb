"""Which environments a change affects: those whose digest differs between a commit and the work tree, and why."""

import os
from collections.abc import Callable

from puffin import depends
from puffin.errors import PuffinError, UsageError
from puffin.pipeline.inputs.digest import (
    INTERPRETER,
    PROJECT,
    UNKNOWN,
    Digester,
    DigestInput,
    DigestSettings,
    EnvironmentDigest,
)
from puffin.pipeline.request.session import Session
from puffin.pipeline.request.where import Interpreters
from puffin.pipeline.workspace.commits import CommitDifference, CommitTree, WorkTree, difference
from puffin.pipeline.workspace.select import NothingMatches
from puffin.pipeline.workspace.specs import EnvSpec
from puffin.value import frozen

ADDED, NEW = "added", "new environment"


@frozen
class Side:
    """The environments of one state of the disk, and the settings there."""

    specs: tuple[EnvSpec, ...]
    settings: DigestSettings


@frozen
class AffectedReason:
    """Why an environment is affected: an input of the ``kind`` differs, which has a ``name``.

    ``chain`` leads from the file that changed to the environment. ``note`` says more, if there is more to say.
    """

    kind: str
    name: str
    chain: tuple[str, ...]
    note: str = ""


@frozen
class AffectedEnvironment:
    """An environment whose digest differs, with all reasons; ``former`` is empty for a new one."""

    spec: EnvSpec
    digest: str
    former: str
    reasons: tuple[AffectedReason, ...]


@frozen
class Affected:
    """The environments that a change affects, the number of all, and the names of those that are gone."""

    commit: str
    environments: tuple[AffectedEnvironment, ...]
    total: int
    removed: tuple[str, ...] = ()


def affected(
    reference: str, side: "Callable[[bool], Side]", session: Session, *, option: str = "--since"
) -> Affected:
    """Compare the digests of all environments at the commit *reference* with those of the work tree.

    *side* returns the environments of the state of the disk that is looked at when it is called, and is told whether
    that is the former one. Uncommitted changes count. Raises :class:`UsageError` where git cannot tell, and what *side*
    raises.
    """
    found = difference(reference, os.getcwd(), option)
    work, commit = WorkTree(found.head), CommitTree(found)
    try:
        return _Comparison(found, work, commit, session).run(side)
    finally:
        commit.close()


class _Comparison:
    """Both states of the disk. The commit is read only for environments that look at something that differs."""

    def __init__(self, found: CommitDifference, work: WorkTree, commit: CommitTree, session: Session) -> None:
        self._found = found
        self._touched = found.touched
        self._work = work
        self._commit = commit
        self._session = session
        self._interpreters = Interpreters(session)
        self._unreadable = ""  # why the environments of the commit are not known

    def run(self, side: "Callable[[bool], Side]") -> Affected:
        now = self._seen(self._work, side)
        same = self._touched.isdisjoint(self._work.looked)
        try:
            before = now if same else self._seen(self._commit, side, former=True)
        except PuffinError as error:
            before = Side(specs=(), settings=now.settings)
            self._unreadable = (
                "" if isinstance(error, (UsageError, NothingMatches)) else str(error).splitlines()[0]
            )
        former = {spec.path: spec for spec in before.specs}
        mine = Digester(self._work, now.settings, self._session, self._interpreters)
        theirs = Digester(self._commit, before.settings, self._session, self._interpreters)
        settings = now.settings == before.settings
        environments = []
        for spec in now.specs:
            digest, looked = self._digest(self._work, mine, spec)
            known = former.pop(spec.path, None)
            if known == spec and settings and not self._moved(digest) and self._touched.isdisjoint(looked):
                continue
            other = self._digest(self._commit, theirs, known)[0] if known else None
            if other is None or other.digest != digest.digest or _unknown(digest):
                environments.append(self._affected(spec, digest, other))
        removed = tuple([spec.name for spec in former.values()])
        return Affected(
            commit=self._found.commit, environments=tuple(environments), total=len(now.specs), removed=removed
        )

    def _moved(self, digest: EnvironmentDigest) -> bool:
        """Tell whether the commit itself is an input, and differs."""
        return self._found.head != self._found.commit and any(each.note for each in digest.inputs)

    def _seen(self, tree: WorkTree, side: "Callable[[bool], Side]", *, former: bool = False) -> Side:
        before = depends.look_through(tree)
        try:
            return side(former)
        finally:
            depends.look_through(before)

    def _digest(
        self, tree: WorkTree, digester: Digester, spec: EnvSpec
    ) -> "tuple[EnvironmentDigest, frozenset[str]]":
        tree.looked = set()
        former = depends.look_through(tree)
        try:
            return digester.of(spec), frozenset(tree.looked)
        finally:
            depends.look_through(former)

    def _affected(
        self, spec: EnvSpec, digest: EnvironmentDigest, former: EnvironmentDigest | None
    ) -> AffectedEnvironment:
        added = AffectedReason(kind=ADDED, name=NEW, chain=(spec.name,), note=self._unreadable)
        reasons = self._reasons(spec, digest, former) if former else (added,)
        return AffectedEnvironment(
            spec=spec, digest=digest.digest, former=former.digest if former else "", reasons=reasons
        )

    def _reasons(
        self, spec: EnvSpec, digest: EnvironmentDigest, former: EnvironmentDigest
    ) -> tuple[AffectedReason, ...]:
        """Return a reason for each input that differs; those of one chain are one."""
        found: dict[tuple[str, tuple[str, ...], str], list[str]] = {}
        for each in _differing(digest, former):
            for chain in self._chains(each, spec):
                found.setdefault((each.kind, chain, each.note), []).append(each.name)
        return tuple(
            AffectedReason(kind=kind, name=", ".join(dict.fromkeys(names)), chain=chain, note=note)
            for (kind, chain, note), names in found.items()
        )

    def _chains(self, each: DigestInput, spec: EnvSpec) -> "list[tuple[str, ...]]":
        """Return the ways from each changed file of an input to the environment; one without file if none changed."""
        files = [os.path.realpath(os.path.dirname(file)) + "/" + os.path.basename(file) for file in each.files]
        changed = sorted(os.path.relpath(file) for file in files if file in self._found.former)
        links = (*[os.path.relpath(directory) for directory in reversed(each.via)], spec.name)
        if not changed:
            return [links] if each.kind in (PROJECT, UNKNOWN) else [(each.name, *links)]
        return [(file, *links) for file in changed]


def _unknown(digest: EnvironmentDigest) -> bool:
    return any(each.kind == UNKNOWN for each in digest.inputs)


def _differing(digest: EnvironmentDigest, former: EnvironmentDigest) -> "list[DigestInput]":
    """Return the inputs that are new, differ, or are gone; all that is not known."""
    now = {(each.kind, each.name): each for each in digest.inputs}
    before = {(each.kind, each.name): each for each in former.inputs}
    found = [
        _joined(each, before.get(key))
        for key, each in now.items()
        if each.kind == UNKNOWN or key not in before or before[key].digest != each.digest
    ]
    return found + [each for key, each in before.items() if key not in now and each.kind != INTERPRETER]


def _joined(each: DigestInput, former: DigestInput | None) -> DigestInput:
    """Return an input with the files of both states: one of them may be gone."""
    files = (*each.files, *(former.files if former else ()))
    return DigestInput(
        kind=each.kind, name=each.name, digest=each.digest, files=tuple(dict.fromkeys(files)), via=each.via,
        note=each.note or (former.note if former else ""),
    )  # fmt: skip
