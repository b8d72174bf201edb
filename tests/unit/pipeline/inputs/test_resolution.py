"""One set-up of a resolution, whichever command it is for."""

from typing import Any

import pytest

from puffin.pipeline.inputs.resolution import ResolutionSetup, setup_of
from puffin.pipeline.request.session import session_of
from puffin.pipeline.request.settings import Settings
from puffin.stages.resolve.index.config import FilePolicy
from puffin.stages.resolve.output.earlier import Upgrades
from puffin.stages.resolve.projects.sources import Sources
from puffin.stages.resolve.requirements.values import Entry, Requirements
from puffin.stages.resolve.solve.request import ALLOW, Preference

A = Entry(name="a", text="a>=1", specifier=">=1", hashes=("sha256:aa", "sha256:bb"), file="r.in", line=1)
LIMIT = Entry(name="a", text="a<2", specifier="<2", hashes=("sha256:bb",), file="c.txt", line=1)
WRITTEN: dict[str, Any] = {"entries": (A,), "constraints": (LIMIT,), "no_binary": ("z",), "pre": True}
SOURCES = Sources(requirements=Requirements(**WRITTEN))
OPTIONS: dict[str, Any] = {"exclude_newer": "2024-01-01", "only_binary": ("y",), "no_build": True}
KEPT = (Preference(name="a", version="1.0"), Preference(name="b", version="1.0"))


def setup(upgrades: "Upgrades | None" = None, **options: Any) -> ResolutionSetup:
    settings = Settings(files=(), cache_dir="", **options)
    session = session_of(settings, {})
    return setup_of(settings, SOURCES, session, now=1.0, preferences=KEPT, upgrades=upgrades)


def test_what_options_and_files_say_is_joined() -> None:
    one = setup(**OPTIONS)
    assert one.requirements == (A,)
    assert [own.text for own in one.constraints] == ["a<2"]
    assert one.hashes == {"a": ("sha256:bb",)}
    policy = {"no_binary": frozenset("z"), "only_binary": frozenset("y"), "no_build": frozenset([":all:"])}
    assert one.files == FilePolicy(**policy)
    assert (one.prereleases, one.exclude_newer, one.refresh) == (ALLOW, "2024-01-01", frozenset())


@pytest.mark.parametrize(
    ("options", "upgrades", "refresh", "kept"),
    [
        ({}, Upgrades(), frozenset(), ["a", "b"]),
        ({"refresh_package": ("c",)}, Upgrades(names=frozenset("b")), frozenset("bc"), ["a"]),
        ({}, Upgrades(everything=True), True, []),
        ({"refresh": True}, Upgrades(), True, ["a", "b"]),
        ({"refresh": True, "offline": True}, Upgrades(everything=True), False, []),
    ],
)
def test_upgrades_move_what_was_kept_and_ask_anew(
    options: dict[str, Any], upgrades: Upgrades, refresh: object, kept: list[str]
) -> None:
    found = setup(upgrades, **options)
    assert found.refresh == refresh
    assert found.scope.refresh == refresh
    assert [own.name for own in found.preferences] == kept
