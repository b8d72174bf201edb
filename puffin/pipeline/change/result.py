"""The result of a run over environments, as values, and its changes as lines for people. Pure."""

import time

from puffin.artifact.artifact import expected_sha256
from puffin.artifact.urls import with_subdirectory
from puffin.errors import DRIFT
from puffin.pipeline.change.environment import EnvironmentRun
from puffin.pipeline.change.values import Change, EnvResult, ManyResult, Shared, failure_of
from puffin.pipeline.change.work import GraphRun
from puffin.pipeline.request.settings import DRIFTED, UPDATED, Line, ManySettings
from puffin.pipeline.tasks.supply import Supply, identity
from puffin.reasons import Reason
from puffin.stages.link.commit.installplan import Plan, Present
from puffin.stages.link.direct_url import origin_of
from puffin.types import Sequence

_BYTES = 10  # puffin.stages.unzip.manifest.BYTES


def result_of(run: "EnvironmentRun", started: float, work: "GraphRun | None", shared: int = 0) -> EnvResult:
    """Return the result of one environment."""
    changed = run.partly or run.status in (UPDATED, DRIFTED)
    supplies = list(run.done.values())
    return EnvResult(
        name=run.name,
        path=run.path,
        python=run.environment.interpreter.version_text if hasattr(run, "environment") else "",
        status=run.status,
        packages=len(run.inputs.pins) if hasattr(run, "inputs") else 0,
        lines=(lambda: change_lines(run.former, run.plan, supplies, run)) if changed else tuple,
        changes=tuple(_changes(run)) if changed else (),
        conflicts=run.conflicts,
        error=run.error,
        seconds=run.ended - started,
        shared=shared,
        linked=_linked(run, work) if run.status != DRIFTED else 0,
        partly=run.partly,
    )


def _linked(run: "EnvironmentRun", work: "GraphRun | None") -> int:
    archives = [run.staged[number][0] for number in run.done if number in run.staged]
    headers = [work.header(archive) for archive in archives] if work else []
    return sum([header[_BYTES] for header in headers if header])


def _changes(run: "EnvironmentRun") -> "list[Change]":
    """Return the changes, sorted by name; a distribution that goes and comes is one of them."""
    former = {each.name: each.version for each in run.former}
    why = run.reason_of
    changes = [
        Change(action="remove", name=name, former=former[name], reason=why(name)) for name in run.plan.remove
    ]
    for number, supply in run.done.items():
        artifact = supply.artifact
        changes.append(
            Change(
                action="replace" if artifact.name in former else "add",
                name=artifact.name,
                former=former.get(artifact.name, ""),
                version=artifact.version,
                source=artifact.url,
                direct_url=artifact.direct_url,
                sha256=run.staged.get(number, (supply.archive, ""))[0] or expected_sha256(artifact),
                reason=why(artifact.name),
                work=run.work_of(artifact.name),
            )
        )
    return sorted(changes, key=lambda each: each.name)


def many_result(
    runs: "Sequence[EnvironmentRun]",
    work: "GraphRun | None",
    phases: "tuple[tuple[str, float], ...]",
    started: float,
    settings: "ManySettings",
) -> ManyResult:
    """Return the results of all environments, in the order of the request."""
    users: dict[str, int] = {}
    found: dict[str, Supply] = {}
    keys = [[identity(each.artifact) for each in run.supplies] for run in runs]
    for run, own in zip(runs, keys, strict=True):
        for key, each in zip(own, run.supplies, strict=True):
            users[key] = users.get(key, 0) + 1
            found.setdefault(key, each)
    results = {}
    for run, own in zip(runs, keys, strict=True):
        results[run.name] = result_of(run, started, work, sum([users[key] > 1 for key in own]))
    environments = tuple([results[spec.name] for spec in settings.specs])
    return summed(environments, _shared(found, users, environments, work), phases, started, settings)


def summed(
    environments: tuple[EnvResult, ...],
    shared: Shared,
    phases: "Sequence[tuple[str, float]]",
    started: float,
    settings: "ManySettings",
) -> ManyResult:
    """Return the results of environments with the exit code that they come to."""
    failure = failure_of(environments)
    drifted = any(each.status == DRIFTED for each in environments)
    return ManyResult(
        environments=environments,
        shared=shared,
        phases=tuple(phases),
        seconds=time.perf_counter() - started,
        exit_code=failure.worst if failure else DRIFT if drifted and settings.check else 0,
    )


def _shared(
    found: "dict[str, Supply]",
    users: "dict[str, int]",
    environments: "Sequence[EnvResult]",
    work: "GraphRun | None",
) -> Shared:
    hits = sum(1 for each in found.values() if each.archive)
    return Shared(
        requested=sum(users.values()),
        unique=len(users),
        downloaded=work.downloaded if work else 0,
        linked=sum(each.linked for each in environments),
        hits=hits,
        misses=len(found) - hits,
        repaired=work.repaired if work else 0,
        built=work.tally.built if work and work.tally else 0,
        builds_shared=work.tally.shared if work and work.tally else 0,
        compiled=work.compiled if work else 0,
        remote=work.remote.tallies() if work and work.remote else (),
    )


def change_lines(
    present: "Sequence[Present]", plan: "Plan", supplies: "Sequence[Supply]", run: EnvironmentRun
) -> tuple[Line, ...]:
    """Return a line for each distribution that is removed, added or reinstalled (``~``) by *run*, sorted by name."""
    why = run.reason_of
    former: dict[str, list[Present]] = {}
    for each in present:
        former.setdefault(each.name, []).append(each)
    lines = [_gone(each, why(name)) for name in plan.remove for each in former[name]]
    for supply in supplies:
        name, version = supply.artifact.name, supply.artifact.version
        found = former.get(name, [])
        again = [each for each in found if _same(each, supply)]
        lines += [_gone(each) for each in found if each not in again]
        lines.append(
            Line(
                sign="~" if again else "+",
                name=name,
                version=version or _version(again),
                place=_shown(supply.artifact.direct_url),
                reason=why(name),
                work=run.work_of(name),
            )
        )
    return tuple(sorted(lines, key=lambda line: (line.name, line.sign != "-")))


def _gone(present: "Present", reason: "Reason | None" = None) -> Line:
    place = _shown(present.direct_url)
    return Line(sign="-", name=present.name, version=present.version, place=place, reason=reason)


def _same(present: "Present", supply: "Supply") -> bool:
    """Tell whether what is there is the same version from the same place; a version not known yet may be any."""
    artifact = supply.artifact
    if artifact.version and artifact.version != present.version:
        return False
    return origin_of(present.direct_url) == origin_of(artifact.direct_url)


def _version(again: "Sequence[Present]") -> str:
    return again[0].version if again else ""


def _shown(direct_url: str) -> str:
    """Return where a distribution is from, as a requirement names it; empty for one from an index."""
    url, _editable, commit, inner = origin_of(direct_url)
    return url and with_subdirectory(f"git+{url}@{commit}" if commit else url, inner)
