"""The profile page: one file that needs no network."""

import os
from base64 import b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha256
from html import escape
from urllib.parse import quote

from puffin.cli.page.findings import Answers, advised, answers
from puffin.cli.page.sections import (
    change,
    environments,
    idleness,
    packages,
    path,
    phases,
    remote_cache,
    table,
    why,
)
from puffin.cli.page.timeline import Styles, timeline
from puffin.cli.page.words import ended, executor, shown_path, verdict, when
from puffin.cli.screen.quantities import counted
from puffin.cli.screen.stages import stage_word
from puffin.pipeline.graph.task import FAILED
from puffin.pipeline.profile.compare import compare
from puffin.pipeline.profile.report import Report

_SHOWN_ERRORS = 12


def page(report: Report, before: Report | None, tails: Mapping[str, str] | None = None) -> str:
    """Return the page about a run, compared with the run *before* it; *tails* are the ends of logs by their paths."""
    colors = styles(row.name for row in report.profile.rows)
    comparison = compare(before, report) if before else None
    places = _places(report)
    chart = _tools(report, colors, places) + timeline(report.profile, colors, places)
    sections = [
        _head(report),
        _answers(answers(report, comparison)),
        _failures(report, tails or {}),
        _section("Findings", _findings(report)),
        _section("Critical path", path(report, colors)),
        _section("Where the time went", phases(report, colors)),
        _section("Workers", chart),
        _section("Why workers were idle", idleness(report)),
        _section("Why it was done", why(report)),
        _section("Packages", packages(report, colors)),
        _section("Remote cache", remote_cache(report)),
        _section("Environments", environments(report)),
        _section("Since the last run", change(comparison) if comparison else ""),
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


def _places(report: Report) -> dict[str, int]:
    """Return the numbers of the environments by which bars can be filtered: of several, not of one."""
    names = sorted([each.name for each in report.places])
    return {name: number for number, name in enumerate(names)} if len(names) > 1 else {}


def _answers(found: Answers) -> str:
    """Return the five answers that everybody asks for, in sight without scrolling."""
    items = (
        ("stage", "Most time in", found.stage),
        ("package", "Package", found.package),
        ("why", "Why", found.why),
        ("advice", "What to do", found.advice),
        ("change", "Since the last run", found.change),
    )
    rows = "".join(
        f'<div><dt>{title}</dt><dd id="answer-{name}">{_coded(text)}</dd></div>' for name, title, text in items
    )
    return f'<section class="answers" aria-label="In short"><dl>{rows}</dl></section>'


def _coded(text: str) -> str:
    """Return a text as HTML, with what stands between backticks as code."""
    pieces = escape(text).split("`")
    if len(pieces) % 2 == 0:
        return "`".join(pieces)
    return "".join(f"<code>{piece}</code>" if number % 2 else piece for number, piece in enumerate(pieces))


def _findings(report: Report) -> str:
    items = "".join(
        f"<li>{_coded(words.text)}{f' <b>{_coded(words.advice)}</b>' if words.advice else ''}</li>"
        for _, words in advised(report)
    )
    return f'<ol class="findings">{items}</ol>'


def _policy(script: str) -> str:
    """Return the element that forbids the page all but its own script and styles: nothing is loaded or sent."""
    digest = b64encode(sha256(script.encode()).digest()).decode()
    rules = f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; base-uri 'none'"
    return f'<meta http-equiv="Content-Security-Policy" content="{rules}">'


def _asset(name: str) -> str:
    with open(os.path.join(os.path.dirname(__file__), name), encoding="utf-8") as file:
        return file.read()


def _section(title: str, inside: str) -> str:
    return f'<section aria-label="{title}"><h2>{title}</h2>{inside}</section>' if inside else ""


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


def _failures(report: Report, tails: Mapping[str, str]) -> str:
    """Return what failed: the tree of causes, the environments hit, and the end of the first logs with links."""
    profile = report.profile
    failed = [each for each in profile.outcomes if each.error]
    if not (report.failures or profile.untimed or profile.failure or failed):
        return ""
    tree = (
        f'<pre class="causes" tabindex="0" aria-label="Causes">{escape(profile.failure)}</pre>'
        if profile.failure
        else ""
    )
    rows = [
        (escape(f"{stage_word(row.name)} {row.label}"), escape(row.error), escape(", ".join(row.environments)))
        for row in report.failures
    ]
    tasks = table(("<Failed", "<Error", "<Environments"), rows, _SHOWN_ERRORS) if rows else ""
    hit = [(escape(shown_path(each.path)), escape(each.status), escape(each.error)) for each in failed]
    places = table(("<Environment", "<Outcome", "<Error"), hit, _SHOWN_ERRORS) if hit else ""
    left = sum(1 for row in profile.untimed if row.status != FAILED)
    note = f"<p>{counted(left, 'task')} did not run to the end.</p>" if left else ""
    logs = "".join(_log(path, tail) for path, tail in tails.items())
    title = "What failed" if report.failures or profile.failure else "Not done"
    return f'<section class="failed"><h2>{title}</h2>{tree}{places}{tasks}{note}{logs}</section>'


def _log(path: str, tail: str) -> str:
    link = f'<a href="file://{escape(quote(path))}">{escape(path)}</a>'
    return (
        f'<h3>The end of the log {link}</h3><pre class="log" tabindex="0" aria-label="Log">{escape(tail)}</pre>'
    )


def _tools(report: Report, colors: Styles, places: Mapping[str, int]) -> str:
    """Return the controls of the timeline: search, filters that are its legend, and zoom."""
    items = "".join(
        f'<li><button type="button" class="{colors[phase.name][0]}" data-stage="{colors[phase.name][0]}" '
        f'aria-pressed="true"><i></i>{escape(stage_word(phase.name))}</button></li>'
        for phase in sorted(report.phases, key=lambda each: (not each.stage, -each.weighted))
        if phase.stage or phase.weighted > 0.004 * report.profile.wall
    )
    options = "".join(
        f'<option value="{number}">{escape(shown_path(name))}</option>' for name, number in places.items()
    )
    chosen = (
        '<label>Environment <select id="environment"><option value="">all</option>'
        + options
        + "</select></label>"
        if places
        else ""
    )
    return (
        '<div class="tools"><label>Search <input id="search" type="search" placeholder="package"></label>'
        f'{chosen}<span class="zoom"><button type="button" data-zoom="2" aria-label="Zoom in">+</button>'
        '<button type="button" data-zoom="0.5" aria-label="Zoom out">-</button>'
        '<button type="button" data-zoom="0">Show all</button></span>'
        '<span class="dim" id="matches" role="status"></span></div>'
        f'<ul class="legend" aria-label="Stages; press one to hide it">{items}</ul>'
    )


_KNOWN = {  # after Okabe and Ito: apart for all kinds of colour vision
    "fetch": ("#0072b2", "#3f9fe0"),
    "build": ("#d55e00", "#f0803c"),
    "unzip": ("#009e73", "#12b886"),
    "compile": ("#5a1a6e", "#a54bff"),
    "link": ("#56b4e9", "#a8dcff"),
    "locate": ("#e69f00", "#f5c451"),
    "resolve": ("#e69f00", "#f5c451"),
    "start executor": ("#7b8494", "#8e98a9"),
    "start python": ("#a9b1bd", "#5f6877"),
    "start puffin": ("#929ba9", "#747e8e"),
    "commit": ("#5b5200", "#efe66a"),
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
