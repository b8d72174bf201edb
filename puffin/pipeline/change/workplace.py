"""One environment under its lock: its contents, the planned change, and the commit."""

import os
from errno import EACCES, EPERM, EROFS

from puffin import depends
from puffin.cache.atomic import read, remove_tree, replace_file
from puffin.cache.layout import current_boot
from puffin.cache.lock import Lock, LockFailed, lock_timeout
from puffin.cache.usage import note_living
from puffin.errors import PuffinError, os_cause
from puffin.pipeline.change.additions import addition, parts_behind
from puffin.pipeline.change.values import ConflictsRefused
from puffin.pipeline.graph.record import phase
from puffin.stages.link.commit.commitplan import CommitRequest, Homes, plan_commit
from puffin.stages.link.commit.installplan import Present
from puffin.stages.link.commit.recovery import BACK, FORWARD, LOST, UNREADABLE, broken_off, recover
from puffin.stages.link.commit.removal import RealDisk
from puffin.stages.link.commit.stamps import DIRECTORY, LOCK, STATE, facts_of
from puffin.stages.link.commit.state import Owned, State, disturbed, doubted, encode, read_state, restamped
from puffin.stages.link.commit.transaction import NotExchangeable, Transaction, moment
from puffin.stages.link.environment.environment import ELSEWHERE
from puffin.stages.link.installed.scan import BROKEN, scan
from puffin.stages.link.staging import LinkTarget
from puffin.value import common, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from typing import Any

    from puffin.cache.layout import Cache
    from puffin.pipeline.change.leaving import FileLists
    from puffin.pipeline.request.session import Session
    from puffin.pipeline.request.settings import Reporter, Settings
    from puffin.stages.link.commit.placement import Conflict
    from puffin.stages.link.environment.environment import Environment
    from puffin.stages.unzip.manifest import Outline


ALWAYS = "always"


class NotWritable(PuffinError):
    """The environment cannot be changed by this user."""

    sentence = "Failed to write to the environment `{path}`"
    path: str


class Workplace:
    """An environment, locked, repaired where a change was broken off, and looked at. Use it in ``with``.

    *atomic* is ``always`` where site-packages is to be exchanged as a whole. With *verified_by* every file is looked
    at, and held against what that cache knows of archives. One that only *looks* opens a read-only environment too, and
    a *dry* one writes nothing into one that puffin never changed.
    """

    def __init__(
        self,
        environment: "Environment",
        *,
        timeout: float,
        atomic: str = "",
        verified_by: "Cache | None" = None,
        looks: bool = False,
        dry: bool = False,
    ) -> None:
        self.environment = with_real_paths(environment)
        self._always = atomic == ALWAYS
        self._cache = verified_by
        self._lock = Lock(f"{self.home}/{LOCK}", what=f"the environment `{environment.root}`", timeout=timeout)
        self.recovered = ""
        self.state: State | None = None
        self.present: tuple[Present, ...] = ()
        self.broken: tuple[Present, ...] = ()
        self.damaged: frozenset[str] = frozenset()
        self._links: tuple[str, ...] = ()
        self._transaction: Transaction | None = None
        self._looks = looks or dry
        self._dry = dry
        self._refusal: PuffinError | None = None  # why nothing can be written, and no lock is held

    @property
    def home(self) -> str:
        """The directory of puffin's own files in the environment."""
        return f"{self.environment.root}/{DIRECTORY}"

    @property
    def site(self) -> str:
        return self.environment.purelib

    def __enter__(self) -> "Workplace":
        if self._dry and os.path.isdir(self.site) and not os.path.lexists(self.home):
            self.look()  # there is nothing to lock or to repair
            return self
        try:
            self._take()
        except (NotWritable, LockFailed) as error:
            if not self._is_read_only(error):
                raise
            self._refusal = error
            self.look()
            return self
        try:
            if not self._looks and not os.access(self.site, os.W_OK | os.X_OK):
                raise NotWritable(path=self.site)
            self.recovered = recover(self.environment.root, home=_staging_home(self.environment))
            self.look()
        except BaseException:
            self._lock.__exit__(None, None, None)
            raise
        return self

    def _take(self) -> None:
        """Lock the environment."""
        try:
            os.makedirs(self.home, exist_ok=True)
            if self.environment.origin in ELSEWHERE:
                os.makedirs(self.site, exist_ok=True)
        except OSError as error:
            raise NotWritable(path=self.environment.root, causes=(os_cause(error),)) from error
        self._lock.__enter__()

    def _is_read_only(self, error: PuffinError) -> bool:
        """Tell whether *error* forbids changes alone, and a look at a whole environment is what is wanted."""
        return (
            self._looks
            and getattr(error.__cause__, "errno", 0) in (EROFS, EACCES, EPERM)
            and self._cache is None  # a verification notes what it found
            and os.path.isdir(self.site)
            and not broken_off(self.environment.root)
        )

    def __exit__(self, *error: object) -> None:
        try:
            if self._transaction is not None:
                self._transaction.end()
        finally:
            self._lock.__exit__(None, None, None)

    def look(self, *, committed: bool = False) -> None:
        """Find the installed distributions, and the damaged ones among them: none where all is just *committed*."""
        self._look(committed)
        if self.environment.origin in ELSEWHERE:
            from puffin.stages.link.environment.target_directory import unfit

            entries = {each.entry: each.name for each in self.present}
            self.damaged |= unfit(self.site, entries, self.environment.interpreter.tags)

    def _look(self, committed: bool) -> None:
        depends.environment(self.environment.root, facts_of(self.environment.root))
        self.state = read_state(self.environment.root)
        self.present, self.broken = look_around(self.environment, self.state)
        if committed and self.state is not None:  # with the state, the stamps of its directories count
            self.damaged = frozenset()
            return
        if self._cache is not None:
            self._verify(self._cache)
            return
        if self.state is None and not self.present:
            return
        from puffin.stages.link.commit.damage import find_damage, lost_state

        rebooted = self.state is None or self.state.boot != current_boot()
        self.state = self.state or lost_state(self.environment, self.present)
        if self.state is None:
            return
        self.damaged, changed = find_damage(self.site, self.state, everywhere=rebooted)
        if changed:
            self.state = doubted(self.state, changed)
        if (changed or rebooted) and not self.damaged:
            self._refresh(changed)

    def _verify(self, cache: "Cache") -> None:
        """Look at every file, and note when, whoever installed it."""
        from puffin.stages.link.commit.damage import LINK, verified

        began = moment(self.home)
        state, findings = verified(self.environment, self.state, self.present, cache)
        self.damaged = frozenset([each.name for each in findings])
        self._links = tuple([each.path for each in findings if each.what == LINK])
        whole = [
            each if each.name in self.damaged else replace(each, checked=began) for each in state.distributions
        ]
        changed = disturbed(self.site, state)
        self.state = doubted(replace(state, distributions=tuple(whole)), changed)
        if not self.damaged:
            self._refresh(changed)

    def _refresh(self, changed: list[str]) -> None:
        """Note that the directories that changed hold nothing wrong, so that the next look is quick."""
        if self.state is None or {each.name: each.version for each in self.state.distributions} != {
            each.name: each.version for each in self.present
        }:
            return
        self.state = replace(restamped(self.site, self.state, changed), boot=current_boot())
        try:
            replace_file(f"{self.home}/{STATE}", encode(self.state))
        except OSError:
            pass
        depends.environment(self.environment.root, facts_of(self.environment.root))

    @property
    def archives(self) -> "dict[str, str]":
        """The archives that installed distributions came from, by name."""
        return {each.name: each.archive for each in self.state.distributions} if self.state else {}

    @property
    def sources(self) -> "dict[str, str]":
        """The sources (``Artifact.source``) that installed distributions came from, by name."""
        return {each.name: each.source for each in self.state.distributions} if self.state else {}

    def begin(self) -> Transaction:
        """Start a transaction; its remains are removed at the end of the ``with`` block."""
        if self._refusal is not None:
            raise self._refusal
        self._transaction = Transaction(self.environment.root, home=_staging_home(self.environment))
        try:
            self._transaction.begin()
            if os.path.isdir(f"{self.home}/{STATE}"):
                remove_tree(f"{self.home}/{STATE}")
            if self._always:
                self._check_exchangeable(self._transaction)
        except OSError as error:
            raise NotWritable(path=self.environment.root, causes=(os_cause(error),)) from error
        return self._transaction

    def _check_exchangeable(self, transaction: Transaction) -> None:
        """Raise ``NotExchangeable`` where site-packages cannot be exchanged as a whole."""
        environment = self.environment
        if environment.platlib != environment.purelib:
            raise NotExchangeable(site=self.site, reason=f"packages go to `{environment.platlib}` too")
        if f"{transaction.directory}/".startswith(f"{self.site}/"):
            raise NotExchangeable(site=self.site, reason="puffin's own files have to be in it")
        transaction.try_exchange(self.site)

    def end(self) -> None:
        if self._transaction is not None:
            self._transaction.end()
            self._transaction = None

    def change(
        self,
        cache: "Cache",
        staged: "Mapping[int, tuple[str, str]]",
        removed: "Iterable[str]",
        *,
        outlines: "Mapping[str, Outline | None] | None" = None,
        sources: "Mapping[int, str] | None" = None,
        bytecode: str = "",
        mode: str = "",
    ) -> CommitRequest:
        """Return the change that puts *staged* in, ``{number: (archive, direct_url)}``, and takes names out.

        *outlines* are those of archives that are known already, *sources* what the numbers are from; what is put
        there again comes from where it came from. *bytecode* is the kind of bytecode that was staged, *mode*
        ``tree`` if sealed trees were asked for.
        """
        known = outlines or {}
        former = {each.archive: each.source for each in self.state.distributions} if self.state else {}
        origins = {
            number: (sources or {}).get(number) or former.get(staged[number][0], "") for number in staged
        }
        if self._transaction is None:
            raise RuntimeError("a change needs a transaction")
        stage = self._transaction.stage
        additions = [
            addition(cache, stage(at), archive, direct_url, known.get(archive), origins[at], bytecode, mode)
            for at, (archive, direct_url) in staged.items()
        ]
        gone = frozenset(removed).union([each.name for each in additions])
        leaving = [each for each in self.present if each.name in gone]
        broken = [each for each in self.broken if each.name in {addition.name for addition in additions}]
        staying = [each for each in self.present if each.name not in gone]
        homes = homes_of(self.environment)
        lists = self._lists(cache) if leaving or broken else None
        owned = self._owned()
        return CommitRequest(
            homes=homes,
            additions=tuple(additions),
            removed={each.entry: lists.going(each) for each in (*leaving, *broken)} if lists else {},
            rewritten=lists.rewritten(leaving, self._transaction.directory) if lists else (),
            kept=self._kept(staying, cache),
            stay=tuple([owned.get(each.entry) or _foreign(each) for each in staying]),
            former=self.state,
            boot=current_boot(),
            seed=self.environment.seed,
            window=self._transaction.window(),
            behind=parts_behind(
                cache, homes, frozenset([each.name for each in staying]), self._transaction.directory
            ),
        )

    def check_removable(self, names: "Collection[str]", cache: "Cache") -> None:
        """Raise ``CannotUninstall`` for a distribution among *names* that nothing lists the files of."""
        self._lists(cache).check_removable([each for each in self.present if each.name in names])

    def _lists(self, cache: "Cache") -> "FileLists":
        """Return the lists of files of distributions; the module is imported only for changes that remove some."""
        from puffin.pipeline.change.leaving import FileLists

        return FileLists(self.environment, self._owned(), self.damaged, self._links, cache)

    def _kept(
        self, staying: "Sequence[Present]", cache: "Cache"
    ) -> "Callable[[Collection[str]], Mapping[str, Any]]":
        """Return a function that gives the files of those of *staying* that have one of some paths, by name."""
        known: list[Callable[[Collection[str]], Mapping[str, Any]]] = []

        def kept(paths: "Collection[str]") -> "Mapping[str, Any]":
            if not known:
                known.append(self._lists(cache).staying(staying).sharing)
            return known[0](paths)

        return kept

    def _owned(self) -> "dict[str, Owned]":
        """Return what the state says of each distribution, by its entry."""
        return {each.dist_info: each for each in self.state.distributions} if self.state else {}

    def commit(
        self, change: CommitRequest, cache: "Cache", *, refuse_conflicts: bool = False
    ) -> "tuple[Conflict, ...]":
        """Plan and do the commit of a change; return the path conflicts in it. *cache* is told what is used of it."""
        if self._transaction is None:
            raise RuntimeError("a commit needs a transaction")
        disk = RealDisk()
        script, conflicts, preparation = plan_commit(change, disk, self._transaction.trash)
        if conflicts and refuse_conflicts:
            raise ConflictsRefused(conflicts=conflicts)
        whole = self._always or not disk.names(self.site)
        left = {each.archive for each in change.stay if each.mode}
        left |= {each.archive for each in change.additions if each.mode}
        self.note_living(cache, left)
        self._transaction.commit(script, preparation, whole=self.site if whole else "", always=self._always)
        note_living(cache, self.environment.root, left)
        return conflicts

    def note_living(self, cache: "Cache", more: "Collection[str]" = ()) -> None:
        """Let the cache know whose sealed trees the environment uses, and *more* that it is about to use."""
        known = {each.archive for each in self.state.distributions if each.mode} if self.state else set()
        note_living(cache, self.environment.root, known.union(more))


def _foreign(present: Present) -> Owned:
    return Owned(
        name=present.name,
        version=present.version,
        dist_info=present.entry,
        archive="",
        direct_url=present.direct_url,
        tops=(),
    )


class opened:  # noqa: N801 - reads as the function that it is to its callers
    """Use a workplace in ``with``; how long opening it took (its lock, repairs, the look around) is recorded."""

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace

    def __enter__(self) -> Workplace:
        with phase("open environment"):
            return self._workplace.__enter__()

    def __exit__(self, *error: object) -> None:
        with phase("close environment"):
            self._workplace.__exit__(*error)


def look_around(
    environment: "Environment", state: State | None
) -> tuple[tuple[Present, ...], tuple[Present, ...]]:
    """Return the distributions in site-packages, with the direct URLs of those that have one, and the broken ones.

    What puffin put there is no longer looked into: whether it is whole, the state tells.
    """
    known = {each.dist_info: each for each in state.distributions if each.archive} if state else {}
    present, broken = [], []
    for name, version, entry, kind in scan(environment.purelib, known=known, broken=True):
        if kind == BROKEN:
            broken.append(Present(name=name, version=version, entry=entry, kind=kind))
            continue
        owned = known.get(entry)
        direct_url = owned.direct_url if owned else _direct_url(environment.purelib, entry, kind)
        present.append(Present(name=name, version=version, entry=entry, direct_url=direct_url, kind=kind))
    return tuple(present), tuple(broken)


def _direct_url(site: str, entry: str, kind: str) -> str:
    if kind != "dist-info":
        return ""
    path = f"{site}/{entry}/direct_url.json"
    depends.file(path)
    data = read(path)
    return data.decode("utf-8", "replace") if data else ""


def _staging_home(environment: "Environment") -> "str | None":
    """Return where to stage when site-packages lies on another device than the environment's root."""
    here, there = os.stat(environment.root).st_dev, os.stat(environment.purelib).st_dev
    return None if here == there else f"{environment.purelib}/{DIRECTORY}"


def with_real_paths(environment: "Environment") -> "Environment":
    """Return *environment* with the real site-packages where a symlink inside the environment leads to it.

    RECORD is then relative to where it lies, and what was installed through the link is found again.
    """
    root = os.path.realpath(environment.root)
    real = {}
    for field in ("purelib",) if environment.purelib == environment.platlib else ("purelib", "platlib"):
        found = os.path.realpath(getattr(environment, field))
        if found.startswith(root + os.sep):
            found = environment.root + found[len(root) :]
        if found != getattr(environment, field):
            real[field] = found
    if not real:
        return environment

    both = {"platlib": real["purelib"]} if environment.purelib == environment.platlib else {}
    return replace(environment, **real, **both)


def homes_of(environment: "Environment") -> Homes:
    """Return the directories of *environment* that distributions go to."""
    return Homes(lib64=lib64_is_linked(environment), **common(Homes, environment))


def lib64_is_linked(environment: "Environment") -> bool:
    """Tell whether ``lib64`` is a link to ``lib``, as in the environments that the standard library's venv makes."""
    path = f"{environment.data}/lib64"
    return os.path.islink(path) and os.path.realpath(path) == os.path.realpath(f"{environment.data}/lib")


def target_of(environment: "Environment") -> LinkTarget:
    """Return the target of link tasks for *environment*."""
    site = environment.purelib
    return LinkTarget(
        executable=environment.executable,
        version=(environment.version[0], environment.version[1]),
        relocatable=environment.relocatable,
        scripts=os.path.relpath(environment.scripts, site),
        data=os.path.relpath(environment.data, site),
        headers=os.path.relpath(environment.headers, site),
        lib64=lib64_is_linked(environment),
    )


def workplace_for(
    environment: "Environment", settings: "Settings", session: "Session", *, looks: bool = False
) -> Workplace:
    """Return the place of changes to *environment*, not yet locked. *looks* is as in :class:`Workplace`."""
    return Workplace(
        environment,
        timeout=lock_timeout(session.environ),
        atomic=settings.atomic,
        verified_by=session.cache if settings.verify else None,
        looks=looks,
        dry=settings.dry_run,
    )


_RECOVERED = {
    FORWARD: "An interrupted change of `{root}` was completed",
    BACK: "An interrupted change of `{root}` was undone",
    UNREADABLE: "The journal of an interrupted change of `{root}` cannot be read; its files were compared with its "
    "records",
    LOST: "The staged files of an interrupted change of `{root}` are lost; its files were compared with its records",
}


def tell_recovery(workplace: Workplace, reporter: "Reporter") -> None:
    """Say how an interrupted change was ended, if one was, what it left damaged, and what is no distribution."""
    if workplace.recovered:
        reporter.warn(_RECOVERED[workplace.recovered].format(root=workplace.environment.root))
        there = {each.name for each in workplace.present}
        lost = {each.name for each in workplace.state.distributions} - there if workplace.state else set()
        for name in sorted(lost | workplace.damaged):
            reporter.warn(
                f"`{name}` is {'missing' if name in lost else 'damaged'} since then; install it again"
            )
    for each in workplace.broken:
        reporter.warn(f"`{workplace.site}/{each.entry}` is not an installed distribution: it has no METADATA")


def warn_of_broken(
    environment: "Environment", reporter: "Reporter", names: "Collection[str] | None" = None
) -> None:
    """Warn of conflicts in an environment, or only of those with packages by their normalised *names*."""
    from puffin.stages.link.installed.demands import broken, sentence
    from puffin.stages.link.installed.requires import read_requires

    for each in broken(read_requires(environment), dict(environment.interpreter.markers), names):
        reporter.warn(sentence(each))
