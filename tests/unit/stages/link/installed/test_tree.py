"""The dependency tree."""

import pytest

from puffin.stages.link.installed.requires import Requires
from puffin.stages.link.installed.tree import tree_lines

MARKERS = {"os_name": "posix", "python_full_version": "3.12.1", "python_version": "3.12"}


def dist(name, version, *requires):
    return Requires(name=name, raw_name=name, version=version, requires_dist=requires)


def tree(*installed, **options):
    return tree_lines(installed, MARKERS, **options)


PLAIN = (
    dist("b-pkg", "2.0", "d<5", "missing>=3"),
    dist("c", "3.0", "d"),
    dist("cy1", "1", "cy2"),
    dist("cy2", "1", "cy3"),
    dist("cy3", "1", "cy1", "e.e"),
    dist("d", "4.0", "e.e"),
    dist("e-e", "5.0"),
    dist("root-one", "1.0", "b_pkg>=1", "d", "c; os_name == 'nt'"),
    dist("top2", "1.0", "d", "e-e", "root-one"),
    dist("uses-cy", "1", "cy2"),
)
CYCLE = """
uses-cy v1
└── cy2 v1
    └── cy3 v1
        ├── cy1 v1
        │   └── cy2 v1 (*)
        └── e-e v5.0
"""
WHOLE = f"""
c v3.0
└── d v4.0
    └── e-e v5.0
top2 v1.0
├── d v4.0 (*)
├── e-e v5.0
└── root-one v1.0
    ├── b-pkg v2.0
    │   └── d v4.0 (*)
    └── d v4.0 (*){CYCLE}(*) Package tree already displayed
"""
INVERTED = """
e-e v5.0
├── cy3 v1
│   └── cy2 v1
│       ├── cy1 v1
│       │   └── cy3 v1 (*)
│       └── uses-cy v1
├── d v4.0
│   ├── b-pkg v2.0
│   │   └── root-one v1.0
│   │       └── top2 v1.0
│   ├── c v3.0
│   ├── root-one v1.0 (*)
│   └── top2 v1.0
└── top2 v1.0
(*) Package tree already displayed
"""
REPEATED = f"""
c v3.0
└── d v4.0
    └── e-e v5.0
top2 v1.0
├── d v4.0
│   └── e-e v5.0
├── e-e v5.0
└── root-one v1.0
    ├── b-pkg v2.0
    │   └── d v4.0
    │       └── e-e v5.0
    └── d v4.0
        └── e-e v5.0{CYCLE}(*) Package tree is a cycle and cannot be shown
"""
PRUNED = f"""
b-pkg v2.0
└── d v4.0
    └── e-e v5.0
c v3.0
└── d v4.0 (*)
top2 v1.0
├── d v4.0 (*)
└── e-e v5.0{CYCLE}(*) Package tree already displayed
"""


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, WHOLE),
        ({"invert": True}, INVERTED),
        ({"invert": True, "packages": ("e-e",)}, INVERTED),
        ({"dedupe": False}, REPEATED),
        ({"prune": ("root-one",)}, PRUNED),
        ({"prune": ("nobody",)}, WHOLE),
        ({"depth": 0}, "c v3.0\ntop2 v1.0\nuses-cy v1"),
        ({"invert": True, "depth": 1}, "e-e v5.0\n├── cy3 v1\n├── d v4.0\n└── top2 v1.0"),
        ({"packages": ("d",)}, "d v4.0\n└── e-e v5.0"),
        ({"packages": ("d", "b-pkg", "nope")}, "b-pkg v2.0\n└── d v4.0\n    └── e-e v5.0"),
        ({"packages": ("d",), "prune": ("d",)}, ""),
        ({"packages": ("nope",)}, ""),
        ({"packages": ("d",), "specifiers": True}, "d v4.0\n└── e-e v5.0 [required: *]"),
        (
            {"packages": ("b-pkg",), "invert": True, "specifiers": True},
            "b-pkg v2.0\n└── root-one v1.0 [requires: b-pkg >=1]\n    └── top2 v1.0 [requires: root-one *]",
        ),
    ],
)
def test_as_uv_prints_it(options, expected):
    assert tree(*PLAIN, **options) == expected.strip().splitlines()
    assert tree(*reversed(PLAIN), **options) == expected.strip().splitlines()


def test_nothing():
    assert tree() == []


def test_what_is_cut_off_counts_as_displayed():
    assert tree(*PLAIN, packages=("c", "top2"), depth=1) == [
        "c v3.0",
        "└── d v4.0",
        "top2 v1.0",
        "├── d v4.0 (*)",
        "├── e-e v5.0",
        "└── root-one v1.0",
        "(*) Package tree already displayed",
    ]


def test_a_circle_has_its_first_as_root():
    circle = (dist("x", "1", "y"), dist("y", "1", "z", "a"), dist("z", "1", "x"), dist("a", "1"))
    assert tree(*circle) == [
        "x v1",
        "└── y v1",
        "    ├── a v1",
        "    └── z v1",
        "        └── x v1 (*)",
        "(*) Package tree already displayed",
    ]
    assert tree(*circle, packages=("z",))[0] == "z v1", "who is asked for stands on top"
    assert tree(*circle, packages=("z", "y"), depth=0) == ["y v1"]


EXTRAS = (
    dist("lib", "1", "fast; extra == 'speed'", "core"),
    dist("fast", "2"),
    dist("core", "3"),
    dist("app", "1", "lib[speed,Other]>=1", "lib<5"),
)


def test_extras_that_somebody_asks_for():
    assert tree(*EXTRAS) == ["app v1", "└── lib[other,speed] v1", "    ├── core v3", "    └── fast v2"]
    assert tree(*EXTRAS, specifiers=True)[1] == "└── lib[other,speed] v1 [required: <5,>=1]"
    assert tree(*EXTRAS, packages=("fast",), invert=True, specifiers=True) == [
        "fast v2",
        "└── lib v1 [requires: fast *]",
        "    └── app v1 [requires: lib[other,speed] <5,>=1]",
    ]


def test_extras_that_nobody_asks_for():
    assert tree(*EXTRAS[:3]) == ["fast v2", "lib v1", "└── core v3"]


def test_a_package_does_not_hang_on_itself():
    lib = dist("lib", "1", "lib[all]; extra == 'most'", "fast; extra == 'all'")
    assert tree(lib, dist("fast", "1"), dist("app", "1", "lib[most]")) == [
        "app v1",
        "└── lib[most] v1",
        "    └── fast v1",
    ]


def test_versions_that_do_not_fit_are_still_wanted():
    assert tree(dist("a", "1", "b<2"), dist("b", "2")) == ["a v1", "└── b v2"]
    double = (dist("b", "1"), dist("b", "2"))
    assert tree(dist("a", "1", "b<2"), *double) == ["a v1", "└── b v1", "b v2"]
    assert tree(dist("a", "1", "b>9"), *double) == ["a v1", "├── b v1", "└── b v2"]


def test_long_chains():
    chain = [dist(f"p{number:04}", "1", f"p{number + 1:04}") for number in range(3000)]
    assert len(tree(*chain)) == 256
    assert len(tree(*chain, depth=10**6)) == 3000
