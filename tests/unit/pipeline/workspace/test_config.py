"""The configuration of a workspace: what it says, and where it is wrong."""

import os
import re
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puffin.errors import UsageError
from puffin.pipeline.workspace.config import find_workspace, parse_workspace
from puffin.pipeline.workspace.document import ConfigurationInvalid
from puffin.pipeline.workspace.select import NothingMatches, SamePath, all_specs, choose
from puffin.pipeline.workspace.specs import lock_of
from puffin.stages.resolve.projects.patterns import expand, matches
from puffin.stages.resolve.projects.places import nearest, places_of


def parse(text, path="/w/puffin.toml"):
    return parse_workspace(text.encode(), path, os.path.basename(path))


def one(text):
    (spec,) = parse(text).specs
    return spec


def test_an_environment_is_beside_what_it_is_made_from():
    spec = one('[envs.api]\nrequirements = "services/api/requirements.txt"\n')
    assert (spec.name, spec.path) == ("api", "/w/services/api/.venv")
    assert spec.requirements == ("/w/services/api/requirements.txt",)
    assert spec.origin == "puffin.toml:1"


def test_defaults_are_taken_and_replaced():
    text = """
    [env-defaults]
    python = "3.12"
    constraints = ["c.txt"]
    link-mode = "copy"
    compile-bytecode = true
    path = ".envs/{name}"
    [envs.a]
    requirements = ["a.in"]
    [envs.b]
    project = "b"
    groups = ["dev"]
    python = "3.11"
    constraints = []
    link-mode = "hardlink"
    compile-bytecode = false
    """
    a, b = parse(text).specs
    assert (a.path, a.python, a.constraints, a.link_mode) == ("/w/.envs/a", "3.12", ("/w/c.txt",), "copy")
    assert (b.path, b.python, b.constraints, b.link_mode) == ("/w/.envs/b", "3.11", (), "hardlink")
    assert (b.project, b.groups) == ("/w/b/pyproject.toml", ("dev",))
    assert (a.compile_bytecode, b.compile_bytecode) == (True, False)


def test_several_pythons_are_a_matrix():
    text = '[envs.a]\nproject = "a/pyproject.toml"\npython = ["3.11", "3.12"]\n'
    specs = parse(text).specs
    assert [(each.name, each.base, each.path) for each in specs] == [
        ("a-3.11", "a", "/w/a/.venv-3.11"),
        ("a-3.12", "a", "/w/a/.venv-3.12"),
    ]
    assert [os.path.basename(lock_of(each)) for each in specs] == ["pylock.a-3-11.toml", "pylock.a-3-12.toml"]


def test_pyproject_has_it_below_tool_puffin():
    text = '[project]\nname = "x"\n[tool.puffin.envs.a]\nrequirements = "r.txt"\n'
    workspace = parse(text, "/w/pyproject.toml")
    assert workspace.specs[0].origin == "pyproject.toml:3"
    assert parse('[tool.puffin]\nindex-url = "x"\n', "/w/pyproject.toml") is None
    assert parse("[tool.other]\nx = 1\n", "/w/pyproject.toml") is None


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("[envs.a]\nrequirements = 'r'\npythn = '3'\n", 3, "`pythn` is not a key here: did you mean `python`?"),
        (
            "[envs.a]\npython = '3'\n",
            1,
            "`envs.a` needs one of `requirements`, `pylock`, `lock`, `project`, and has none of them",
        ),
        (
            "[envs.a]\nproject = 'a'\nrequirements = 'r'\n",
            2,
            "`envs.a` needs one of `requirements`, `pylock`, `lock`, `project`, and has several of them",
        ),
        ("\n[envs.a]\nrequirements = 3\n", 3, "`requirements` is neither a string nor a list of strings"),
        (
            "[envs.a]\nrequirements = 'r'\nextras = ['x']\n",
            3,
            "`extras` goes with `project` or `pylock`, not with `requirements`",
        ),
        (
            "[envs.a]\nrequirements = 'r'\nlink-mode = 'soft'\n",
            3,
            "`soft` is not a link mode: use one of `clone`, `hardlink`, `copy`, `symlink`, `tree`",
        ),
        (
            "[envs.a]\nrequirements = 'r'\npath = '{env}/x'\n",
            3,
            "`{env}/x` has a field that is none of `{dir}`, `{name}`, `{python}`",
        ),
        (
            "[env-defaults]\nrequirements = 'r'\n",
            2,
            "`requirements` is not a key here; "
            "there are `compile-bytecode`, `constraints`, `editable`, `extras`, `groups`, `link-mode`, `path`, "
            "`python`",
        ),
        ("[env-defaults]\ncompile-bytecode = 'yes'\n", 2, "`compile-bytecode` is neither true nor false"),
        ("[env-defaults]\npython = 3.12\n", 2, "`python` is neither a string nor a list of strings"),
        (
            "[[env-glob]]\nmatch = 'a'\n[[env-glob]]\npath = 'b'\n",
            3,
            "an `env-glob` needs `match`, a pattern of files",
        ),
        (
            "[[env-glob]]\nmatch = 'a'\nname = 'b'\n",
            3,
            "`name` is not a key here; "
            "there are `compile-bytecode`, `constraints`, `editable`, `extras`, `groups`, `link-mode`, `match`, "
            "`path`, `python`",
        ),
        ("[env-glob]\nmatch = 'a'\n", 1, "`env-glob` is not an array of tables: write `[[…env-glob]]`"),
        ("envs = 3\n", 1, "`envs` is not a table"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text, line, problem):
    with pytest.raises(ConfigurationInvalid) as raised:
        parse(text)
    assert raised.value.summary() == f"Failed to read the configuration at `puffin.toml:{line}`: {problem}"
    assert raised.value.exit_code == 2


def test_what_is_no_toml_is_told():
    with pytest.raises(ConfigurationInvalid) as raised:
        parse("[envs\n")
    assert raised.value.summary().startswith("Failed to read the configuration at `puffin.toml:1`: ")


def test_two_environments_on_one_path_are_told_with_both_places():
    text = "[envs.a]\nrequirements = 'r.txt'\n\n[envs.b]\nrequirements = 's.txt'\npath = './x/../.venv'\n"
    with pytest.raises(SamePath) as raised:
        all_specs(parse(text))
    shown = os.path.relpath("/w/.venv")
    assert raised.value.summary() == (
        f"Two environments are at `{shown}`: that of `puffin.toml:1` and that of `puffin.toml:4`"
    )


def test_a_matrix_on_one_path_is_told_with_a_hint():
    text = "[envs.a]\nrequirements = 'r.txt'\npython = ['3.11', '3.12']\npath = 'x'\n"
    with pytest.raises(SamePath) as raised:
        all_specs(parse(text))
    assert raised.value.hints == ("give them a `path` with `{python}` in it",)


@pytest.fixture
def repository(tmp_path):
    for name in ("a", "b", ".hidden"):
        (tmp_path / "services" / name).mkdir(parents=True)
        (tmp_path / "services" / name / "requirements.txt").write_text("")
    (tmp_path / "services" / "a" / "pyproject.toml").write_text("")
    (tmp_path / "deep" / "er" / "x").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "x" / "requirements.in").write_text("")
    return tmp_path


def test_globs_become_environments_by_the_kind_of_file(repository):
    text = "[[env-glob]]\nmatch = 'services/*/*.t*'\npath = '.envs/{name}'\n"
    text = text.replace("*.t*", "requirements.txt") + "[[env-glob]]\nmatch = '**/requirements.in'\n"
    specs = all_specs(parse(text, f"{repository}/puffin.toml"))
    assert [(each.name, os.path.relpath(each.path, repository)) for each in specs] == [
        ("services/a", ".envs/services/a"),
        ("services/b", ".envs/services/b"),
        ("deep/er/x", "deep/er/x/.venv"),
    ]


def chosen(repository, *words, text=""):
    workspace = parse(text, f"{repository}/puffin.toml") if text else None
    specs = choose(words, str(repository), workspace, everything=False, python="")
    return [each.name for each in specs]


def test_arguments_are_names_paths_patterns_of_names_or_files(repository):
    text = "[[env-glob]]\nmatch = 'services/*/requirements.txt'\n"
    text += "[envs.tools]\nrequirements='t.txt'\npython=['3.11','3.12']\n"
    assert chosen(repository, "services/a", text=text) == ["services/a"]
    assert chosen(repository, "services/b/.venv/", text=text) == ["services/b"]
    assert chosen(repository, "services/*", text=text) == ["services/a", "services/b"]
    assert chosen(repository, "tools", text=text) == ["tools-3.11", "tools-3.12"]
    assert chosen(repository, "tools-3.12", "services/b", "tools", text=text) == [
        "tools-3.12",
        "services/b",
        "tools-3.11",
    ]
    assert chosen(repository, "services/*/requirements.txt", text=text) == ["services/a", "services/b"]
    assert len(chosen(repository, text=text)) == 4
    assert chosen(repository, "deep/**/*.in", text=text) == ["deep/er/x"]
    with pytest.raises(NothingMatches):
        chosen(repository, "tols", text=text)
    with pytest.raises(UsageError):
        chosen(repository)


def test_without_configuration_the_environment_is_beside_the_file(repository):
    spec = choose(["services/a/pyproject.toml"], str(repository), None, everything=False, python="3.12")[0]
    assert (spec.project, spec.python) == (f"{repository}/services/a/pyproject.toml", "3.12")
    with pytest.raises(SamePath):
        choose(["services/a/*.t*"], str(repository), None, everything=False, python="")


names = st.text(alphabet="ab.*-", min_size=1, max_size=6)


@given(st.text(alphabet="ab.-", min_size=1, max_size=8), names)
def test_patterns_match_as_in_a_shell(name, pattern):
    expected = fnmatchcase(name, pattern) and (name[0] != "." or pattern[0] == ".")
    assert matches(name, pattern) == expected


def test_two_stars_go_down_any_depth_but_not_into_environments_and_caches(repository):
    for name, mark in ((".", "pyvenv.cfg"), ("env", "pyvenv.cfg"), ("cache", "CACHEDIR.TAG")):
        (repository / name / "lib").mkdir(parents=True, exist_ok=True)
        (repository / name / mark).touch()
    for name in ("env", "cache"):
        (repository / name / "lib" / "requirements.txt").touch()
    assert expand("**/requirements.txt", str(repository)) == [
        "services/a/requirements.txt",
        "services/b/requirements.txt",
    ]
    assert expand(f"{repository}/services/*/pyproject.toml", "/") == [f"{repository}/services/a/pyproject.toml"]
    assert expand("env/**/requirements.txt", str(repository)) == ["env/lib/requirements.txt"], "it begins there"


keys = st.from_regex(re.compile(r"[a-z]{1,5}"), fullmatch=True)


@given(
    st.dictionaries(
        keys,
        st.dictionaries(
            keys, st.sampled_from(['"x"', "3", '["a",\n  "b = 1",\n]', '"""\nq = 1\n"""']), max_size=4
        ),
        min_size=1,
        max_size=4,
    )
)
def test_every_key_is_found_in_its_line(tables):
    lines, places = [], {}
    for table, values in tables.items():
        lines.append(f"[t.{table}]")
        places["t", table] = len(lines)
        for key, value in values.items():
            places["t", table, key] = len(lines) + 1
            lines += f"{key} = {value}".split("\n")
    text = "\n".join(lines)
    found = places_of(text)
    assert {path: nearest(found, path) for path in places} == places
    assert nearest(found, ("nothing",)) == 0


@given(
    defaults=st.fixed_dictionaries(
        {},
        optional={"python": st.sampled_from(["3.11", "3.12"]), "link-mode": st.sampled_from(["copy", "clone"])},
    ),
    own=st.fixed_dictionaries(
        {},
        optional={
            "python": st.sampled_from(["3.10", "3.13"]),
            "link-mode": st.sampled_from(["hardlink", "symlink"]),
        },
    ),
)
def test_the_merge_takes_what_is_nearest(defaults, own):
    def table(values):
        return "".join(f'{key} = "{value}"\n' for key, value in values.items())

    spec = one(f'[env-defaults]\n{table(defaults)}[envs.a]\nrequirements = "r.txt"\n{table(own)}')
    merged = {**defaults, **own}
    assert (spec.python, spec.link_mode) == (merged.get("python", ""), merged.get("link-mode", ""))


def test_the_nearest_configuration_of_environments_counts(tmp_path):
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    table = "[tool.puffin.envs.x]\nrequirements = 'r.txt'\n"
    (tmp_path / "pyproject.toml").write_text(table)
    (tmp_path / "a" / "puffin.toml").write_text("retries = 1\n")
    (below / "pyproject.toml").write_text("[project]\nname = 'puffin-user'\n")
    assert find_workspace(str(below)).root == str(tmp_path)
    (tmp_path / "a" / "pyproject.toml").write_text(table)
    assert find_workspace(str(below)).root == str(tmp_path / "a")
    (below / "puffin.toml").write_text("[envs.x]\nrequirements = 'r.txt'\n")
    assert find_workspace(str(below)).root == str(below)
