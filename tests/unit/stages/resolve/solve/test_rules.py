"""Which versions may be chosen, and which is preferred: one rule after the other."""

from typing import Any

import pytest

from puffin.stages.resolve.index.config import FilePolicy
from puffin.stages.resolve.solve.errors import NoSolution
from puffin.stages.resolve.solve.request import Preference
from puffin.stages.resolve.solve.resolve import resolve
from tests.helpers.replay import Replay
from tests.helpers.universe import package, pins, request, solved


def versions(*texts: str, **facts: Any) -> dict[str, dict[str, Any]]:
    return {text: dict(facts) for text in texts}


# Pre-releases: the outcomes are those of uv 0.13.8 for the same packages

CONFLICT = {
    "a": package({"1.0": ["c==1"]}),
    "b": package({"1.0": ["c==2"], "2.0a1": ["c==1"]}),
    "c": versions("1", "2"),
}
MIXED = {"a": versions("1.0", "2.0a1", "2.0a2"), "b": package({"1.0": ["a>1.0"]})}
STABLE = {"a": versions("1.0a1", "1.0a2", "1.0", "2.0", "3.0a1")}
TRANSITIVE = {"b": package({"1.0": ["a>=2.0a1"]}), "a": versions("1.0", "2.0a1", "2.0a2")}
OTHER_PYTHON = {"a": {"1.0": {"requires_python": ">=3.99"}, "2.0a1": {}}}
ONLY = {"a": versions("1.0a1", "1.0a2")}
NONE = None
MODES = ("if-necessary-or-explicit", "if-necessary", "explicit", "allow", "disallow")


@pytest.mark.parametrize(
    ("packages", "texts", "name", "outcomes"),
    [
        (CONFLICT, ["a", "b"], "b", ("2.0a1", "2.0a1", NONE, "2.0a1", NONE)),
        (CONFLICT, ["a", "b>=1.0a1"], "b", ("2.0a1", "2.0a1", "2.0a1", "2.0a1", NONE)),
        (MIXED, ["a>=1.0a1", "b"], "a", ("2.0a2", "2.0a2", "2.0a2", "2.0a2", NONE)),
        (STABLE, ["a>=1.0a1"], "a", ("2.0", "2.0", "2.0", "3.0a1", "2.0")),
        (STABLE, ["a==1.0a1"], "a", ("1.0a1", "1.0a1", "1.0a1", "1.0a1", NONE)),
        (STABLE, ["a!=1.5a1"], "a", ("2.0", "2.0", "2.0", "3.0a1", "2.0")),
        (TRANSITIVE, ["b"], "a", ("2.0a2", "2.0a2", NONE, "2.0a2", NONE)),
        (OTHER_PYTHON, ["a"], "a", ("2.0a1", "2.0a1", NONE, "2.0a1", NONE)),
        (ONLY, ["a"], "a", ("1.0a2", "1.0a2", NONE, "1.0a2", NONE)),
    ],
)
def test_prereleases(packages: Any, texts: list[str], name: str, outcomes: tuple[str | None, ...]) -> None:
    for mode, outcome in zip(MODES, outcomes, strict=True):
        if outcome is None:
            with pytest.raises(NoSolution):
                solved(packages, *texts, prereleases=mode)
        else:
            assert solved(packages, *texts, prereleases=mode)[name] == outcome, mode


def test_prereleases_of_one_package() -> None:
    packages = {"a": versions("1.0", "2.0a1"), "b": versions("1.0", "2.0a1")}
    found = solved(packages, "a", "b", prereleases="disallow", prerelease_modes=(("a", "allow"),))
    assert found == {"a": "2.0a1", "b": "1.0"}


def test_a_stable_version_is_preferred_by_lowest_too() -> None:
    assert solved(STABLE, "a>=1.0a1", resolution="lowest") == {"a": "1.0"}


# Yanked

YANKED = {"a": {"1.0": {"yanked": "broken"}, "0.9": {}}, "b": package({"1.0": ["a==1.0"]})}


def test_a_yanked_version_needs_an_exact_pin_of_the_user() -> None:
    assert solved(YANKED, "a") == {"a": "0.9"}
    assert solved(YANKED, "a==1.0") == {"a": "1.0"}
    assert solved(YANKED, "a===1.0") == {"a": "1.0"}
    assert solved(YANKED, "a", constraints=["a==1.0"]) == {"a": "1.0"}
    assert solved(YANKED, "a", overrides=["a==1.0"]) == {"a": "1.0"}
    assert solved(YANKED, "b", constraints=["a==1.0"]) == {"a": "1.0", "b": "1.0"}
    for text in ("b", "a==1.*", "a>=1.0"):
        with pytest.raises(NoSolution):
            solved(YANKED, text)


def test_a_yanked_preference_moves_on_unless_it_is_to_be_kept() -> None:
    kept = (Preference(name="a", version="1.0"),)
    assert solved(YANKED, "a", preferences=kept) == {"a": "0.9"}
    assert solved(YANKED, "a", preferences=kept, keep_yanked=True) == {"a": "1.0"}


def test_a_yanked_choice_is_warned_about() -> None:
    found = resolve(request("a==1.0"), Replay(YANKED))
    assert found.packages[0].yanked == "broken"
    assert found.warnings == ("`a==1.0` is yanked (reason: broken)",)


# Local and post releases, wildcards


def test_local_versions_match_their_public_one() -> None:
    packages = {"a": versions("1.0", "1.0+x", "1.0+y", "0.9")}
    assert solved(packages, "a==1.0") == {"a": "1.0+y"}
    assert solved(packages, "a==1.0+x") == {"a": "1.0+x"}
    with pytest.raises(NoSolution):
        solved(packages, "a>1.0")


def test_an_unusable_local_version_gives_way() -> None:
    packages = {"a": package({"1.0+x": ["nothing"], "1.0": []})}
    assert solved(packages, "a==1.0") == {"a": "1.0"}


# Python versions


def test_requires_python_of_the_index_and_of_the_metadata() -> None:
    packages: dict[str, Any] = {
        "a": {"2.0": {"requires_python": ">=3.13"}, "1.0": {"requires_python": ">=3.8"}}
    }
    assert solved(packages, "a") == {"a": "1.0"}

    class Silent(Replay):
        def versions(self, name: str) -> Any:
            from puffin.value import replace

            offer = super().versions(name)
            return replace(offer, release=lambda text: replace(offer.release(text), requires_python=""))

    assert pins(resolve(request("a"), Silent(packages))) == {"a": "1.0"}


# Files


def test_file_policies() -> None:
    packages = {"a": {"3.0": {"wheel": False, "sdist": True}, "2.0": {"wheel": True}, "1.0": {"sdist": True}}}
    assert solved(packages, "a") == {"a": "3.0"}
    assert solved(packages, "a", files=FilePolicy(only_binary=frozenset({"a"}))) == {"a": "2.0"}
    assert solved(packages, "a", files=FilePolicy(no_build=frozenset({":all:"}))) == {"a": "2.0"}
    no_binary = FilePolicy(no_binary=frozenset({":all:"}))
    assert solved(packages, "a<3", files=no_binary) == {"a": "1.0"}
    both = FilePolicy(no_binary=frozenset({"a"}), only_binary=frozenset({":all:"}))
    assert solved(packages, "a", files=both) == {"a": "3.0"}


def test_a_version_without_usable_metadata_is_left_out() -> None:
    packages = {"a": {"2.0": {"metadata_error": "its METADATA is broken"}, "1.0": {}}}
    assert solved(packages, "a") == {"a": "1.0"}
    malformed = {"a": {"2.0": {"requires_dist": ["b>>1"]}, "1.0": {}}}
    assert solved(malformed, "a") == {"a": "1.0"}
    unknown_marker = {"a": {"2.0": {"requires_dist": ["b; planet == 'mars'"]}, "1.0": {}}}
    assert solved(unknown_marker, "a") == {"a": "1.0"}


# Extras

EXTRAS = {
    "a": {"1.0": {"requires_dist": ["b; extra == 'x'", "c; extra == 'Y.z'", "a[x,y-z]; extra == 'all'", "d"]}},
    "b": versions("1.0"),
    "c": versions("1.0"),
    "d": versions("1.0"),
}


def test_extras() -> None:
    assert set(solved(EXTRAS, "a")) == {"a", "d"}
    assert set(solved(EXTRAS, "a[x]")) == {"a", "b", "d"}
    assert set(solved(EXTRAS, "a[y_Z]")) == {"a", "c", "d"}
    assert set(solved(EXTRAS, "A[x]", "a[y.z]")) == {"a", "b", "c", "d"}


def test_an_extra_that_asks_for_others_of_its_package() -> None:
    assert set(solved(EXTRAS, "a[all]")) == {"a", "b", "c", "d"}


def test_an_unknown_extra_is_warned_about() -> None:
    found = resolve(request("a[nope,x]"), Replay(EXTRAS))
    own = next(each for each in found.packages if each.name == "a")
    assert own.extras == ("x",)
    assert found.warnings == ("`a==1.0` does not have an extra named `nope`; it has `x`, `y-z`, `all`",)


def test_extras_that_come_up_late_add_to_those_of_the_pinned_version() -> None:
    packages = {
        "a": package({"1.0": ["b; extra == 'x'"]}),
        "b": package({"1.0": ["c"]}),
        "c": package({"1.0": ["a[y]"]}),
    }
    packages["a"]["1.0"]["requires_dist"].append("d; extra == 'y'")
    packages["d"] = versions("1.0")
    found = resolve(request("a[x]"), Replay(packages))
    assert {own.name: own.extras for own in found.packages} == {"a": ("x", "y"), "b": (), "c": (), "d": ()}


def test_extras_of_one_version_only_after_conflicts() -> None:
    packages = {
        "a": package({"2.0": ["b>=2; extra == 'x'"], "1.0": ["b<2; extra == 'x'"]}),
        "b": versions("1.0", "2.0"),
        "c": package({"1.0": ["a[x]", "b<2"]}),
    }
    assert solved(packages, "a", "c") == {"a": "1.0", "b": "1.0", "c": "1.0"}


def test_markers_with_extras_and_platforms() -> None:
    requires = ["b; extra == 'x' and sys_platform == 'win32'", "c; extra == 'x' and os_name == 'posix'"]
    packages = {"a": package({"1.0": requires}), "c": versions("1.0")}
    assert set(solved(packages, "a[x]")) == {"a", "c"}
    assert solved(packages, "a; sys_platform == 'win32'") == {}


# Constraints and overrides


def test_constraints_narrow_and_add_nothing() -> None:
    packages = {"a": package({"1.0": ["b"]}), "b": versions("1.0", "2.0"), "c": versions("1.0")}
    assert solved(packages, "a", constraints=["b<2", "c", "a>=1; os_name == 'nt'"]) == {"a": "1.0", "b": "1.0"}


def test_an_override_takes_the_place_of_what_packages_and_the_user_need() -> None:
    packages = {"a": package({"1.0": ["b<2"]}), "b": versions("1.0", "2.0")}
    assert solved(packages, "a", overrides=["b>=2"]) == {"a": "1.0", "b": "2.0"}
    assert solved(packages, "a", "b<2", overrides=["b>=2"]) == {"a": "1.0", "b": "2.0"}
    assert solved(packages, "a", overrides=["b>=2; os_name == 'nt'"]) == {"a": "1.0"}


def test_without_dependencies() -> None:
    assert solved({"a": package({"1.0": ["b"]})}, "a", no_deps=True) == {"a": "1.0"}


def test_cycles() -> None:
    packages = {"a": package({"1.0": ["b"]}), "b": package({"1.0": ["c"]}), "c": package({"1.0": ["a"]})}
    assert solved(packages, "a") == {"a": "1.0", "b": "1.0", "c": "1.0"}


def test_a_version_that_needs_another_one_of_itself_is_left_out() -> None:
    packages = {"a": package({"2.0": ["a<2"], "1.0": ["a>=1"]})}
    assert solved(packages, "a") == {"a": "1.0"}


# Which version first

PAIR = {"a": package({"1.0": ["b"], "2.0": ["b"]}), "b": versions("1.0", "2.0", "2.1")}


def test_lowest_and_lowest_direct() -> None:
    assert solved(PAIR, "a") == {"a": "2.0", "b": "2.1"}
    assert solved(PAIR, "a", resolution="lowest") == {"a": "1.0", "b": "1.0"}
    assert solved(PAIR, "a", resolution="lowest-direct") == {"a": "1.0", "b": "2.1"}


def test_a_preference_is_kept_where_it_fits() -> None:
    kept = (Preference(name="b", version="2.0.0"), Preference(name="a", version="0.1"))
    assert solved(PAIR, "a", preferences=kept) == {"a": "2.0", "b": "2.0"}
    assert solved(PAIR, "a", "b>2", preferences=kept) == {"a": "2.0", "b": "2.1"}


def test_a_preference_without_local_part_means_the_plain_version() -> None:
    packages = {"a": versions("1.0", "1.0+cpu")}
    assert solved(packages, "a", preferences=(Preference(name="a", version="1.0"),)) == {"a": "1.0"}


def test_groups_of_versions_go_before_newer_ones() -> None:
    from puffin.value import replace

    class Grouped(Replay):
        def versions(self, name: str) -> Any:
            return replace(super().versions(name), groups=(1, 0, 1))

    packages = {"a": versions("3", "2", "1")}
    assert pins(resolve(request("a"), Grouped(packages))) == {"a": "2"}
    assert pins(resolve(request("a!=2"), Grouped(packages))) == {"a": "3"}


def test_the_result_does_not_depend_on_the_order_of_a_mapping() -> None:
    backwards = dict(reversed(PAIR.items()))
    assert resolve(request("a"), Replay(PAIR)) == resolve(request("a"), Replay(backwards))
