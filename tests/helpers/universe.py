"""Stored scenarios for the resolver: packse's TOML files, JSON ones, and short ones written in tests."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from packaging import tags
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from puffin.stages.resolve.index.config import FilePolicy
from puffin.stages.resolve.output.merge import Merged, merge_answers
from puffin.stages.resolve.requirements.region import region_of_pythons
from puffin.stages.resolve.requirements.values import Entry
from puffin.stages.resolve.solve.regions import RegionPart, resolve_region
from puffin.stages.resolve.solve.request import ALLOW, Resolution, ResolveRequest
from puffin.stages.resolve.solve.resolve import resolve
from puffin.value import replace
from tests.helpers.replay import Replay

SCENARIOS = Path(__file__).resolve().parent.parent / "scenarios"
DEFAULT_PYTHON = "3.12"
_DEFAULT_REQUIRES = ">=3.12"  # what packse's packages require unless they say otherwise
_PLATFORMS = [f"manylinux_2_{minor}_x86_64" for minor in range(36, 4, -1)] + [
    "manylinux2014_x86_64",
    "linux_x86_64",
]


def environment(python: str = "3.12.1", **changes: str) -> dict[str, str]:
    """The PEP 508 environment of CPython on Linux."""
    made = {
        "implementation_name": "cpython",
        "implementation_version": python,
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "platform_release": "6.1",
        "platform_system": "Linux",
        "platform_version": "#1",
        "python_full_version": python,
        "python_version": ".".join(python.split(".")[:2]),
        "sys_platform": "linux",
    }
    return {**made, **changes}


def root(text: str, origin: str = "requirements.in:1", **fields: Any) -> Entry:
    """A requirement as a user writes it."""
    parsed = Requirement(text)
    return Entry(
        name=canonicalize_name(parsed.name),
        text=text,
        specifier=str(parsed.specifier),
        extras=tuple(sorted(parsed.extras)),
        marker=str(parsed.marker or ""),
        url=parsed.url or "",
        file=origin,
        **fields,
    )


def roots(*texts: str, file: str = "requirements.in") -> tuple[Entry, ...]:
    return tuple(root(text, f"{file}:{line}") for line, text in enumerate(texts, 1))


def request(*texts: str, python: str = "3.12.1", **fields: Any) -> ResolveRequest:
    for plural, file in (("constraints", "constraints.txt"), ("overrides", "overrides.txt")):
        fields[plural] = roots(*fields.get(plural, ()), file=file)
    made: dict[str, Any] = {"markers": environment(python), "python_version": python, **fields}
    return ResolveRequest(requirements=roots(*texts), **made)


def package(requires: Mapping[str, list[str]]) -> dict[str, dict[str, Any]]:
    """Versions with what each one needs."""
    return {version: {"requires_dist": texts} for version, texts in requires.items()}


def everywhere(asked: ResolveRequest, universe: Replay, pythons: str = ">=3.12") -> tuple[Merged, ...]:
    """The merged answer for all platforms and these Pythons."""

    def solve(part: RegionPart) -> Resolution:
        preferences = (*asked.preferences, *part.preferences)
        own = {"region": part.region, "python_version": part.python_version, "preferences": preferences}
        return resolve(replace(asked, **own), universe)

    return merge_answers(resolve_region((region_of_pythons(pythons),), solve))


def pins(resolution: Resolution) -> dict[str, str]:
    return {own.name: own.version for own in resolution.packages}


def solved(packages: Mapping[str, Any], *texts: str, **fields: Any) -> dict[str, str]:
    """The pins for requirements, in a universe of packages → versions → facts."""
    return pins(resolve(request(*texts, **fields), Replay(packages)))


def check_closed(packages: Mapping[str, Any], found: Mapping[str, str], *texts: str) -> None:
    """All that is needed is there in a version that fits, and nothing else (markers and extras left out)."""
    pending = [Requirement(text) for text in texts]
    seen: set[str] = set()
    while pending:
        wanted = pending.pop()
        assert wanted.specifier.contains(found[wanted.name], prereleases=True), (wanted, found)
        if wanted.name not in seen:
            seen.add(wanted.name)
            facts = packages[wanted.name][found[wanted.name]]
            pending += [Requirement(text) for text in facts.get("requires_dist", ())]
    assert seen == set(found)


def stored(name: str) -> tuple[dict[str, Any], Replay]:
    """A JSON scenario: what it asks for and expects, and its universe."""
    data = json.loads((SCENARIOS / name).read_text())
    return data, Replay(data["packages"])


class Packse:
    """A packse scenario as a request and a universe."""

    def __init__(self, path: Path) -> None:
        self.data = tomllib.loads(path.read_text())
        self.name: str = self.data["name"]
        self.options: dict[str, Any] = self.data.get("resolver_options", {})
        self.expected: dict[str, Any] = self.data["expected"]
        self.universal = bool(self.options.get("universal")) or path.parent.name == "fork"
        active = self.data.get("environment", {}).get("python", DEFAULT_PYTHON)
        self.python = self.options.get("python") or active

    @property
    def packages(self) -> dict[str, dict[str, Any]]:
        listed = self.data.get("packages", {})
        return {canonicalize_name(name): own.get("versions", {}) for name, own in listed.items()}

    def universe(self) -> Replay:
        packages = {
            name: {version: _facts(meta) for version, meta in versions.items()}
            for name, versions in self.packages.items()
        }
        return Replay(packages, _tags(self.python))

    def request(self) -> ResolveRequest:
        full = self.python if self.python.count(".") > 1 else f"{self.python}.1"
        allow = {"prereleases": ALLOW} if self.options.get("prereleases") else {}
        files = FilePolicy(
            no_binary=frozenset(self.options.get("no_binary", ())),
            only_binary=frozenset(self.options.get("no_build", ())),
        )
        return request(*self.data["root"].get("requires", []), python=full, files=files, **allow)


def packse(group: str = "", *, universal: bool = False) -> Iterator[Packse]:
    """The scenarios that need no universal resolution, or only those that do."""
    for path in sorted((SCENARIOS / "packse" / "scenarios" / group).rglob("*.toml")):
        scenario = Packse(path)
        if scenario.universal is universal:
            yield scenario


def _facts(meta: Mapping[str, Any]) -> dict[str, Any]:
    requires = list(meta.get("requires", []))
    for extra, texts in meta.get("extras", {}).items():
        for text in texts:
            head, _, marker = text.partition(";")
            guard = f"extra == '{canonicalize_name(extra)}'"
            requires.append(
                f"{head.strip()} ; ({marker.strip()}) and {guard}" if marker else f"{head} ; {guard}"
            )
    return {
        "requires_dist": requires,
        "requires_python": meta.get("requires_python", _DEFAULT_REQUIRES),
        "provides_extras": [canonicalize_name(extra) for extra in meta.get("extras", {})],
        "yanked": meta.get("yanked", False),
        "wheel": meta.get("wheel", True),
        "sdist": meta.get("sdist", True),
        "wheel_tags": meta.get("wheel_tags", ()),
    }


@cache
def _tags(python: str) -> tuple[str, ...]:
    major, minor = (int(part) for part in python.split(".")[:2])
    own = tags.cpython_tags((major, minor), [f"cp{major}{minor}"], _PLATFORMS)
    common = tags.compatible_tags((major, minor), f"cp{major}{minor}", _PLATFORMS)
    return tuple(map(str, [*own, *common]))
