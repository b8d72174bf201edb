"""Conditions are what packaging says of their markers, in every environment that can tell them apart."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.markers import Marker

from puffin.stages.resolve.requirements.algebra import (
    ALWAYS,
    NEVER,
    as_marker,
    both,
    condition,
    either,
    for_extras,
    holds_somewhere,
    opposite,
    simplified,
)

_SYSTEMS = (
    ("linux", "posix", "Linux"), ("darwin", "posix", "Darwin"), ("win32", "nt", "Windows"), ("sunos5", "posix", "SunOS")
)  # fmt: skip
_ENVIRONMENTS = [
    {
        "sys_platform": system,
        "os_name": name,
        "platform_system": shown_name,
        "platform_machine": machine,
        "implementation_name": implementation.lower(),
        "platform_python_implementation": implementation,
        "python_full_version": python,
        "python_version": python.rpartition(".")[0],
        "implementation_version": python,
        "platform_release": "6.1",
        "platform_version": "1",
        "extra": "",
    }
    for (system, name, shown_name), machine, implementation, python in itertools.product(
        _SYSTEMS, ("x86_64", "arm64"), ("CPython", "PyPy"), ("3.8.1", "3.10.0", "3.10.4", "3.11.2", "3.13.0")
    )
]
_ATOMS = st.sampled_from(
    [
        "sys_platform == 'linux'", "sys_platform != 'win32'", "'win32' == sys_platform", "os_name == 'nt'",
        "os_name != 'posix'", "platform_system == 'Windows'", "platform_system != 'Darwin'",
        "platform_machine == 'x86_64'", "platform_machine in 'x86_64 amd64'", "platform_machine not in 'arm64, ARM64'",
        "'arm' in platform_machine", "'arm' not in platform_machine", "implementation_name == 'pypy'",
        "platform_python_implementation != 'PyPy'", "python_version < '3.10'", "python_version >= '3.10'",
        "python_version > '3.10'", "python_version <= '3.10'", "python_version == '3.10'", "python_version != '3.11'",
        "python_version ~= '3.8'", "'3.11' > python_version", "python_version in '3.8, 3.11'",
        "python_version not in '3.8 3.13'", "python_version == '3.*'", "python_full_version >= '3.10.2'",
        "python_full_version < '3.10.4'", "python_full_version == '3.10.*'", "python_full_version == '3.10.4'",
        "python_full_version > '3.10.4'", "python_full_version ~= '3.10.1'", "platform_release >= '6'",
    ]
)  # fmt: skip
_MARKERS = st.recursive(
    _ATOMS,
    lambda inner: st.builds(
        lambda one, word, other: f"({one}) {word} ({other})", inner, st.sampled_from(("and", "or")), inner
    ),
    max_leaves=5,
)


def _held(marker: str) -> list[bool]:
    return [not marker or Marker(marker).evaluate(dict(each)) for each in _ENVIRONMENTS]


def _written(own: object, assumed: object = ALWAYS) -> list[bool]:
    found = simplified(own, assumed)  # type: ignore[arg-type]
    return _held(as_marker(found)) if found else [False] * len(_ENVIRONMENTS)


@given(_MARKERS)
@settings(max_examples=150, deadline=None)
def test_a_condition_is_written_as_a_marker_that_means_the_same(marker: str) -> None:
    assert _written(condition(marker)) == _held(marker)


@given(_MARKERS, _MARKERS)
@settings(max_examples=100, deadline=None)
def test_conditions_are_joined_and_inverted(one: str, other: str) -> None:
    first, second = condition(one), condition(other)
    pairs = list(zip(_held(one), _held(other), strict=True))
    assert _written(both(first, second)) == [a and b for a, b in pairs]
    assert _written(either(first, second)) == [a or b for a, b in pairs]
    assert _written(opposite(first)) == [not a for a, _ in pairs]
    if any(a and b for a, b in pairs):
        assert holds_somewhere(both(first, second))


@given(_MARKERS, _MARKERS)
@settings(max_examples=100, deadline=None)
def test_a_simplified_condition_is_the_same_where_the_assumption_holds(marker: str, assumed: str) -> None:
    found = _written(condition(marker), condition(assumed))
    assert [a for a, b in zip(found, _held(assumed), strict=True) if b] == [
        a for a, b in zip(_held(marker), _held(assumed), strict=True) if b
    ]


@pytest.mark.parametrize(
    ("marker", "assumed", "wanted"),
    [
        ("python_version >= '3.8'", "python_version >= '3.10'", ""),
        ("python_version >= '3.8' and sys_platform == 'linux'", "python_version >= '3.10'", "sys_platform == 'linux'"),
        ("python_version == '3.10'", "python_full_version >= '3.10.1'", "python_version < '3.11'"),
        ("(os_name == 'a' and sys_platform == 'b') or (os_name == 'a' and sys_platform != 'b')", "", "os_name == 'a'"),
        ("platform_system == 'Windows'", "", "sys_platform == 'win32'"),
        ("os_name == 'b' or os_name == 'a'", "", "os_name == 'a' or os_name == 'b'"),
        ("python_full_version < '3.10.4'", "", "python_full_version < '3.10.4'"),
        ("'arm' not in platform_machine", "", "'arm' not in platform_machine"),
    ],
)  # fmt: skip
def test_markers_are_short(marker: str, assumed: str, wanted: str) -> None:
    assert as_marker(simplified(condition(marker), condition(assumed))) == wanted


@pytest.mark.parametrize(
    "marker",
    [
        "sys_platform == 'linux' and sys_platform == 'darwin'", "os_name == 'nt' and sys_platform == 'linux'",
        "sys_platform == 'win32' and platform_system == 'Linux'",
        "python_version < '3.10' and python_version >= '3.10'",
        "python_full_version == '3.9b1' and python_version >= '3.10'",
        "python_version > '3.10' and python_version < '3.11'",
    ],
)  # fmt: skip
def test_what_can_never_hold_is_known(marker: str) -> None:
    assert not holds_somewhere(both(condition(marker)))


def test_clauses_on_extras_hold_for_the_extras_that_are_asked_for() -> None:
    own = condition("extra == 'Test_All' and sys_platform == 'linux'")
    assert for_extras(own, frozenset()) == NEVER
    assert for_extras(own, frozenset({"test-all"})) == condition("sys_platform == 'linux'")
    assert for_extras(condition("extra == 'a' or extra == 'b'"), frozenset({"b"})) == ALWAYS
    assert for_extras(condition("extra != 'a' and extra != 'b'"), frozenset({"b"})) == NEVER
