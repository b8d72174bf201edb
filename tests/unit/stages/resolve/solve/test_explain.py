"""The words for requirements that cannot be met."""

from typing import Any

import pytest

from puffin.stages.resolve.index.config import FilePolicy
from puffin.stages.resolve.solve.eligible import MOST_BUILDS
from puffin.stages.resolve.solve.errors import NoSolution
from puffin.stages.resolve.solve.request import Preference
from puffin.stages.resolve.solve.resolve import resolve
from puffin.stages.resolve.solve.universe import Offer
from puffin.value import replace
from tests.helpers.replay import Replay
from tests.helpers.universe import Packse, package, packse, pins, request
from tests.unit.stages.resolve.solve.test_search import boto, three_deep


def failure(packages: Any, *texts: str, universe: Replay | None = None, **fields: Any) -> str:
    with pytest.raises(NoSolution) as caught:
        resolve(request(*texts, **fields), universe or Replay(packages))
    return "\n".join([str(caught.value), *[f"hint: {hint}" for hint in caught.value.hints]])


def scenario(name: str) -> str:
    own: Packse = next(each for each in packse() if each.name == name)
    with pytest.raises(NoSolution) as caught:
        resolve(own.request(), own.universe())
    return "\n".join([str(caught.value), *[f"hint: {hint}" for hint in caught.value.hints]])


PACKSE = {
    "transitive-incompatible-with-transitive": """\
Failed to resolve `a` and `b`: no versions fit together
You require `a` (requirements.in:1) and `b` (requirements.in:2).
`a` 1.0.0 needs `c==1.0.0`.
`b` 1.0.0 needs `c==2.0.0`.""",
    "backtrack-to-missing-package": """\
Failed to resolve `b`: no version can be used
You require `b` (requirements.in:2).
Every version of `b` needs `a==1.0.0`.
`a` 1.0.0 needs `c`.
`c` was not found in any index.
hint: check the spelling of `c`, or add the index that has it with `--extra-index-url`""",
    "extra-incompatible-with-root": """\
Failed to resolve `a` and `b`: no versions fit together
You require `a[extra]` (requirements.in:1) and `b==2.0.0` (requirements.in:2).
`a` 1.0.0 needs `b==1.0.0`.""",
    "local-transitive-greater-than": """\
Failed to resolve `a`: no version can be used
You require `a` (requirements.in:1).
`a` 1.0.0 needs `b>2.0.0`.
No version of `b` meets `b>2.0.0`: the index has 2.0.0+bar and 2.0.0+foo.""",
    "python-greater-than-current-many": """\
Failed to resolve `a`: no version can be used
You require `a==1.0.0` (requirements.in:1).
No version of `a` meets `a==1.0.0`: the index has 2.0.0 to 3.5.0.""",
    "python-greater-than-current": """\
Failed to resolve `a`: no version can be used
You require `a==1.0.0` (requirements.in:1).
`a` 1.0.0 cannot be used: Python >=3.10 is required, but the target is Python 3.9.1.
hint: `a==1.0.0` needs Python >=3.10: use another Python, or `--python-version`""",
    "no-sdist-no-wheels-with-matching-python": """\
Failed to resolve `a`: no version can be used
You require `a` (requirements.in:1).
`a` 1.0.0 cannot be used: no wheel fits the target (there are wheels for graalpy310-none-any), \
and no source distribution.
hint: choose a target that a wheel of `a` fits, or another version of it""",
    "no-wheels-no-build": """\
Failed to resolve `a`: no version can be used
You require `a` (requirements.in:1).
`a` 1.0.0 cannot be used: no wheel fits the target, and building the source distribution is not allowed.
hint: building `a` is switched off by `--only-binary` or `--no-build`: leave `a` out of that""",
    "transitive-package-only-yanked-in-range": """\
Failed to resolve `a`: no version can be used
You require `a` (requirements.in:1).
`a` 0.1.0 needs `b>0.1`.
`b` 1.0.0 cannot be used: yanked.
hint: to take a yanked version, pin it among your own requirements: `b==1.0.0`""",
}


@pytest.mark.parametrize("name", PACKSE)
def test_packse(name: str) -> None:
    assert scenario(name) == PACKSE[name]


def test_a_long_chain_in_few_words() -> None:
    assert failure(boto(), "boto3>=1.6", "urllib3>=2") == (
        "Failed to resolve `boto3` and `urllib3`: no versions fit together\n"
        "You require `boto3>=1.6` (requirements.in:1) and `urllib3>=2` (requirements.in:2).\n"
        "`boto3` 1.6 to 1.299 need their own range of `botocore`, such as `botocore>=1.299,<1.300` for 1.299.\n"
        "`botocore` 1.6 to 1.299 need `urllib3>=1.25,<1.27`."
    )


def test_a_conflict_three_levels_down() -> None:
    packages = {**three_deep(), "d": package({"1.0": ["e>=1.1"]})}
    assert failure(packages, "a", "d") == (
        "Failed to resolve `a` and `d`: no versions fit together\n"
        "You require `a` (requirements.in:1) and `d` (requirements.in:2).\n"
        "Every version of `a` needs its own range of `b`, such as `b==1.299` for 1.299.\n"
        "`d` 1.0 needs `e>=1.1`.\n"
        "Every version of `b` needs `c==1.0`.\n"
        "`e` 1.1 to 1.299 need `c==1.1`."
    )


def test_prereleases_that_are_not_allowed() -> None:
    packages = {"a": package({"1.0": [], "2.0rc1": []})}
    assert failure(packages, "a>=1.5", prereleases="disallow") == (
        "Failed to resolve `a`: no version can be used\n"
        "You require `a>=1.5` (requirements.in:1).\n"
        "`a` 2.0rc1 cannot be used: pre-releases are not allowed here.\n"
        "hint: pre-releases of `a` exist, such as 2.0rc1, but are not allowed (`--prerelease disallow`): "
        "try `--prerelease allow`"
    )


def test_a_constraint_that_no_version_of_a_requirement_meets_is_named() -> None:
    text = failure({"a": package({"0.5": [], "1.0": []})}, "a", constraints=["a<0.4"])
    assert text == (
        "Failed to resolve `a`: no version can be used\n"
        "You require `a` (requirements.in:1).\nYour constraints say `a<0.4` (constraints.txt:1).\n"
        "No version of `a` meets `a<0.4`: the index has 0.5 and 1.0."
    )


def test_constraints_and_overrides_are_named() -> None:
    packages = {"a": package({"1.0": ["b"], "2.0": ["b"]}), "b": package({"1.0": [], "2.0": []})}
    text = failure(packages, "a", constraints=["b<2"], overrides=["b>=2"])
    assert (
        "Your constraints say `b<2` (constraints.txt:1).\nYour overrides say `b>=2` (overrides.txt:1).\n"
        in text
    )
    assert "Every version of `a` needs `b>=2`." in text


def test_offline() -> None:
    packages = {"a": package({"1.0": ["b"]}), "b": {"missing": "offline"}}
    assert failure(packages, "a").splitlines()[2:] == [
        "`a` 1.0 needs `b`.",
        "`b` is not in the cache, and the network may not be used (`--offline`).",
        "hint: run the command once without `--offline` to fill the cache",
    ]


def test_quarantine_and_errors_of_the_index() -> None:
    assert "`a` has been put in quarantine by its index." in failure({"a": {"missing": "quarantined"}}, "a")
    assert "`a` cannot be had from its index." in failure({"a": {"missing": "index-error"}}, "a")


def test_uploads_hidden_by_date() -> None:
    packages = {"a": {"1.0": {"upload_time": "2024-01-01"}, "2.0": {"upload_time": "2025-01-01"}}}
    universe = Replay(packages, exclude_newer="2024-06-01")
    text = failure(packages, "a>=2", universe=universe, exclude_newer="2024-06-01")
    assert text.endswith("hint: `a` 2.0 is hidden by `--exclude-newer 2024-06-01`")


def test_versions_on_another_index() -> None:
    class Two(Replay):
        def versions(self, name: str) -> Offer:
            return replace(super().versions(name), elsewhere=(("https://second.example", ("3.0", "2.0")),))

    text = failure({}, "a<3,>=2", universe=Two({"a": package({"1.0": []})}))
    assert text.endswith(
        "hint: `a` 2.0 is on https://second.example, after an index that has it too: "
        "`--index-strategy unsafe-best-match` takes all indexes into account"
    )


def test_no_binary() -> None:
    policy = FilePolicy(no_binary=frozenset({":all:"}))
    text = failure({"a": package({"1.0": []})}, "a", files=policy)
    assert "there is no source distribution, and wheels are not allowed (`--no-binary`)." in text
    assert text.endswith("hint: leave `a` out of `--no-binary`")


def test_metadata_that_cannot_be_used() -> None:
    text = failure({"a": {"1.0": {"metadata_error": "its METADATA is broken"}}}, "a")
    assert "`a` 1.0 cannot be used: its METADATA is broken." in text


def test_an_installed_version_is_not_told_twice_nor_as_one_that_the_index_has() -> None:
    packages = {"a": package({"1.0": [], "2.0": []})}
    for version in ("1.0", "3.0"):
        kept = (Preference(name="a", version=version, installed=("a", version, ())),)
        text = failure(packages, "a>=4", preferences=kept)
        assert text.splitlines()[2] == "No version of `a` meets `a>=4`: the index has 1.0 and 2.0."
    packages = {"a": package({"1.0": ["b>=2"], "2.0": ["b>=2"], "3.0": []}), "b": package({"1.0": []})}
    kept = (Preference(name="a", version="1.0", installed="a==1.0"),)
    text = failure(packages, "a<3", preferences=kept)
    assert text.splitlines()[2] == "`a` 1.0 and 2.0 need `b>=2`."


def test_many_statements_become_few() -> None:
    """No more than a screen, whatever the number of packages."""
    names = [f"p{i}" for i in range(30)]
    packages: dict[str, Any] = {
        name: {
            str(v): {"requires_dist": [f"{other}=={v + 1}" for other in names if other != name]}
            for v in range(3)
        }
        for name in names
    }
    text = failure(packages, *names)
    assert len(text.splitlines()) <= 25
    assert "26 more" in text.splitlines()[0] or "no version can be used" in text.splitlines()[0]


def test_only_so_many_versions_of_a_package_are_built_for_what_they_need() -> None:
    """The versions that are read after them need no build: one is found behind those that are given up."""
    needing = {f"1.{minor}": {"built": True, "wheel": False, "sdist": True} for minor in range(MOST_BUILDS + 5)}
    old = {version: {**facts, "requires_dist": ["b<1"]} for version, facts in needing.items()}
    packages: dict[str, Any] = {"a": old, "b": package({"0.9": [], "1.0": []})}
    universe = Replay(packages)
    text = failure(packages, "a", "b>=1", universe=universe)
    built = [f"a==1.{minor}" for minor in range(MOST_BUILDS + 4, 4, -1)]
    assert [each for each in universe.read if each != "b==1.0"] == built
    assert (
        f"`a` 1.0 to 1.4 cannot be used: only a build tells its dependencies, and {MOST_BUILDS} "
        "versions have been built" in text
    )
    assert text.endswith(
        f"which leaves these out, or pin one: at most {MOST_BUILDS} of the versions that fit are built"
    )
    assert "hint: bound `a`, such as `a>1.4`" in text
    assert pins(resolve(request("a", "b"), Replay(packages))) == {"a": "1.14", "b": "0.9"}
    last = {**old, "1.5": needing["1.5"]}
    assert pins(resolve(request("a", "b>=1"), Replay({**packages, "a": last})))["a"] == "1.5"
    wheel: dict[str, Any] = {**old, "1.0": {}}
    assert pins(resolve(request("a", "b>=1"), Replay({**packages, "a": wheel})))["a"] == "1.0"
