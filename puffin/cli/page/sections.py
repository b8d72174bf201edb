"""The tables of a profile page."""

from collections.abc import Sequence
from html import escape
from urllib.parse import quote

from puffin.cli.page.timeline import Styles
from puffin.cli.page.words import (
    REMOTE_HEAD,
    figures,
    idle_word,
    moved,
    remote_rows,
    shown_path,
    signed,
    task_word,
    worker_name,
)
from puffin.cli.screen.quantities import counted, duration
from puffin.cli.screen.stages import stage_word
from puffin.names import in_sentence
from puffin.pipeline.profile.compare import Comparison, Difference
from puffin.pipeline.profile.report import PackageWork, Phase, Report
from puffin.pipeline.profile.spans import Part, parts
from puffin.reasons import WORK, reason_text

_ROWS = 12
_NAMES = 10
_LONGEST = 4  # packages that are named where a stage is
_LEAST = 0.002  # of the run; a gap on the critical path that is shorter is not drawn
_SHORT = 0.005  # of the run; what is shorter is summed up in one row


def table(head: Sequence[str], rows: Sequence[Sequence[str]], shown: int = 0) -> str:
    """Return a table; columns whose title begins with ``<`` are text, others figures. Cells are HTML.

    Of many rows those after the first *shown* are hidden until they are asked for.
    """
    names = [name.removeprefix("<") or '<span class="unseen">Bar</span>' for name in head]
    kinds = ["" if name.startswith("<") else ' class="n"' for name in head]
    top = "".join(f'<th scope="col"{kind}>{name}</th>' for name, kind in zip(names, kinds, strict=True))
    body = "".join(
        f"<tr{' hidden' if shown and number >= shown else ''}>"
        f"{''.join(f'<td{kind}>{cell}</td>' for cell, kind in zip(row, kinds, strict=True))}</tr>"
        for number, row in enumerate(rows)
    )
    more = ""
    if shown and len(rows) > shown:
        more = f'<button type="button" class="more">Show all {len(rows)}</button>'
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>{more}"


def meter(share: float, style: str) -> str:
    """Return a bar for a share of the whole."""
    width = min(100.0, max(0.0, share * 100))
    return f'<span class="meter"><i class="{style}" style="width:{width:.2f}%"></i></span>'


def stage_name(name: str, styles: Styles, more: str = "") -> str:
    """Return a stage's name with its colour."""
    shown = escape(stage_word(name))
    return f'<span class="key {styles[name][0]}"><i></i>{shown}{f" {escape(more)}" if more else ""}</span>'


def why(report: Report) -> str:
    """Return the reasons of changes in environments, and of tasks that the cache did not serve."""
    ended = report.profile.ended
    rows = [
        (
            escape(each.environment),
            escape(f"{each.action} {in_sentence(each.names, most=_NAMES)}"),
            escape(told),
        )
        for each in report.profile.changes
        if (told := reason_text(each.reason, ended))
    ]
    misses = {
        (row.name, row.label, reason_text(row.reason, ended))
        for row in report.profile.tasks
        if row.reason is not None and row.name in WORK
    }
    shown = sorted(misses)
    rows += [("", escape(f"{stage_word(name)} {label}"), escape(text)) for name, label, text in shown]
    return table(("<Environment", "<What was done", "<Why"), rows, _ROWS) if rows else ""


def path(report: Report, styles: Styles) -> str:
    """Return the critical path: a bar in the order of time, and its longest parts."""
    wall = report.profile.wall or 1.0
    strip = "".join(
        f'<i class="{styles[name][0]}" style="flex:{width / wall:.5f}" title="{escape(text)}"></i>'
        for name, width, text in _runs(report)
    )
    rows = _path_rows(report, styles)
    why = "The chain of steps that set the total time. Only a faster step here makes the run faster."
    head = ("<Work", "<", "Time", "Share", "<Longest parts")
    return f'<p class="note">{why}</p><div class="strip">{strip}</div>{table(head, rows)}' if rows else ""


def _path_rows(report: Report, styles: Styles) -> Sequence[tuple[str, ...]]:
    wall = report.profile.wall or 1.0
    longest = parts(report.path, by_package=True)
    every = parts(report.path, by_package=False)
    shown = [part for part in every if part.seconds >= _SHORT * wall]
    rows: list[tuple[str, ...]] = []
    for part in shown:
        packages = [each for each in longest if each.name == part.name and each.package][:_LONGEST]
        named_parts = ", ".join(
            f"{each.package.partition('==')[0]} {duration(each.seconds)}" for each in packages
        )
        bar = meter(part.seconds / wall, styles[part.name][0])
        name = stage_name(part.name, styles)
        rows.append((name, bar, duration(part.seconds), f"{part.seconds / wall:.0%}", escape(named_parts)))
    if len(shown) < len(every):
        rows.append(_rest(every[len(shown) :], wall, styles))
    return rows


def _rest(rest: Sequence[Part], wall: float, styles: Styles) -> tuple[str, ...]:
    total = sum(part.seconds for part in rest)
    names = ", ".join(stage_word(part.name) for part in rest)
    bar = meter(total / wall, styles[""][0])
    return '<span class="dim">the rest</span>', bar, duration(total), f"{total / wall:.0%}", escape(names)


def _runs(report: Report) -> list[tuple[str, float, str]]:
    """Return the path with neighbours of one stage made one: name, seconds, what to say."""
    found: list[tuple[str, float, list[str]]] = []
    for step in report.path:
        name = step.row.name if step.row else ""
        label = step.row.label if step.row else ""
        if not name and step.seconds < _LEAST * report.profile.wall and found:
            found[-1] = (found[-1][0], found[-1][1] + step.seconds, found[-1][2])
        elif found and found[-1][0] == name:
            found[-1] = (name, found[-1][1] + step.seconds, [*found[-1][2], label])
        else:
            found.append((name, step.seconds, [label]))
    return [(name, time, _run_text(name, time, labels)) for name, time, labels in found]


def _run_text(name: str, time: float, labels: list[str]) -> str:
    packages = list(dict.fromkeys(label for label in labels if label))
    return f"{stage_word(name)} {in_sentence(packages, most=3)} · {duration(time)}"


def phases(report: Report, styles: Styles) -> str:
    """Return the table of stages and phases: stages by name first, phases in the order of time."""
    wall = report.profile.wall or 1.0
    every = sorted(report.phases, key=lambda each: -each.weighted)
    shown = [phase for phase in every if phase.stage or phase.weighted >= _SHORT * wall]
    rows = [_phase(phase, wall, styles) for phase in shown]
    short = [phase for phase in every if phase not in shown]
    if short:
        total = sum(phase.weighted for phase in short)
        names = ", ".join(stage_word(phase.name) for phase in short)
        rest = f'<span class="dim" title="{escape(names)}">{len(short)} short phases</span>'
        bar, cpu = meter(total / wall, styles[""][0]), duration(sum(phase.cpu for phase in short))
        rows.append((rest, bar, f"{total / wall:.0%}", duration(total), duration(total), cpu, "", "", "", ""))
    if report.idle > _LEAST * wall:
        share = f"{report.idle / wall:.0%}"
        bar = meter(report.idle / wall, styles[""][0])
        gap = stage_name("", styles).replace("waiting", "nothing recorded")
        rows.append((gap, bar, share, duration(report.idle), "", "", "", "", "", ""))
    head = ("<Stage or phase", "<", "Weighted", "Wall", "Sum", "CPU", "Count", "Bytes in", "Bytes out", "Rate")
    note = (
        '<p class="note"><b>Weighted</b>: each second is split among the tasks running then, so the column adds up to '
        "the run. <b>Wall</b>: at least one was running. <b>Sum</b>: all added.</p>"
    )
    return note + table(head, rows)


def _phase(phase: Phase, wall: float, styles: Styles) -> tuple[str, ...]:
    name = stage_name(phase.name, styles, f"({phase.failed} failed)" if phase.failed else "")
    return name, meter(phase.weighted / wall, styles[phase.name][0]), *figures(phase, wall)


def idleness(report: Report) -> str:
    """Return why each worker was not at work while there were tasks."""
    rows = []
    others = [worker.name for worker in report.workers if not worker.driver]
    for worker in report.workers:
        total = worker.busy + sum(time for _, time in worker.idle) or 1.0
        reasons = (
            "; ".join(f"{idle_word(reason)} {duration(time)}" for reason, time in worker.idle[:4]) or "never"
        )
        number = 0 if worker.driver else others.index(worker.name) + 1
        name = escape(worker_name(worker.name, number))
        share = f"{worker.busy / total:.0%}"
        rows.append((name, str(worker.tasks), share, meter(worker.busy / total, "busy"), escape(reasons)))
    return table(("<Worker", "Tasks", "Busy", "<", "<Idle"), rows, _ROWS) if rows else ""


def packages(report: Report, styles: Styles) -> str:
    """Return the packages that took most time, with links to the logs of their builds."""
    longest = report.packages[0].seconds if report.packages else 0.0
    rows = [_package(package, longest or 1.0, styles) for package in report.packages]
    head = ("<Package", "<", "Time", "<Stages", "Size", "<Log")
    cut = len(head) if any(package.log for package in report.packages) else len(head) - 1
    return table(head[:cut], [row[:cut] for row in rows], _ROWS) if rows else ""


def _package(package: PackageWork, longest: float, styles: Styles) -> tuple[str, ...]:
    strip = "".join(
        f'<i class="{styles[name][0]}" style="width:{time / longest * 100:.2f}%"></i>'
        for name, time in package.stages
    )
    stages = ", ".join(f"{stage_word(name)} {duration(time)}" for name, time in package.stages)
    log = f'<a href="file://{escape(quote(package.log))}">build log</a>' if package.log else ""
    bar = f'<span class="meter">{strip}</span>'
    return escape(package.label), bar, duration(package.seconds), escape(stages), moved(package.taken), log


def remote_cache(report: Report) -> str:
    """Return what the layers of a remote cache gave."""
    rows = [tuple([escape(cell) for cell in row]) for row in remote_rows(report.profile)]
    return table(REMOTE_HEAD, rows) if rows else ""


def environments(report: Report) -> str:
    """Return the work for each environment and the moment when it was ready to be committed."""
    rows = [
        (
            escape(shown_path(each.name)),
            str(each.packages),
            str(each.hits),
            duration(each.seconds),
            duration(each.ended - report.profile.started),
        )
        for each in report.places
    ]
    head = ("<Environment", "Packages", "From the cache", "Work", "Ready after")
    return table(head, rows, 2 * _ROWS) if rows else ""


def change(comparison: Comparison) -> str:
    """Return the differences from the run before: of stages, of tasks that both runs have, and of the cache."""
    before, after = comparison.before.profile, comparison.after.profile
    whole = f"{duration(before.wall)} before, {duration(after.wall)} now ({signed(after.wall - before.wall)})"
    cached = f"{counted(comparison.before.hits)} from the cache before, {comparison.after.hits} now"
    lost = (
        f" Not from the cache any more: {escape(in_sentence(comparison.lost, most=_NAMES))}."
        if comparison.lost
        else ""
    )
    least = 0.01 * max(before.wall, after.wall)
    shown = [each for each in comparison.phases if abs(each.change) >= least]
    slower = [each for each in comparison.tasks if each.change >= max(least, 0.005)]
    note = f'<p class="note">{whole}; {cached}.{lost} Compared with run {escape(before.run)}.</p>'
    tables = [
        table((title, "Before", "Now", "Change"), [_difference(each) for each in found], _ROWS)
        for title, found in (("<Stage or phase", shown), ("<Slower task", slower))
        if found
    ]
    return note + "".join(tables)


def _difference(each: Difference) -> tuple[str, ...]:
    state = "worse" if each.change > 0 else "better"
    shown = f'<span class="{state}">{signed(each.change)}</span>'
    return escape(task_word(each.name)), duration(each.before), duration(each.after), shown
