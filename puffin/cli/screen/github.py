"""Output for GitHub Actions: annotations, a group with the changes, and the summary of the step.

https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
"""

import sys
from collections.abc import Mapping

from puffin.cli.screen.quantities import counted, duration, sharing
from puffin.pipeline.change.report import error_of
from puffin.pipeline.change.values import EnvResult, ManyResult, failure_of
from puffin.pipeline.request.settings import DRIFTED


class Github:
    """Writes workflow commands to stderr and Markdown to the file that ``GITHUB_STEP_SUMMARY`` names."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._summary = environ.get("GITHUB_STEP_SUMMARY", "")

    def warn(self, text: str) -> None:
        sys.stderr.write(f"::warning title=puffin::{escaped(text)}\n")

    def tell(self, result: ManyResult) -> None:
        """Write the annotations and the summary of a finished run."""
        for each in result.environments:
            if each.changes:
                sys.stderr.write(f"::group::{escaped(each.name)}: {counted(len(each.changes), 'change')}\n")
                for line in each.lines():
                    sys.stderr.write(f" {line.sign} {line.name}=={line.version}\n")
                sys.stderr.write("::endgroup::\n")
        failure = failure_of(result.environments)
        for hit in failure.causes if failure else ():
            title = escaped(hit.summary().replace("`", ""), inside=True)
            for cause in hit.causes:
                told = error_of(cause)
                sys.stderr.write(f"::error title=puffin - {title}::{escaped(str(told['message']))}\n")
        drifted = result.with_status(DRIFTED)
        if drifted and result.exit_code:
            names = ", ".join(each.name for each in drifted)
            sys.stderr.write(f"::error title=puffin::out of date - {escaped(names)}\n")
        if self._summary:
            with open(self._summary, "a", encoding="utf-8") as file:
                file.write(markdown(result))


def escaped(text: str, *, inside: bool = False) -> str:
    """Return *text* as a workflow command takes it; *inside* its properties, more is escaped."""
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if inside else text


def markdown(result: ManyResult) -> str:
    """Return the summary of a run as Markdown."""
    rows = [
        "| environment | Python | status | + | - | ~ | shared | time |",
        "|---|---|---|--:|--:|--:|--:|--:|",
        *[_row(each) for each in result.environments],
    ]
    shared = result.shared
    told = sharing(shared.requested, shared.unique, shared.downloaded)
    return "### puffin sync\n\n" + "\n".join(rows) + f"\n\n{told}; {duration(result.seconds)} in all\n"


def _row(each: EnvResult) -> str:
    counts = " | ".join(str(each.count(sign)) for sign in "+-~")
    name = each.name.replace("|", "\\|")
    status = f"{each.status}, partly done" if each.partly else each.status
    return f"| `{name}` | {each.python} | {status} | {counts} | {each.shared} | {duration(each.seconds)} |"
