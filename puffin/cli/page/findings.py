"""The sentences of findings, and the five answers that a page begins with."""

from collections.abc import Callable, Sequence

from puffin.cli.page.words import ended, idle_word, shown_path, signed
from puffin.cli.screen.quantities import counted, duration, size
from puffin.cli.screen.stages import stage_doing, stage_word
from puffin.names import in_sentence
from puffin.pipeline.profile import findings as kinds
from puffin.pipeline.profile.compare import Comparison, unlikeness
from puffin.pipeline.profile.findings import RunFinding, findings
from puffin.pipeline.profile.report import Report
from puffin.reasons import INTERPRETER, NO_BINARY, NO_WHEEL, NOT_CACHED, PRUNED, reason_text
from puffin.value import frozen

_NAMES = 3
_LONGEST = 160  # characters of an error
_MOST = 0.4  # of the run, from which on a step took most of the time


@frozen
class Advised:
    """A finding in words: ``text`` says what is so and why, ``advice`` what to do, ``""`` for nothing."""

    text: str
    advice: str


@frozen
class Answers:
    """The answers to what a stranger asks of a run: which stage, which package, why, what to do, what changed."""

    stage: str
    package: str
    why: str
    advice: str
    change: str


def advised(report: Report) -> list[tuple[RunFinding, Advised]]:
    """Return the findings on a run, each with its words."""
    return [(each, _WORDS[each.kind](each, report)) for each in findings(report)]


def answers(report: Report, comparison: Comparison | None) -> Answers:
    """Return the five answers about a run."""
    found = [words for _, words in advised(report)]
    advice = next((each.advice for each in found if each.advice), "")
    return Answers(
        stage=_stage(report),
        package=_package(report),
        why=found[0].text,
        advice=advice or "Nothing needs to be done.",
        change=_change(comparison),
    )


def _stage(report: Report) -> str:
    longest = max(report.phases, key=lambda each: each.weighted, default=None)
    if longest is None:
        return "no stage ran"
    share = longest.weighted / (report.profile.wall or 1.0)
    return f"{stage_word(longest.name)}: {duration(longest.weighted)}, {share:.0%} of the run"


def _package(report: Report) -> str:
    if report.failures and report.failures[0].label:
        failed = report.failures[0]
        return f"{failed.label}, which failed ({stage_word(failed.name)})"
    if not report.packages:
        return "none: no package had to be worked on"
    first = report.packages[0]
    return f"{first.label}: {duration(first.seconds)} ({stage_word(first.stages[0][0])} {duration(first.stages[0][1])})"


def _change(comparison: Comparison | None) -> str:
    if comparison is None:
        return "no earlier run is recorded"
    before, after = comparison.before.profile, comparison.after.profile
    text = f"{duration(after.wall)} now, {duration(before.wall)} before ({signed(after.wall - before.wall)})"
    if why := unlikeness(before, after):
        return f"{text}; not comparable: {why}"
    first = next(iter(comparison.phases), None)
    if first is not None and abs(first.change) >= 0.001:
        text += f"; most of it: {stage_word(first.name)} {signed(first.change)}"
    if comparison.lost:
        text += f"; {counted(len(comparison.lost))} not from the cache any more"
    return text


def _failure(found: RunFinding, report: Report) -> Advised:
    lines = report.profile.failure.splitlines()
    where = (
        f" It affects {in_sentence([shown_path(name) for name in found.names], most=_NAMES)}."
        if found.names
        else ""
    )
    more = (
        f" {found.count - 1} more {'task' if found.count == 2 else 'tasks'} failed." if found.count > 1 else ""
    )
    if found.stage:
        what = f"{stage_word(found.stage)} of {found.package}" if found.package else stage_word(found.stage)
        error = report.failures[0].error
        text = f"The run failed at: {what}: {error}." if error else f"The run failed at: {what}."
        text = f"{error}{_reported(lines)}." if found.package and found.package in error else text
    else:
        cause = next((line.partition("▶ ")[2] for line in lines if "▶ " in line), "")
        told = f"{lines[0].removeprefix('error: ')}{': ' if cause else ''}{cause}" if lines else ""
        text = f"{told}." if told else f"The run ended: {ended(report.profile)}."
    hint = next((line.removeprefix("hint: ") for line in lines if line.startswith("hint: ")), "")
    log = any(row.log for row in report.failures)
    fallback = "Read the last lines of the log below." if log else "Read the causes below."
    return Advised(text=text + more + where, advice=hint[:1].upper() + hint[1:] if hint else fallback)


def _reported(lines: Sequence[str]) -> str:
    """Return the first error in the output of a build, with what it is put behind; ``""`` for none."""
    found = next((line.strip() for line in lines[1:] if "error: " in line.lower()), "")
    return f": {found[:_LONGEST]}" if found else ""


def _nothing(_found: RunFinding, _report: Report) -> Advised:
    text = "No package had to be fetched, built or installed: the time went into the start and the comparison."
    return Advised(text=text, advice="")


def _busy(found: RunFinding, report: Report) -> Advised:
    text = (
        f"{stage_doing(found.stage)} took {duration(found.seconds)} in all, but only {duration(found.cpu)} of CPU: "
        "the machine was busy, its disk was slow, or two jobs shared one core."
    )
    fewer = f", or with fewer than {report.profile.jobs} jobs (`-j`)" if report.profile.jobs > 1 else ""
    return Advised(text=text, advice=f"Run it again while the machine is quiet{fewer}.")


def _built(found: RunFinding, report: Report) -> Advised:
    if not found.package:
        names = in_sentence(found.names, most=_NAMES)
        text = f"{counted(found.count)} more had to be built ({names}): {duration(found.seconds)}."
        return Advised(text=text, advice="")
    why = reason_text(found.reason, report.profile.ended) if found.reason is not None else ""
    told = f": {why}" if why else ""
    cpu = f" ({duration(found.cpu)} of CPU)" if found.cpu else ""
    text = f"{found.package} was built from source in {duration(found.seconds)}{cpu}{told}."
    if found.reason is not None and found.reason.kind == INTERPRETER:
        return Advised(text=text, advice="Keep one interpreter for all runs: each has builds of its own.")
    name = found.package.partition("==")[0]
    if found.reason is not None and found.reason.kind == NO_BINARY:
        return Advised(
            text=text, advice=f"Leave out `--no-binary` for {name}, or share builds with `--remote-cache`."
        )
    python = (
        found.reason.subject if found.reason is not None and found.reason.kind == NO_WHEEL else "this Python"
    )
    return Advised(
        text=text,
        advice=f"Pin a version of {name} that has a wheel for {python}, use a Python for which this one has a wheel, "
        "or share builds with `--remote-cache`.",
    )


def _index(found: RunFinding, _report: Report) -> Advised:
    text = f"{stage_doing(found.stage)} took {duration(found.seconds)} of {duration(found.whole)}."
    if found.stage == "resolve":
        return Advised(text=text, advice="Sync from a lock: its versions are chosen once (`puffin lock`).")
    return Advised(
        text=text, advice="Keep the cache between runs, or use an index that is nearer (`--index-url`)."
    )


def _downloads(found: RunFinding, _report: Report) -> Advised:
    rate = f", {size(found.bytes / found.seconds)}/s" if found.bytes and found.seconds else ""
    text = (
        f"Downloads took {duration(found.seconds)} of {duration(found.whole)}: "
        f"{counted(found.count, 'file')}, {size(found.bytes)}{rate}."
    )
    return Advised(
        text=text,
        advice="Keep the cache between runs (`puffin cache dir`), or share one with `--remote-cache`.",
    )


def _one_package(found: RunFinding, _report: Report) -> Advised:
    text = (
        f"One package held up the run: {found.package} ({stage_word(found.stage)}) takes "
        f"{duration(found.seconds)} of the {duration(found.whole)} of the critical path."
    )
    return Advised(text=text, advice="Only this step is worth making faster: more jobs do not help.")


def _not_served(found: RunFinding, report: Report) -> Advised:
    assert found.reason is not None
    loaded = f" ({size(found.bytes)})" if found.bytes else ""
    if found.reason.kind == NOT_CACHED:
        were = "was" if found.count == 1 else "were"
        return Advised(text=f"{counted(found.count)} {were} new to the cache{loaded}.", advice="")
    why = reason_text(found.reason, report.profile.ended)
    if found.count > 1:
        why = why.replace("it was ", "they were ", 1).replace("it had ", "they had ", 1)
    text = f"{counted(found.count)} did not come from the cache{loaded}: {why}."
    pruned = found.reason.kind == PRUNED
    return Advised(text=text, advice="Prune the cache less often, or to a larger size." if pruned else "")


def _served(found: RunFinding, _report: Report) -> Advised:
    saved = f"; the same work took {duration(found.seconds)} in earlier runs" if found.seconds else ""
    loaded = f" ({size(found.bytes)})" if found.bytes else ""
    return Advised(text=f"{counted(found.count)} came from the cache{loaded}{saved}.", advice="")


def _remote(found: RunFinding, _report: Report) -> Advised:
    text = (
        f"The remote cache did not serve {counted(found.count, 'request')} for {found.stage}, "
        f"mostly because: {found.names[0]}."
    )
    advice = {
        "absent": "Let one machine write to it (`--remote-cache-write`).",
        "unsigned": "Set `PUFFIN_REMOTE_CACHE_KEY` to the key of the machine that writes.",
        "stale": "Nothing is wrong: the index had to be asked again.",
        "silent": "Set `PUFFIN_REMOTE_CACHE_TIMEOUT` to the seconds that its first answer is worth.",
        "unavailable": "Check that the server of the remote cache answers.",
    }
    return Advised(text=text, advice=advice.get(found.names[0], ""))


def _workers(found: RunFinding, _report: Report) -> Advised:
    share = found.seconds / found.whole
    text = (
        f"The {found.count} workers were idle for {share:.0%} of the time, mostly: {idle_word(found.names[0])}."
    )
    return Advised(text=text, advice="")


def _starting(found: RunFinding, _report: Report) -> Advised:
    text = f"Starting the workers took {duration(found.seconds)} of {duration(found.whole)}."
    return Advised(text=text, advice="Use `--executor auto`, which starts no workers for little work.")


def _longest(found: RunFinding, _report: Report) -> Advised:
    of = f" of {found.package}" if found.package else ""
    share = found.seconds / (found.whole or 1.0)
    step = f"{stage_word(found.stage)}{of}, {duration(found.seconds)} ({share:.0%})"
    text = (
        f"Most of the time went into one step: {step}." if share >= _MOST else f"The longest step was: {step}."
    )
    return Advised(text=text, advice="")


_WORDS: dict[str, Callable[[RunFinding, Report], Advised]] = {
    kinds.FAILURE: _failure,
    kinds.NOTHING: _nothing,
    kinds.BUSY: _busy,
    kinds.BUILT: _built,
    kinds.INDEX: _index,
    kinds.DOWNLOADS: _downloads,
    kinds.ONE_PACKAGE: _one_package,
    kinds.NOT_SERVED: _not_served,
    kinds.SERVED: _served,
    kinds.REMOTE: _remote,
    kinds.WORKERS: _workers,
    kinds.STARTING: _starting,
    kinds.LONGEST: _longest,
}
