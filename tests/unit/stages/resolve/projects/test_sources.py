"""Sources of a compilation: projects, groups, scripts, several at once."""

import pytest

from puffin.errors import PuffinError, UsageError
from puffin.stages.resolve.metadata.toml import InvalidProject
from puffin.stages.resolve.projects.project import ExtraNotFound, SourceFile, built_project
from puffin.stages.resolve.projects.pyproject import GroupCycle, GroupNotFound, NeedsBuild
from puffin.stages.resolve.projects.sources import Sources, check_python, read_sources
from puffin.stages.resolve.requirements.errors import InvalidRequirementLine, RequirementsFileNotFound
from puffin.stages.resolve.requirements.values import SourceRequest
from tests.helpers.requirements import fake_read

PYPROJECT = """\
[project]
name = "My.Proj"
version = "1"
requires-python = ">=3.11"
dependencies = [
    "attrs",
    "six ; python_version > '3'",
]

[project.optional-dependencies]
CLI = ["click>=8", "my_proj[base]"]
base = ["colorama"]
loop = ["my-proj[loop]", "rich"]

[dependency-groups]
dev = ["iniconfig", {include-group = "Test"}]
test = ["pluggy", {include-group = "low"}]
low = ["pluggy", "idna"]
"""


def sources(files: dict[str, str | bytes], *paths: str, **request: object) -> Sources:
    read = fake_read(files)
    import os

    there = {os.path.abspath(name) for name in files}
    return read_sources(
        SourceRequest(files=paths or tuple(files), **request),  # type: ignore[arg-type]
        read=read,
        environ={},
        exists=lambda path: os.path.abspath(path) in there,
    )


def names(found: Sources) -> list[str]:
    return [entry.name for entry in found.requirements.entries]


def labels(found: Sources) -> dict[str, tuple[str, ...]]:
    known = dict(found.labels)
    return {entry.name: known.get((entry.origin, entry.name), ()) for entry in found.requirements.entries}


def test_a_project_gives_its_dependencies_with_lines_and_its_name_as_label() -> None:
    found = sources({"pyproject.toml": PYPROJECT})
    assert [(e.name, e.marker, e.origin) for e in found.requirements.entries] == [
        ("attrs", "", "pyproject.toml:6"),
        ("six", 'python_version > "3"', "pyproject.toml:7"),
    ]
    assert labels(found) == {"attrs": ("my-proj (pyproject.toml)",), "six": ("my-proj (pyproject.toml)",)}
    assert found.pythons == (("pyproject.toml", ">=3.11"),)


def test_extras_are_normalised_and_may_name_the_project_itself() -> None:
    assert names(sources({"pyproject.toml": PYPROJECT}, extras=("cli",))) == [
        "attrs",
        "six",
        "click",
        "colorama",
    ]
    assert names(sources({"pyproject.toml": PYPROJECT}, extras=("C.L.I".replace(".", ""), "loop"))) == [
        "attrs", "six", "click", "colorama", "rich",
    ]  # fmt: skip


def test_all_extras_takes_each_once() -> None:
    found = names(sources({"pyproject.toml": PYPROJECT}, all_extras=True))
    assert found == ["attrs", "six", "click", "colorama", "rich"]


def test_the_marker_of_a_self_reference_holds_for_what_it_stands_for() -> None:
    text = """\
[project]
name = "p"
dependencies = ["p[x] ; os_name == 'nt'"]
[project.optional-dependencies]
x = ["a", "b ; python_version < '3.9' or python_version > '3.11'"]
"""
    found = sources({"pyproject.toml": text})
    assert [(e.name, e.marker) for e in found.requirements.entries] == [
        ("a", 'os_name == "nt"'),
        ("b", '(os_name == "nt") and (python_version < "3.9" or python_version > "3.11")'),
    ]


def test_an_unknown_extra_is_an_error_that_lists_the_others() -> None:
    with pytest.raises(ExtraNotFound) as caught:
        sources({"pyproject.toml": PYPROJECT}, extras=("nope",))
    assert str(caught.value) == (
        "Failed to find the extra `nope` in `pyproject.toml`\n  there are `base`, `cli`, `loop`"
    )
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("request_", [{"extras": ("x",)}, {"all_extras": True}])
def test_extras_without_a_project_are_refused_with_a_hint(request_: dict[str, object]) -> None:
    with pytest.raises(UsageError) as caught:
        sources({"requirements.in": "six"}, **request_)
    assert "name[extra]" in caught.value.hints[0]


def test_groups_follow_includes_and_say_so_in_their_label() -> None:
    found = sources(
        {"pyproject.toml": PYPROJECT, "requirements.in": "rich"}, "requirements.in", groups=("DEV",)
    )
    assert names(found) == ["iniconfig", "pluggy", "idna", "rich"]
    assert labels(found)["idna"] == ("my-proj (pyproject.toml:dev)",)
    assert labels(found)["rich"] == ("-r requirements.in",)


def test_a_line_that_stands_for_several_requirements_labels_each_by_its_own() -> None:
    text = '[project]\nname = "p"\ndependencies = ["six", "idna"]\n[dependency-groups]\ndev = ["six"]'
    found = sources({"pyproject.toml": text}, groups=("dev",))
    assert labels(found) == {
        "six": ("p (pyproject.toml)", "p (pyproject.toml:dev)"),
        "idna": ("p (pyproject.toml)",),
    }


def test_labels_are_relative_to_the_working_directory() -> None:
    import os

    assert labels(sources({os.path.abspath("a.in"): "six"})) == {"six": ("-r a.in",)}


def test_a_group_alone_and_with_a_path() -> None:
    request = SourceRequest(files=(), groups=("sub/pyproject.toml:low",))
    read = fake_read({"sub/pyproject.toml": PYPROJECT})
    found = read_sources(request, read=read, environ={})
    assert names(found) == ["pluggy", "idna"]


def test_a_pyproject_with_groups_only_serves_for_them() -> None:
    found = sources({"pyproject.toml": '[dependency-groups]\na = ["six"]'}, groups=("a",))
    assert names(found) == ["six"]
    assert labels(found) == {"six": ("(pyproject.toml:a)",)}


def test_missing_groups_are_named_with_who_includes_them() -> None:
    text = '[dependency-groups]\na = [{include-group = "b"}]'
    with pytest.raises(GroupNotFound) as caught:
        sources({"pyproject.toml": text}, groups=("a",))
    assert str(caught.value) == (
        "Failed to find the dependency group `b` (included by `a`) in `pyproject.toml`\n  there is `a`"
    )


def test_cycles_of_groups_are_named() -> None:
    text = "".join(f'{one} = [{{include-group = "{other}"}}]\n' for one, other in ("ab", "bc", "cb"))
    with pytest.raises(GroupCycle, match="b → c → b is a cycle"):
        sources({"pyproject.toml": f"[dependency-groups]\n{text}"}, groups=("a",))


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ('"six"', "the dependency group `a` is not a list"),
        ("[1]", "neither a requirement nor an include"),
        ('[{include-group = "b", x = 1}]', "neither a requirement nor an include"),
        ("[]\nA = []", "`a` and `A` are the same name"),
    ],
)
def test_malformed_groups(members: str, problem: str) -> None:
    with pytest.raises(InvalidProject, match=problem):
        sources({"pyproject.toml": f"[dependency-groups]\na = {members}"}, groups=("a",))


def test_dynamic_dependencies_need_a_build_and_are_named() -> None:
    text = '[project]\nname = "p"\ndynamic = ["version", "dependencies"]\n[build-system]\nbuild-backend = "b.c"'
    with pytest.raises(NeedsBuild) as caught:
        sources({"pyproject.toml": text})
    assert caught.value.summary() == (
        "Failed to read the dependencies of `pyproject.toml`: "
        "`project.dependencies` is left to a build with `b.c`"
    )


def test_dynamic_extras_matter_only_when_asked_for() -> None:
    text = '[project]\nname = "p"\ndependencies = ["six"]\ndynamic = ["optional-dependencies"]'
    assert names(sources({"pyproject.toml": text})) == ["six"]
    with pytest.raises(NeedsBuild, match="`project.optional-dependencies` is left to"):
        sources({"pyproject.toml": text}, extras=("x",))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("\n[project]]", "at line 2"),
        (b"\xff", "byte 0 is not UTF-8"),
        ("project = 1", "`project` is not a table"),
        ("[project]", "`project.name` is missing"),
        ('[project]\nname = "p"\ndependencies = "six"', "`project.dependencies` is not a list of strings"),
        ('[project]\nname = "p"\nrequires-python = "three"', "not a version specifier"),
    ],
)
def test_malformed_projects(text: str | bytes, problem: str) -> None:
    with pytest.raises(InvalidProject, match=problem):
        sources({"pyproject.toml": text})


def test_a_poetry_project_is_told_what_to_do() -> None:
    with pytest.raises(NeedsBuild) as caught:
        sources({"pyproject.toml": '[tool.poetry]\nname = "p"'})
    assert "[tool.poetry]" in caught.value.hints[0]
    text = '[project]\nname = "p"\n[tool.poetry.dependencies]\nsix = "*"'  # which PEP 621 calls none
    with pytest.raises(NeedsBuild, match="`project.dependencies` is left to"):
        sources({"pyproject.toml": text})


def test_what_a_build_told_is_the_projects() -> None:
    data = b"""Metadata-Version: 2.1
Name: P.Q
Version: 1
Requires-Python: >=3.9
Provides-Extra: a
Provides-Extra: B_c
Requires-Dist: six
Requires-Dist: idna; python_version > "3" and extra == "a"
Requires-Dist: rich; extra == "a" or extra == "b-c"
"""
    file = SourceFile(path="/x/setup.py", shown="setup.py", text="")
    project = built_project(file, data)
    assert (project.label, project.requires_python) == ("p-q (setup.py)", ">=3.9")
    assert [each.name for each in project.dependencies] == ["six"]
    extras = {name: [(each.name, each.marker) for each in found] for name, found in project.extras}
    assert extras == {"a": [("idna", 'python_version > "3"'), ("rich", "")], "b-c": [("rich", "")]}
    with pytest.raises(InvalidProject, match="`setup.py`: after a build, its metadata has no Version"):
        built_project(file, b"Name: p\n")


def test_a_wrong_requirement_is_shown_where_it_stands() -> None:
    text = '[project]\nname = "p"\ndependencies = [\n  "attrs",\n  "six=1",\n]'
    with pytest.raises(InvalidRequirementLine) as caught:
        sources({"pyproject.toml": text})
    assert (caught.value.line, caught.value.column) == (5, 7)
    assert '"six=1",' in caught.value.excerpt


def test_bare_urls_are_no_dependencies_of_projects() -> None:
    text = '[project]\nname = "p"\ndependencies = ["https://example.org/six-1.0-py3-none-any.whl"]'
    with pytest.raises(InvalidRequirementLine, match="begins with its name"):
        sources({"pyproject.toml": text})


def test_scripts_have_no_label_and_may_state_a_python() -> None:
    script = '#!/usr/bin/env python\r\n# /// script\r\n# requires-python = ">=3.13"\r\n# dependencies = [\r\n'
    script += '#   "six",\r\n# ]\r\n# ///\r\nprint(1)\r\n'
    found = sources({"run.py": script})
    assert [(e.name, e.line) for e in found.requirements.entries] == [("six", 5)]
    assert labels(found) == {"six": ()}
    assert check_python(found, "3.12.4") == (
        "`run.py` requires Python >=3.13, but the resolution is for Python 3.12.4",
    )
    assert check_python(found, "3.13.0rc1") != ()
    assert check_python(found, "3.13.1") == ()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("print(1)\n", "no `# /// script` block"),
        ("# /// script\n# a = 1\n#b = 2\n# ///\n", "block is not closed"),
        ("# /// script\n# a = 1\n# ///\n\n# /// script\n# a = 1\n# ///\n", "2 `# /// script` blocks"),
        ("# /// script\n# dependencies = 1\n# ///\n", "`dependencies` is not a list of strings"),
        ("\n# /// script\n# a = = 1\n# ///\n", "at line 3"),
    ],
)
def test_malformed_scripts(text: str, problem: str) -> None:
    with pytest.raises(InvalidProject, match=problem):
        sources({"run.py": text})


def test_standard_input_has_no_label() -> None:
    assert labels(sources({"-": "six"})) == {"six": ()}


def test_constraints_overrides_and_nested_files_have_their_own_labels() -> None:
    files = {
        "a.in": "six\n-r sub/b.in\n-c c.txt",
        "sub/b.in": "idna",
        "c.txt": "six<2",
        "d.txt": "idna<9",
        "o.txt": "attrs==1\n--index-url https://example.org/simple",
    }
    found = sources(files, "a.in", constraints=("d.txt",), overrides=("o.txt",))
    assert names(found) == ["six", "idna"]
    assert labels(found) == {"six": ("-r a.in",), "idna": ("-r sub/b.in",)}
    known = dict(found.labels)
    assert [known[e.origin, e.name] for e in found.requirements.constraints] == [("-c c.txt",), ("-c d.txt",)]
    assert [known[e.origin, e.name] for e in found.overrides] == [("--override o.txt",)]
    assert found.requirements.index_url is None
    assert found.requirements.warnings == (
        "Options about indexes have no effect in `o.txt`, which only overrides.",
    )


@pytest.mark.parametrize("name", ["pylock.toml", "pylock.dev.toml", "uv.toml"])
def test_other_toml_files_are_no_sources(name: str) -> None:
    with pytest.raises(UsageError, match=name):
        sources({name: ""})


def test_missing_files_are_named_as_given() -> None:
    for path in ("pyproject.toml", "requirements.in", "x.py"):
        with pytest.raises(RequirementsFileNotFound, match=f"File not found: `{path}`"):
            sources({}, path)


def test_errors_survive_pickling() -> None:
    import pickle

    error: PuffinError = GroupCycle(cycle=("a", "a"), file="pyproject.toml")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
