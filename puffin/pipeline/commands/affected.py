"""Which environments a change affects: those whose digest differs between a commit and the work tree, and why."""

import os
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import TypeVar

from puffin import depends
from puffin.errors import PuffinError, UsageError
from puffin.pipeline.inputs.digest import (
    ABOVE,
    INTERPRETER,
    PROJECT,
    UNKNOWN,
    Digester,
    DigestInput,
    EnvironmentDigest,
    value_name,
)
from puffin.pipeline.request.session import Session
from puffin.pipeline.request.settings import Side
from puffin.pipeline.request.where import Interpreters
from puffin.pipeline.workspace.affected import Affected, AffectedEnvironment, AffectedReason, CommitMemo
from puffin.pipeline.workspace.commits import CommitDifference, CommitTree, WorkTree
from puffin.pipeline.workspace.select import NothingMatches
from puffin.pipeline.workspace.specs import EnvSpec

T = TypeVar("T")

ADDED, NEW = "added", "new environment"


def compared(
    found: CommitDifference, side: "Callable[[bool], Side]", session: Session, known: CommitMemo | None
) -> "tuple[Affected, CommitMemo | None, dict[str, str | None]]":
    """Compare the digests of all environments at a commit with those of the work tree.

    *side* returns the environments of the state of the disk that is looked at when it is called, and is told whether
    that is the former one. *known* is what was looked at before for the commit, if that is known. With the result come
    what was looked at, None if the commit could not be read, and the environment variables that counts for. Raises what
    *side* raises.
    """
    work, commit = WorkTree(found.head), CommitTree(found)
    try:
        return _Comparison(found, work, commit, session, known).run(side)
    finally:
        commit.close()


class _Comparison:
    """Both states of the disk. The commit is read only for environments that look at something that differs."""

    def __init__(
        self,
        found: CommitDifference,
        work: WorkTree,
        commit: CommitTree,
        session: Session,
        known: CommitMemo | None,
    ) -> None:
        self._known = known
        self._found = found
        self._touched = set(found.touched)  # and the values that differ
        self._checked: set[str] = set()
        self._work = work
        self._commit = commit
        self._session = session
        self._interpreters = Interpreters(session)
        self._unreadable = ""  # why the environments of the commit are not known

    def run(
        self, side: "Callable[[bool], Side]"
    ) -> "tuple[Affected, CommitMemo | None, dict[str, str | None]]":
        now = self._through(self._work, partial(side, False))
        listing, readable = frozenset(self._work.looked), True
        before = now
        if not self._touched.isdisjoint(listing):
            try:
                before = self._through(self._commit, partial(side, True))
            except PuffinError as error:
                before, readable = Side(specs=(), settings=now.settings), False
                expected = isinstance(error, (UsageError, NothingMatches))
                self._unreadable = "" if expected else str(error).splitlines()[0]
            listing = frozenset(self._commit.looked)
        mine = Digester(self._work, now.settings, self._session, self._interpreters)
        theirs = Digester(self._commit, before.settings, self._session, self._interpreters)
        self._sides = (self._work, mine), (self._commit, theirs)
        if self._known:
            self._check(self._known.values)
        former = {spec.path: spec for spec in before.specs}
        settings = now.settings == before.settings
        environments, looks, repeated = [], dict[str, tuple[bool, frozenset[str]]](), False
        for spec in now.specs:
            known = former.pop(spec.path, None)
            alike = known == spec and settings
            if alike and self._known and self._known.is_same(spec.path, self._found, self._touched):
                repeated = True
                continue
            digest, looked = self._digest(self._work, mine, spec)
            self._check(self._work.values)
            moves = any(each.note for each in digest.inputs)
            if known:
                looks[spec.path] = (moves, looked)
            if alike and not self._moved(digest) and self._touched.isdisjoint(looked):
                continue
            other, looked = self._digest(self._commit, theirs, known) if known else (None, looked)
            moves = moves or (other is not None and any(each.note for each in other.inputs))
            if known:
                looks[spec.path] = (moves, looked)
            if other is None or other.digest != digest.digest or _unknown(digest):
                environments.append(self._affected(spec, digest, other))
        if former or repeated:  # what they look at was not read, or stands in the memo that there is
            looks = {}
        found = Affected(
            commit=self._found.commit,
            environments=tuple(environments),
            total=len(now.specs),
            removed=tuple([spec.name for spec in former.values()]),
        )
        values = {name: frozenset(each) for name, each in {**self._work.values, **self._commit.values}.items()}
        kept = CommitMemo(listing=listing, environments=looks, values=values) if readable and looks else None
        return found, kept, self._work.variables | self._commit.variables

    def _check(self, values: "Mapping[str, Collection[str]]") -> None:
        """Count those of *values* as touched that differ; if nothing differs that one is from, it does not."""
        new = [name for name in values if name not in self._checked]
        self._checked.update(new)
        for name in sorted(new, key=_is_above):  # what a workspace is decides whose it is
            if not self._touched.isdisjoint(values[name]) and self._differs(name):
                self._touched.add(name)

    def _differs(self, name: str) -> bool:
        try:
            now, before = [self._through(tree, partial(digester.value, name)) for tree, digester in self._sides]
        except (PuffinError, OSError):
            return True
        return now != before

    def _through(self, tree: WorkTree, function: "Callable[[], T]") -> T:
        former = depends.look_through(tree)
        try:
            return function()
        finally:
            depends.look_through(former)

    def _moved(self, digest: EnvironmentDigest) -> bool:
        """Tell whether the commit itself is an input, and differs."""
        return self._found.head != self._found.commit and any(each.note for each in digest.inputs)

    def _digest(
        self, tree: WorkTree, digester: Digester, spec: EnvSpec
    ) -> "tuple[EnvironmentDigest, frozenset[str]]":
        tree.looked = set()
        return self._through(tree, partial(digester.of, spec)), frozenset(tree.looked)

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


def _is_above(name: str) -> bool:
    return name.startswith(value_name(ABOVE, ""))


def _unknown(digest: EnvironmentDigest) -> bool:
    return any(each.kind == UNKNOWN for each in digest.inputs)


def _differing(digest: EnvironmentDigest, former: EnvironmentDigest) -> "list[DigestInput]":
    """Return the inputs that are new, differ, or are gone; of an environment that cannot be read, only why."""
    unknown = [each for each in (*digest.inputs, *former.inputs) if each.kind == UNKNOWN]
    if unknown:
        return unknown[:1]
    now = {(each.kind, each.name): each for each in digest.inputs}
    before = {(each.kind, each.name): each for each in former.inputs}
    found = [
        _joined(each, before.get(key))
        for key, each in now.items()
        if key not in before or before[key].digest != each.digest
    ]
    return found + [each for key, each in before.items() if key not in now and each.kind != INTERPRETER]


def _joined(each: DigestInput, former: DigestInput | None) -> DigestInput:
    """Return an input with the files of both states: one of them may be gone."""
    files = (*each.files, *(former.files if former else ()))
    return DigestInput(
        kind=each.kind, name=each.name, digest=each.digest, files=tuple(dict.fromkeys(files)), via=each.via,
        note=each.note or (former.note if former else ""),
    )  # fmt: skip
