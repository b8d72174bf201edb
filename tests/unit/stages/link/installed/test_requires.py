"""What installed distributions require, and whether all that fits together."""

import os
import types

import pytest

from puffin.stages.link.installed.demands import (
    UnmetRequirement,
    broken,
    demands,
    doubles,
    fits,
    named,
    sentence,
)
from puffin.stages.link.installed.requires import Requires, egg_requires, read_requires

MARKERS = {
    "implementation_name": "cpython",
    "implementation_version": "3.12.1",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_release": "6",
    "platform_system": "Linux",
    "platform_version": "1",
    "python_full_version": "3.12.1",
    "python_version": "3.12",
    "sys_platform": "linux",
}


def dist(name, version="1", *requires, **fields):
    return Requires(name=name, raw_name=name, version=version, requires_dist=requires, **fields)


def told(*installed, names=None, **markers):
    return [sentence(each) for each in broken(installed, {**MARKERS, **markers}, names)]


@pytest.fixture
def environment(tmp_path):
    return types.SimpleNamespace(system_site_packages=False, purelib=str(tmp_path), platlib=str(tmp_path))


def metadata(environment, entry, text, name="METADATA"):
    path = os.path.join(environment.purelib, entry)
    os.makedirs(path, exist_ok=True)
    with open(os.path.join(path, name), "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    return path


def test_read(environment):
    path = metadata(
        environment,
        "Some_Thing-1.0.dist-info",
        "Metadata-Version: 2.1\nName: Some.Thing\nVersion: 1.0\nrequires-dist: a>=1\nRequires-Dist: b (>=2,\n"
        '\t <3) ; extra == "X"\nRequires-Python: >=3.8\nProvides-Extra: X_y\nProvides-Extra: x-Y\n'
        "Summary: é\n Requires-Dist: no\n\nRequires-Dist: body\n",
    )
    assert read_requires(environment) == (
        Requires(
            name="some-thing",
            raw_name="Some.Thing",
            version="1.0",
            requires_dist=("a>=1", 'b (>=2, <3) ; extra == "X"'),
            provides_extras=("x-y",),
            requires_python=">=3.8",
            path=path,
        ),
    )


def test_read_a_header_that_is_longer_than_a_chunk(environment):
    many = "".join(f"Requires-Dist: package-{number}>=1\r\n" for number in range(4000))
    metadata(environment, "a-1.dist-info", f"Name: a\r\nVersion: 1\r\n{many}\r\nRequires-Dist: body\r\n")
    (read,) = read_requires(environment)
    assert (len(read.requires_dist), read.requires_dist[-1]) == (4000, "package-3999>=1")


def test_read_what_has_no_metadata_or_is_there_twice(environment):
    for version in ("2", "1"):
        info = os.path.join(environment.purelib, f"a-{version}.dist-info")
        os.mkdir(info)
        assert read_requires(environment) == ()
    for version in ("2", "1"):
        metadata(environment, f"a-{version}.dist-info", "Metadata-Version: 2.1\n")
    assert [(each.name, each.version, each.requires_dist) for each in read_requires(environment)] == [
        ("a", "1", ()),
        ("a", "2", ()),
    ]


def test_read_both_directories_once(tmp_path):
    pure, plat = tmp_path / "pure", tmp_path / "plat"
    for site, name in ((pure, "a"), (plat, "b")):
        (site / f"{name}-1.dist-info").mkdir(parents=True)
        (site / f"{name}-1.dist-info/METADATA").write_text("Metadata-Version: 2.1\n")
    os.symlink(pure, tmp_path / "link")
    for one, other, count in ((pure, plat, 2), (pure, tmp_path / "link", 1)):
        environment = types.SimpleNamespace(system_site_packages=False, purelib=str(one), platlib=str(other))
        assert len(read_requires(environment)) == count


def test_read_eggs(environment, tmp_path):
    metadata(environment, "old-1.0-py3.8.egg-info", "Name: old\nVersion: 1.0\n", "PKG-INFO")
    metadata(environment, "old-1.0-py3.8.egg-info", "a\n\n[x]\nb\n", "requires.txt")
    metadata(environment, "new-1.0.egg-info", "Name: new\nVersion: 1.0\nRequires-Dist: c\n", "PKG-INFO")
    metadata(environment, "new-1.0.egg-info", "stale\n", "requires.txt")
    project = tmp_path / "project"
    (project / "linked.egg-info").mkdir(parents=True)
    (project / "linked.egg-info" / "PKG-INFO").write_text("Name: linked\nVersion: 3\n")
    (project / "linked.egg-info" / "requires.txt").write_text("d\n")
    (tmp_path / "linked.egg-link").write_text(f"{project}\n.")
    found = {each.name: (each.version, each.requires_dist) for each in read_requires(environment)}
    assert found == {"linked": ("3", ("d",)), "new": ("1.0", ("c",)), "old": ("1.0", ("a", 'b ; extra == "x"'))}


def test_requires_txt():
    text = "a>=1\n# no\n\n[:python_version < '3']\nb\n\n[x]\nc\n[x:os_name == 'nt' or os_name == 'posix']\nd\n"
    assert egg_requires(text) == (
        "a>=1",
        "b ; (python_version < '3')",
        'c ; extra == "x"',
        "d ; (os_name == 'nt' or os_name == 'posix') and extra == \"x\"",
    )


@pytest.mark.parametrize(
    ("text", "name"),
    [("A.b>1", "a-b"), (" a[x]", "a"), ("a@ http://h", "a"), ("a;os_name", "a"), ("a (>1)", "a"), ("", "")],
)
def test_name_of_a_requirement(text, name):
    assert named(text) == name


def test_what_fits_together():
    assert told(dist("a", "1", "B_b>=1", "c; os_name == 'nt'"), dist("b-b", "1.5")) == []
    assert told() == []


def test_what_does_not():
    assert told(
        dist("flask", "3", "jinja2>=3.1.2", "click", "werk[x]~=2.0 ; python_version > '3'"),
        dist("jinja2", "2.11.3"),
        dist("werk", "3"),
        dist("future", "1", requires_python=">=3.13"),
    ) == [
        "`flask` requires `jinja2>=3.1.2`, but 2.11.3 is installed",
        "`flask` requires `werk[x]~=2.0`, but 3 is installed",
        "`flask` requires `click`, which is not installed",
        "`future` requires Python `>=3.13`, but the environment has Python 3.12.1",
    ]


def test_facts():
    (each,) = broken([dist("a", "1", "b<2"), dist("b", "2")], MARKERS)
    assert each == UnmetRequirement(name="a", version="1", requirement="b<2", found="2", kind="conflict")


def test_names_limit_it_to_both_sides():
    installed = (dist("a", "1", "b<2", "c"), dist("b", "2", "d"), dist("e", "1", "f", requires_python="<3"))
    assert told(*installed, names=["b"]) == [
        "`a` requires `b<2`, but 2 is installed",
        "`b` requires `d`, which is not installed",
    ]
    assert len(told(*installed, names=["e"])) == 2
    assert told(*installed, names=["f"]) == ["`e` requires `f`, which is not installed"]
    assert told(*installed, names=[]) == []
    assert len(told(*installed)) == 5


def test_an_extra_counts_where_somebody_asks_for_it():
    lib = dist("lib", "1", "fast ; extra == 'Sp_eed'", provides_extras=("sp-eed",))
    assert told(lib) == []
    assert told(lib, dist("app", "1", "lib[SP.eed]")) == ["`lib` requires `fast`, which is not installed"]
    assert told(lib, dist("app", "1", "lib[sp-eed]; os_name == 'nt'")) == []


def test_an_extra_that_asks_for_extras():
    lib = dist("lib", "1", "lib[b]; extra == 'a'", "other[c]; extra == 'b'")
    other = dist("other", "1", "deep; extra == 'c'")
    assert told(lib, other) == []
    assert told(dist("app", "1", "lib[a]"), lib, other) == ["`other` requires `deep`, which is not installed"]
    limited = told(dist("app", "1", "lib[a]"), lib, other, names=["deep"])
    assert limited == ["`other` requires `deep`, which is not installed"]


def test_extras_in_a_marker_with_more():
    lib = dist("lib", "1", "x; extra == 'a' and os_name == 'nt'", "y; extra != 'a'")
    assert told(dist("app", "1", "lib[a]"), lib) == ["`lib` requires `y`, which is not installed"]


def test_prereleases_urls_and_odd_versions():
    assert told(dist("a", "1", "b>=2"), dist("b", "3.0rc1")) == []
    assert told(dist("a", "1", "b @ https://u:p@h.invalid/b.whl"), dist("b")) == []
    assert told(dist("a", "1", "b @ https://u:p@h.invalid/b.whl")) == [
        "`a` requires `b @ https://****@h.invalid/b.whl`, which is not installed"
    ]
    assert told(dist("a", "1", "b"), dist("b", "1-odd-one")) == []
    assert told(dist("a", "1", "b>=1"), dist("b", "1-odd-one")) == [
        "`a` requires `b>=1`, but 1-odd-one is installed"
    ]
    assert fits("===1-odd-one", "1-odd-one")


def test_any_of_several_versions_will_do():
    installed = (dist("a", "1", "b<2"), dist("b", "1"), dist("b", "2"))
    assert told(*installed) == []
    assert doubles(installed) == {"b": ("1", "2")}


def test_requirements_of_old_uploads_and_nonsense():
    assert told(dist("a", "1", "b>=1.*"), dist("b", "1.5")) == []
    assert told(dist("a", "1", "what is this")) == ["`a` has a requirement that cannot be read, `what is this`"]
    assert told(dist("a", requires_python="nonsense")) == []


def test_a_marker_that_cannot_be_evaluated_does_not_hold():
    assert told(dist("a", "1", "b; os_name ~= 'x'")) == []


@pytest.mark.parametrize("version", ["3.13.0rc1", "3.13.0+", "3.13.1"])
def test_a_coming_python_counts_as_itself(version):
    assert told(dist("a", requires_python=">=3.13"), python_full_version=version) == []


def test_each_demand_once():
    found = demands([dist("a", "1", "b>=1", "b>=1; os_name == 'posix'")], MARKERS)
    assert [each.text for each in found] == ["b>=1"]
