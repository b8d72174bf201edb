import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from puffin.artifact.urls import file_url
from puffin.errors import PuffinError
from puffin.stages.resolve.requirements.errors import (
    ConflictingRequirements,
    ConflictingUrls,
    DisjointHashes,
    UnpinnedRequirement,
    UnusableRequirements,
    UnverifiableRequirements,
)
from puffin.stages.resolve.requirements.markers import Conditions, MarkerNotEvaluable
from puffin.stages.resolve.requirements.pins import select_pins
from puffin.stages.resolve.requirements.plain import simple_pins
from tests.helpers.requirements import LINUX, parse

SHA = "sha256:" + "a" * 64
SHB = "sha256:" + "b" * 64
SH5 = "sha512:" + "c" * 128
MD5 = "md5:" + "d" * 32


def select(text, constraints=None, *, hashes=False, present=(), markers=LINUX):
    requirements = parse(text, constraints=constraints, present=present)
    return select_pins(requirements, markers=markers, require_hashes=hashes)


def versions(text, constraints=None):
    return [(pin.name, pin.version) for pin in select(text, constraints).pins]


def fails(kind, text, constraints=None, **more):
    with pytest.raises(kind) as caught:
        select(text, constraints, **more)
    error = caught.value
    assert type(error) is kind
    assert error.exit_code == 1
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    return error


def test_pins_are_sorted_by_name_and_know_their_line():
    pins = select(f"B_b[x]==1.0 --hash={SHA}\na===2.0-x").pins
    assert [(pin.name, pin.version, pin.exact, pin.origin) for pin in pins] == [
        ("a", "2.0-x", True, "reqs.txt:2"),
        ("b-b", "1.0", False, "reqs.txt:1"),
    ]
    assert (pins[1].extras, pins[1].hashes, pins[1].text, pins[1].url) == (("x",), (SHA,), "B_b[x]==1.0", "")


def test_versions_are_in_normal_form():
    assert versions("a==v1.0-Alpha.1\nb==1.0.0") == [("a", "1.0a1"), ("b", "1.0.0")]


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("a==1\na==1", "1"),
        ("a==1.0\na==1.0.0", "1.0"),
        ("a>=1,!=1.5\na==2", "2"),
        ("a==2,>=1", "2"),
        ("a==2.*\na==2.1", "2.1"),
        ("a==1.0\na==1.0+cpu", "1.0+cpu"),
        ("a==1.0+cpu\na<=1.0", "1.0+cpu"),
        ("a==1.0\na===1.0", "1.0"),
        ("a==1.0.0\na===1.0", "1.0"),
        ("a===x1\nA===X1", "x1"),
        ("a==1.0rc1\na>=0.5", "1.0rc1"),
        ("a==1,==1.0", "1"),
    ],
)
def test_equal_and_compatible_requirements_are_one_pin(text, version):
    assert versions(text) == [("a", version)]


def test_conflicting_requirements_name_each_other_and_their_lines():
    error = fails(ConflictingRequirements, "a<4\nb==1\na==4")
    assert error.summary() == "No version of `a` can be installed: you require a<4 and a==4"
    assert error.details() == ("  a<4 (reqs.txt:1)", "  a==4 (reqs.txt:3)")


@pytest.mark.parametrize(
    "text",
    ["a==1\na==2", "a==1,<1", "a===1.0\na===1.0.0", "a==1.0+cpu\na==1.0+gpu", "a===x\na==1", "a===x\na>=1"],
)
def test_conflicts(text):
    assert fails(ConflictingRequirements, text).package == "a"


def test_markers_decide_which_requirement_counts():
    selection = select("a==1 ; sys_platform == 'win32'\na==2 ; sys_platform == 'linux'\nb==1 ; extra == 'x'")
    assert [(pin.name, pin.version) for pin in selection.pins] == [("a", "2")]


def test_an_unpinned_requirement_of_another_platform_is_fine():
    assert versions("a>=1 ; os_name == 'nt'\nb==1") == [("b", "1")]


def test_markers_are_those_of_the_target():
    target = {**LINUX, "python_version": "3.8", "python_full_version": "3.8.1"}
    assert select("a==1 ; python_version < '3.9'", markers=target).pins


def test_an_incomplete_environment_is_a_bug():
    with pytest.raises(ValueError, match="sys_platform"):
        Conditions({name: value for name, value in LINUX.items() if name != "sys_platform"})


def test_a_marker_that_cannot_be_evaluated_is_named():
    error = fails(MarkerNotEvaluable, "a==1 ; 'x' in extras")
    assert "reqs.txt:1" in str(error)


def test_constraints_narrow_and_add_nothing():
    assert versions("a==1", "a<2\nb==3") == [("a", "1")]
    assert versions("a==1", "a==2 ; os_name == 'nt'") == [("a", "1")]
    error = fails(ConflictingRequirements, "a==4", "a<4")
    assert error.details() == ("  a==4 (reqs.txt:1)", "  a<4 (cons.txt:1, a constraint)")


def test_a_constraint_pins_what_a_requirement_leaves_open():
    (pin,) = select("a>=1", f"a==2 --hash={SHA}").pins
    assert (pin.version, pin.text, pin.origin, pin.hashes) == ("2", "a>=1", "reqs.txt:1", (SHA,))


def test_all_unpinned_requirements_are_listed():
    error = fails(UnpinnedRequirement, "a\nb==1\nc==1.*\nd~=2.0\n")
    assert error.summary() == "`a` at reqs.txt:1 is not pinned to a version by `==`, nor are 2 more"
    assert error.details() == ("  a (reqs.txt:1)", "  c==1.* (reqs.txt:3)", "  d~=2.0 (reqs.txt:4)")
    assert "puffin pip compile" in error.hints[0]
    assert (
        fails(UnpinnedRequirement, "a>=1").summary()
        == "`a>=1` at reqs.txt:1 is not pinned to a version by `==`"
    )


def test_several_problems_come_together():
    error = fails(UnusableRequirements, "a\nb==1\nb==2\nc==1\nc==2")
    assert [type(cause) for cause in error.causes] == [
        ConflictingRequirements,
        ConflictingRequirements,
        UnpinnedRequirement,
    ]
    assert str(error) == "The requirements have 3 problems"


def test_places_are_pins_without_a_version():
    pins = select("a @ https://h.example/a-1.zip\n./d\n-e ./e -C k=v\ngit+https://h.example/r#egg=g").pins
    assert [(pin.name, pin.version, pin.editable) for pin in pins] == [
        ("", "", False),
        ("", "", True),
        ("a", "", False),
        ("g", "", False),
    ]
    assert pins[0].url == file_url("d")
    assert (pins[1].text, pins[1].config_settings) == ("-e ./e", (("k", "v"),))


def test_the_same_place_twice_is_one_pin():
    (pin,) = select("a @ file:///w/d/\n/w/d\na").pins
    assert (pin.name, pin.text) == ("a", "a @ file:///w/d/")


def test_editable_wins_over_plain_with_a_warning():
    selection = select("a @ ./d\n-e ./d")
    (pin,) = selection.pins
    assert (pin.name, pin.editable, pin.origin) == ("a", True, "reqs.txt:2")
    assert "installed as editable" in selection.warnings[0]


def test_different_places_are_listed_without_secrets():
    error = fails(ConflictingUrls, "a @ https://u:secret@h.example/a-1.zip\n-e git+https://h.example/r#egg=a")
    assert error.details() == (
        "  https://****@h.example/a-1.zip (reqs.txt:1)",
        "  git+https://h.example/r [editable] (reqs.txt:2)",
    )


def test_the_version_of_a_wheel_url_has_to_fit():
    text = "a @ https://h.example/a-1.5%2Bcpu-py3-none-any.whl"
    (pin,) = select(f"{text}\na>=1", "a==1.5").pins
    assert (pin.version, pin.url) == ("", "https://h.example/a-1.5%2Bcpu-py3-none-any.whl")
    error = fails(ConflictingRequirements, text, "a<1")
    assert "you require a<1 and a @ https://h.example" in error.summary()


def test_a_constraint_can_give_the_place():
    (pin,) = select("a==1", "a @ https://h.example/a-1-py3-none-any.whl").pins
    assert pin.url == "https://h.example/a-1-py3-none-any.whl"
    fails(ConflictingUrls, "a @ https://h.example/a-1.zip", "a @ https://h.example/b/a-1.zip")


def test_hashes_of_repeated_requirements_add_up_and_constraints_narrow_them():
    assert select(f"a==1 --hash={SHA}\na==1 --hash={SHB} --hash={SHA}").pins[0].hashes == (SHA, SHB)
    assert select(f"a==1 --hash={SHA} --hash={SHB}", f"a --hash={SHB}").pins[0].hashes == (SHB,)
    error = fails(DisjointHashes, f"a==1 --hash={SHA}", f"a==1 --hash={SHB}")
    assert error.details() == ("  a==1 (reqs.txt:1)", "  a==1 (cons.txt:1, a constraint)")


def test_required_hashes_name_all_that_lack_one():
    text = (
        f"a==1\nb==1 --hash={SHA} --hash={MD5}\nc==1 --hash={MD5}\n-e ./d#egg=d\n"
        f"e @ git+https://h.example/r\nf @ ./f\ng @ ./g.zip --hash={SH5}\nh==1\ni==1"
    )
    error = fails(UnverifiableRequirements, text, f"i --hash={SHA}", hashes=True)
    assert [(place, reason.split()[0:3]) for _, place, reason in error.requirements] == [
        ("reqs.txt:1", ["it", "has", "no"]),
        ("reqs.txt:3", ["md5", "is", "too"]),
        ("reqs.txt:4", ["an", "editable", "has"]),
        ("reqs.txt:5", ["a", "repository", "has"]),
        ("reqs.txt:6", ["a", "directory", "has"]),
        ("reqs.txt:8", ["it", "has", "no"]),
    ]
    assert error.summary() == "Hashes are required, but `a==1` and 5 more cannot be verified"
    assert len(error.details()) == 6


def test_weak_hashes_do_not_count_beside_strong_ones_where_hashes_are_required():
    assert select(f"a==1 --hash={MD5} --hash={SHA}", hashes=True).pins[0].hashes == (SHA,)
    assert select(f"a==1 --hash={MD5}").pins[0].hashes == (MD5,)


def test_the_file_itself_can_require_hashes():
    assert fails(UnverifiableRequirements, "--require-hashes\na==1").requirements[0][:2] == (
        "a==1",
        "reqs.txt:2",
    )


SPECIFIERS = st.sampled_from(
    [
        "==1",
        "==1.0",
        "==1.0+l",
        "===1",
        "===x",
        ">=1",
        "<2",
        "!=1.5",
        "==1.*",
        "~=1.0",
        "==2rc1",
        ">1",
        "<1",
        "",
    ]
)
LINES = st.lists(st.tuples(st.sampled_from("abc"), SPECIFIERS), max_size=5)


@given(LINES, LINES)
def test_a_pin_fits_all_that_is_required_of_it(lines, constraints):
    text, limits = ("\n".join(map("".join, group)) for group in (lines, constraints))
    try:
        pins = select(text, limits).pins
    except PuffinError:
        return
    assert [pin.name for pin in pins] == sorted({name for name, _ in lines})
    for pin in pins:
        specifiers = [specifier for name, specifier in lines + constraints if name == pin.name]
        if pin.version == "x":
            assert set(specifiers) <= {"===x", ""}
        else:
            assert SpecifierSet(",".join(filter(None, specifiers))).contains(pin.version, prereleases=True)


@given(st.permutations(["a==1.0", "a==1.0+l", "a<2", "b===1.0", "b==1", "c==2 ; os_name == 'posix'"]))
def test_the_order_of_lines_does_not_matter(lines):
    assert versions("\n".join(lines)) == [("a", "1.0+l"), ("b", "1.0"), ("c", "2")]


def test_the_fast_reader_gives_the_same_pins():
    text = "# c\nb==1.0rc1\nA.a==2.0.post1  # d\n"
    assert sorted(simple_pins(text.encode())) == versions(text)
