"""The profile page: one file that needs no network."""

import os
from base64 import b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha256
from html import escape

from puffin.cli.page.sections import change, environments, idleness, packages, path, phases, remote_cache, why
from puffin.cli.page.timeline import Styles, timeline
from puffin.cli.page.words import ended, executor, verdict, when
from puffin.cli.screen.quantities import counted
from puffin.pipeline.graph.task import FAILED
from puffin.pipeline.profile.report import Report, compare

_SHOWN_ERRORS = 12


def page(report: Report, before: Report | None) -> str:
    """Return the page about a run, compared with the run *before* it."""
    colors = styles(row.name for row in report.profile.rows)
    sections = [
        _head(report),
        _failures(report),
        _section("Critical path", path(report, colors)),
        _section("Where the time went", phases(report, colors)),
        _section("Workers", _legend(report, colors) + timeline(report.profile, colors)),
        _section("Why workers were idle", idleness(report)),
        _section("Why it was done", why(report)),
        _section("Slow packages", packages(report, colors)),
        _section("Remote cache", remote_cache(report)),
        _section("Environments", environments(report)),
        _section("Since the last run", change(compare(before, report)) if before else ""),
    ]
    script = _asset("profile.js")
    title = escape(f"puffin {report.profile.command}: {verdict(report)}")
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">{_policy(script)}<title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<style>{_asset('profile.css')}{rules(colors)}</style></head>"
        f"<body><main>{''.join(sections)}</main><script>{script}</script></body></html>\n"
    )


def _policy(script: str) -> str:
    """Return the element that forbids the page all but its own script and styles: nothing is loaded or sent."""
    digest = b64encode(sha256(script.encode()).digest()).decode()
    rules = f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; base-uri 'none'"
    return f'<meta http-equiv="Content-Security-Policy" content="{rules}">'


def _asset(name: str) -> str:
    with open(os.path.join(os.path.dirname(__file__), name), encoding="utf-8") as file:
        return file.read()


def _section(title: str, inside: str) -> str:
    return f"<section><h2>{title}</h2>{inside}</section>" if inside else ""


def _head(report: Report) -> str:
    profile = report.profile
    took, *rest = verdict(report).split(" · ")
    facts = [
        when(profile),
        executor(profile),
        f"puffin {profile.puffin}",
        f"Python {profile.python}",
        f"run {profile.run}",
    ]
    state = "good" if profile.status == 0 else "bad"
    said = "".join(f"<li>{escape(word)}</li>" for word in rest)
    return (
        f'<header><p class="what"><b>puffin {escape(profile.command)}</b>'
        f'<span class="state {state}">{escape(ended(profile))}</span></p>'
        f'<h1>{escape(took)}</h1><ul class="verdict">{said}</ul>'
        f'<p class="facts">{escape(" · ".join(fact for fact in facts if fact.strip()))}</p></header>'
    )


def _failures(report: Report) -> str:
    if not report.failures and not report.profile.untimed:
        return ""
    items = "".join(
        f"<li><b>{escape(f'{row.name} {row.label}')}</b> {escape(row.error)}</li>"
        for row in report.failures[:_SHOWN_ERRORS]
    )
    more = len(report.failures) - _SHOWN_ERRORS
    items += f"<li>and {more} more</li>" if more > 0 else ""
    left = sum(1 for row in report.profile.untimed if row.status != FAILED)
    note = f"<p>{counted(left, 'task')} did not run to the end.</p>" if left else ""
    title = "What failed" if report.failures else "What was left undone"
    return f'<section class="failed"><h2>{title}</h2><ul>{items}</ul>{note}</section>'


def _legend(report: Report, colors: Styles) -> str:
    items = "".join(
        f'<li class="{colors[phase.name][0]}"><i></i>{escape(phase.name)}</li>'
        for phase in sorted(report.phases, key=lambda each: (not each.stage, -each.weighted))
        if phase.stage or phase.weighted > 0.004 * report.profile.wall
    )
    return f'<ul class="legend">{items}</ul>'


_KNOWN = {
    "fetch": ("#2f7de1", "#5b9df5"),
    "build": ("#d9730d", "#f09a4a"),
    "unzip": ("#12947f", "#2dbfa6"),
    "compile": ("#8a5cd0", "#ad88ec"),
    "link": ("#c8407f", "#ea6ea5"),
    "locate": ("#b08900", "#dcb53c"),
    "resolve": ("#b08900", "#dcb53c"),
    "start executor": ("#7b8494", "#8e98a9"),
    "start python": ("#a9b1bd", "#5f6877"),
    "start puffin": ("#929ba9", "#747e8e"),
    "commit": ("#5c7c16", "#93b84a"),
}
_OTHERS = (("#4a6fa5", "#7f9fcf"), ("#9c5b4b", "#c98a7a"), ("#5f8f8f", "#86b6b6"), ("#86698f", "#b497bd"))
_WAIT = ("#d5d9e0", "#333a46")


def styles(names: Iterable[str]) -> dict[str, tuple[str, str, str]]:
    """Return for each name its class on the page and its colours for light and dark; ``""`` is waiting."""
    found = {"": ("c0", *_WAIT)}
    unknown = 0
    for name in names:
        if name in found:
            continue
        colors = _KNOWN.get(name)
        if colors is None:
            colors = _OTHERS[unknown % len(_OTHERS)]
            unknown += 1
        found[name] = (f"c{len(found)}", *colors)
    return found


def rules(found: Mapping[str, tuple[str, str, str]]) -> str:
    """Return the style sheet of the classes."""
    light = "".join(f".{name}{{--c:{color}}}" for name, color, _ in found.values())
    dark = "".join(f".{name}{{--c:{color}}}" for name, _, color in found.values())
    return f"{light}@media(prefers-color-scheme:dark){{{dark}}}"
