"""Resolutions for all environments of a region: in each environment, what is selected is a closed answer."""

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.markers import Marker
from packaging.requirements import Requirement

from puffin.stages.resolve.output.merge import Merged
from puffin.stages.resolve.requirements.region import region_of_pythons
from puffin.stages.resolve.solve.errors import NoSolution
from puffin.stages.resolve.solve.request import LOWEST, Preference
from puffin.stages.resolve.solve.resolve import resolve
from tests.helpers.replay import Replay
from tests.helpers.universe import Packse, environment, everywhere, packse, pins, request

UNIVERSAL = list(packse(universal=True))
_SYSTEMS = {
    "linux": "posix", "darwin": "posix", "win32": "nt", "os1": "posix", "os2": "a", "illumos": "linux",
    "windows": "darwin",
}  # fmt: skip


def _environments(pythons: str) -> Iterable[dict[str, str]]:
    for (system, name), implementation, python in product(
        _SYSTEMS.items(), ("cpython", "pypy"), ("3.10.1", "3.10.9", "3.12.0", "3.13.1", "3.14.0")
    ):
        if Requirement(f"python{pythons}").specifier.contains(python):
            yield environment(
                python,
                sys_platform=system,
                os_name=name,
                platform_system={"win32": "Windows", "linux": "Linux"}.get(system, "other"),
                implementation_name=implementation,
                platform_python_implementation={"cpython": "CPython", "pypy": "PyPy"}[implementation],
                extra="",
            )


def _selected(found: Iterable[Merged], where: dict[str, str]) -> dict[str, str]:
    """What an environment selects: each package at most once."""
    held = [each.package for each in found if not each.marker or Marker(each.marker).evaluate(where)]
    chosen = {package.name: package.version for package in held}
    assert len(chosen) == len(held)
    return chosen


def _check(
    packages: Mapping[str, Any], roots: Iterable[str], chosen: dict[str, str], where: dict[str, str]
) -> None:
    """All that is needed in an environment is there in a version that fits, and nothing else."""
    pending = [(Requirement(text), "") for text in roots]
    reached: set[tuple[str, str]] = set()
    while pending:
        wanted, extra = pending.pop()
        if wanted.marker and not wanted.marker.evaluate({**where, "extra": extra}):
            continue
        assert wanted.specifier.contains(chosen[wanted.name], prereleases=True), (wanted, chosen, where)
        for asked in ("", *wanted.extras):
            if (wanted.name, asked) not in reached:
                reached.add((wanted.name, asked))
                texts = packages[wanted.name][chosen[wanted.name]].get("requires_dist", ())
                pending += [(Requirement(text), asked) for text in texts]
    assert {name for name, _ in reached} == set(chosen), where


@pytest.mark.parametrize("scenario", UNIVERSAL, ids=[scenario.name for scenario in UNIVERSAL])
def test_scenario(scenario: Packse) -> None:
    pythons = scenario.data["root"].get("requires_python", ">=3.12")
    universe = scenario.universe()
    roots = scenario.data["root"]["requires"]
    if not scenario.expected["satisfiable"]:
        with pytest.raises(NoSolution):
            everywhere(scenario.request(), universe, pythons)
        return
    found = everywhere(scenario.request(), Replay(_any_wheel(universe)), pythons)
    for where in _environments(pythons):
        _check(universe._packages, roots, _selected(found, where), where)


def _any_wheel(universe: Replay) -> dict[str, Any]:
    return {
        name: {version: {**facts, "wheel_tags": ()} for version, facts in own.items()}
        for name, own in universe._packages.items()
    }


def test_all_universal_scenarios_are_there() -> None:
    assert len(UNIVERSAL) == 20


def test_the_error_says_for_which_environments() -> None:
    scenario = next(each for each in UNIVERSAL if each.name == "conflict-in-fork")
    with pytest.raises(NoSolution) as caught:
        everywhere(scenario.request(), scenario.universe())
    assert str(caught.value).startswith(
        "Failed to resolve `a`: no version can be used where `sys_platform != 'os1'`\n"
    )


_MARKERS = (
    "sys_platform == 'linux'", "sys_platform != 'linux'", "sys_platform == 'darwin'", "python_version < '3.13'",
    "python_version >= '3.13'", "implementation_name == 'pypy'", "os_name == 'nt'", "platform_system == 'Windows'",
    "sys_platform == 'win32' or python_version >= '3.14'",
)  # fmt: skip
_NAMES = ("a", "b", "c", "d", "e")


@st.composite
def _worlds(draw: st.DrawFn) -> tuple[dict[str, Any], list[str]]:
    """Packages of which the first version needs nothing, so that there is an answer wherever one is possible at all."""
    packages: dict[str, Any] = {}
    for place, name in enumerate(_NAMES):
        versions: dict[str, Any] = {"1": {}}
        for version in draw(st.sampled_from(((), ("2",), ("2", "3")))):
            python = draw(st.sampled_from((">=3.8", ">=3.8", ">=3.13", ">=3.14")))
            versions[version] = {"requires_dist": draw(_needs(_NAMES[place + 1 :])), "requires_python": python}
        packages[name] = versions
    return packages, draw(_needs(_NAMES, least=1))


def _needs(names: tuple[str, ...], least: int = 0) -> st.SearchStrategy[list[str]]:
    if not names:
        return st.just([])
    marker = st.sampled_from(("", *[f" ; {each}" for each in _MARKERS]))
    extra = st.sampled_from(("", "", "", " ; extra == 'x'"))
    name, bound = st.sampled_from(names), st.sampled_from(("", "", "<3", "<2", ">=2", "[x]"))
    one = st.builds(lambda *parts: "".join(parts), name, bound, marker if least else st.one_of(marker, extra))
    forks = st.builds(
        lambda name, marker, other: [f"{name}<2 ; {marker}", f"{name}>=2 ; {other}"],
        name,
        *map(st.just, _MARKERS[:2]),
    )
    return st.builds(
        lambda ones, more: [*ones, *more], st.lists(one, min_size=least, max_size=3), st.just([]) | forks
    )


@given(_worlds())
@settings(max_examples=150, deadline=None)
def test_each_environment_selects_a_closed_answer(world: tuple[dict[str, Any], list[str]]) -> None:
    packages, roots = world
    asked = request(*roots)
    try:
        found = everywhere(asked, Replay(packages))
    except NoSolution:
        return  # what is needed for different environments may exclude each other
    for where in _environments(">=3.12"):
        chosen = _selected(found, where)
        _check(packages, roots, chosen, where)
        for name, version in chosen.items():
            python = packages[name][version].get("requires_python", "")
            assert Requirement(f"python{python}").specifier.contains(where["python_full_version"])


def _markers(found: Iterable[Merged]) -> list[str]:
    return [
        f"{each.package.name}=={each.package.version} ; {each.marker}".removesuffix(" ; ") for each in found
    ]


def test_newer_pythons_get_the_versions_that_need_them() -> None:
    packages = {
        "a": {
            "1": {"requires_python": ">=3.8"},
            "2": {"requires_python": ">=3.10"},
            "3": {"requires_python": ">=3.13"},
        }
    }
    found = everywhere(request("a"), Replay(packages), ">=3.9")
    assert sorted(_markers(found)) == [
        "a==1 ; python_version < '3.10'",
        "a==2 ; python_version >= '3.10' and python_version < '3.13'",
        "a==3 ; python_version >= '3.13'",
    ]


def test_a_python_that_is_left_out_divides_nothing() -> None:
    packages = {"a": {"1": {"requires_python": ">=3.8"}, "2": {"requires_python": ">=3.9,!=3.9.0,!=3.9.1"}}}
    assert _markers(everywhere(request("a"), Replay(packages), ">=3.9")) == ["a==2"]


def test_different_bounds_that_one_version_meets_divide_nothing() -> None:
    packages = {"a": {"1": {}, "2": {}, "3": {}}}
    roots = ("a>=1 ; sys_platform == 'linux'", "a<3 ; sys_platform != 'linux'")
    assert _markers(everywhere(request(*roots), Replay(packages))) == ["a==2"]


def test_versions_that_are_only_looked_at_ahead_divide_nothing() -> None:
    conflict: dict[str, Any] = {"requires_dist": ["b>1"]}
    packages = {
        "a": {"4": conflict, "3": conflict, "2": {}, "1": {"requires_python": ">=3.13"}},
        "b": {"1": {}, "2": {}},
    }
    asked = request("a", "b<2", region=region_of_pythons(">=3.12"))
    assert pins(resolve(asked, Replay(packages))) == {"a": "2", "b": "1"}


def test_a_best_version_that_another_package_rules_out_divides_nothing() -> None:
    packages = {
        "a": {"3": {"requires_dist": ["b>1"]}, "2": {"requires_dist": ["c", "d==1"]}},
        "b": {"1": {}, "2": {}},
        "c": {"2": {"requires_python": ">=3.13"}, "1": {}},
        "d": {"1": {"requires_dist": ["c<2"]}},
    }
    asked = request("a", "b<2", region=region_of_pythons(">=3.12"))
    assert pins(resolve(asked, Replay(packages))) == {"a": "2", "b": "1", "c": "1", "d": "1"}


def test_parts_keep_to_the_versions_of_the_parts_before_them() -> None:
    packages = {
        "a": {"1": {"requires_dist": ["c<2"]}, "2": {}},
        "b": {"1": {"requires_dist": ["c"]}},
        "c": {"1": {}, "2": {}},
    }
    roots = ("a<2 ; sys_platform == 'linux'", "a>=2 ; sys_platform != 'linux'", "b")
    assert _markers(everywhere(request(*roots), Replay(packages))) == [
        "a==1 ; sys_platform == 'linux'", "a==2 ; sys_platform != 'linux'", "b==1", "c==1",
    ]  # fmt: skip


def test_earlier_versions_are_kept_where_they_were() -> None:
    packages = {"a": {"1": {}, "2": {}, "3": {}}}
    roots = ("a<3 ; sys_platform == 'linux'", "a>=2 ; sys_platform != 'linux'")
    earlier = (
        Preference(name="a", version="1", marker="sys_platform == 'linux'"),
        Preference(name="a", version="3", marker="sys_platform != 'linux'"),
    )
    found = everywhere(request(*roots, preferences=earlier), Replay(packages))
    assert _markers(found) == ["a==2"]  # one version for both, where the earlier answer had two
    found = everywhere(request("a", preferences=earlier[:1]), Replay(packages))
    assert _markers(found) == ["a==1"]


def test_extras_are_needed_where_they_are_asked_for() -> None:
    packages = {
        "a": {
            "1": {
                "requires_dist": ["b ; extra == 'x'", "a[x] ; extra == 'all'"],
                "provides_extras": ["x", "all"],
            }
        },
        "b": {"1": {}},
    }
    found = everywhere(request("a", "a[all] ; sys_platform == 'win32'"), Replay(packages))
    assert _markers(found) == ["a==1", "b==1 ; sys_platform == 'win32'"]


def test_a_url_counts_only_where_its_marker_holds() -> None:
    place = "https://e.org/a-9.tar.gz"
    universe = Replay({"a": {"1": {}}}, places={place: {"name": "a", "version": "9"}})
    found = everywhere(
        request(f"a @ {place} ; sys_platform == 'linux'", "a ; sys_platform != 'linux'"), universe
    )
    assert sorted(_markers(found)) == ["a==1 ; sys_platform != 'linux'", "a==9 ; sys_platform == 'linux'"]


def test_what_parents_in_different_environments_need_is_one_version() -> None:
    packages = {
        "a": {"1": {"requires_dist": ["c<2"]}},
        "b": {"1": {"requires_dist": ["c>=2"]}},
        "c": {"1": {}, "2": {}},
    }
    with pytest.raises(NoSolution):
        everywhere(request("a ; sys_platform == 'linux'", "b ; sys_platform == 'darwin'"), Replay(packages))


def test_the_lowest_versions_of_each_part() -> None:
    packages = {"a": {"1": {}, "2": {}, "3": {}}}
    roots = ("a>=2 ; sys_platform == 'linux'", "a<2 ; sys_platform != 'linux'")
    found = everywhere(request(*roots, resolution=LOWEST), Replay(packages))
    assert _markers(found) == ["a==2 ; sys_platform == 'linux'", "a==1 ; sys_platform != 'linux'"]


def test_odd_markers_that_are_too_many_count_as_met() -> None:
    names = [f"p{number}" for number in range(30)]
    packages = {name: {"1": {}} for name in names}
    few, many = ([f"{name} ; '{name}' in platform_machine" for name in names[:count]] for count in (3, 30))
    assert _markers(everywhere(request(*few), Replay(packages)))[0] == "p0==1 ; 'p0' in platform_machine"
    assert sorted(_markers(everywhere(request(*many), Replay(packages)))) == sorted(
        f"{name}==1" for name in names
    )
