"""Where the tables of projects say that packages come from: the places of requirements, and what cannot be."""

import os

import pytest

from puffin.artifact.urls import file_url
from puffin.stages.resolve.index.config import NamedIndex
from puffin.stages.resolve.metadata.toml import InvalidProject
from puffin.stages.resolve.projects.project import SourceFile
from puffin.stages.resolve.projects.sources import read_sources
from puffin.stages.resolve.projects.tables import read_tables, without_places
from puffin.stages.resolve.projects.values import SourcePolicy
from puffin.stages.resolve.requirements.file import read_file
from puffin.stages.resolve.requirements.values import SourceRequest
from tests.helpers.requirements import LINUX


class Tree:
    """Projects below a directory, which is the working directory."""

    def __init__(self, root):
        self.root = root

    def project(self, where, *dependencies, tail="", name="", extras=""):
        """Write a project; *tail* begins in line 6, or in line 8 behind *extras*."""
        directory = self.root / where
        directory.mkdir(parents=True, exist_ok=True)
        listed = ", ".join(f'"{each}"' for each in dependencies)
        optional = f"[project.optional-dependencies]\n{extras}\n" if extras else ""
        name = name or directory.name
        text = f'[project]\nname = "{name}"\nversion = "1"\ndependencies = [{listed}]\n\n{optional}{tail}\n'
        (directory / "pyproject.toml").write_text(text)
        return directory

    def url(self, where):
        return file_url(str(self.root / where))

    def read(self, *files, markers=LINUX, skipped=False, indexes=(), **request):
        return read_sources(
            SourceRequest(files=files or ("app/pyproject.toml",), **request),
            read=read_file,
            environ={},
            policy=SourcePolicy(markers=lambda: markers, skipped=skipped, indexes=indexes),
        )

    def places(self, *files, **more):
        return [(each.name, each.url, each.editable) for each in self.read(*files, **more).requirements.entries]


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Tree(tmp_path)


def sources(text, tool="uv"):
    return f"[tool.{tool}.sources]\n{text}"


@pytest.mark.parametrize(
    ("source", "url", "editable"),
    [
        ('{ path = "../lib" }', "TREE/lib", False),
        ('{ path = "../lib", editable = true }', "TREE/lib", True),
        ('{ path = "../mono", subdirectory = "in" }', "TREE/mono#subdirectory=in", False),
        ('{ url = "https://x.org/lib-1.tar.gz" }', "https://x.org/lib-1.tar.gz", False),
        (
            '{ url = "https://x.org/l.zip", subdirectory = "a b" }',
            "https://x.org/l.zip#subdirectory=a%20b",
            False,
        ),
        ('{ git = "https://x.org/lib" }', "git+https://x.org/lib", False),
        ('{ git = "ssh://git@x.org/lib.git", tag = "v1" }', "git+ssh://git@x.org/lib.git@v1", False),
        (
            '{ git = "https://x.org/lib", branch = "a/b@c", subdirectory = "p" }',
            "git+https://x.org/lib@a/b%40c#subdirectory=p",
            False,
        ),
        ('{ git = "https://x.org/lib", rev = "0123abc" }', "git+https://x.org/lib@0123abc", False),
        ('[{ path = "../lib", marker = "sys_platform == \'linux\'" }]', "TREE/lib", False),
        ('{ path = "../lib", marker = "sys_platform == \'win32\'" }', "", False),
        ('{ path = "../lib", extra = "fast" }', "", False),
        ('{ path = "../lib", group = "dev" }', "", False),
    ],
)
def test_a_source_gives_a_requirement_its_place_and_takes_its_version(tree, source, url, editable):
    tree.project("lib")
    tree.project("mono/in", name="lib")
    tree.project("app", "Lib[x]>=9; python_version>'3'", tail=sources(f"LIB = {source}"))
    (entry,) = tree.read().requirements.entries
    assert (entry.name, entry.editable, entry.extras) == ("lib", editable, ("x",))
    assert entry.url == (url.replace("TREE", tree.url(".").rstrip("/.")) if url else "")
    assert entry.specifier == ("" if url else ">=9")
    assert entry.marker == 'python_version > "3"'
    assert entry.origin == "app/pyproject.toml:4"
    assert tree.read(skipped=True).requirements.entries[0].url == ""
    assert tree.read(skipped=frozenset(["lib"])).requirements.entries[0].url == ""


def test_extras_and_groups_have_sources_of_their_own(tree):
    for name in ("a", "b", "c"):
        tree.project(f"torch-{name}", name="torch")
    kinds = '[{path="../torch-a",extra="cpu"},{path="../torch-b",extra="gpu"},{path="../torch-c",group="dev"}]'
    tail = sources(f'torch = {kinds}\n[dependency-groups]\ndev = ["torch"]')
    tree.project("app", tail=tail, extras='cpu = ["torch"]\ngpu = ["torch"]\nall = ["app[cpu]"]')
    assert tree.places(extras=("cpu",)) == [("torch", tree.url("torch-a"), False)]
    assert tree.places(extras=("gpu",)) == [("torch", tree.url("torch-b"), False)]
    assert tree.places(extras=("all",)) == [("torch", tree.url("torch-a"), False)]
    assert tree.places(groups=("app/pyproject.toml:dev",)) == [("torch", tree.url("torch-c"), False)]


def test_a_project_that_its_group_asks_for_is_the_project(tree):
    tree.project(
        "app",
        tail='[dependency-groups]\ndocs = ["app[x]", "App; python_version < \'3\'"]',
        extras='x = ["six"]',
    )
    found = tree.places(groups=("app/pyproject.toml:docs",))
    assert found == [("app", tree.url("app"), True), ("app", tree.url("app"), True)]


def test_the_tables_of_puffin_go_first_and_the_member_before_the_root(tree):
    members = '[tool.uv.workspace]\nmembers = ["app", "l*"]\nexclude = ["lost"]\n'
    tree.project("lib")
    tree.project("lost")
    tree.project(".", name="root", tail=members + sources('six = { url = "https://x.org/six-1.zip" }'))
    own = sources('lib = { path = "../elsewhere" }') + "\n" + sources("lib.workspace = true", "puffin")
    tree.project("app", "lib", "six", "lost", tail=own)
    expected = [("lib", tree.url("lib"), True), ("six", "https://x.org/six-1.zip", False), ("lost", "", False)]
    assert tree.places() == expected
    tree.project("app", "six", tail=sources("six = { path = '../lib', marker = \"sys_platform == 'win32'\" }"))
    assert tree.places() == [("six", "", False)]


def test_a_member_is_taken_from_the_workspace_without_a_word(tree):
    tree.project(".", name="root", tail='[tool.puffin.workspace]\nmembers = ["packages/**"]\n')
    tree.project("packages/lib")
    tree.project("packages/app", "lib", "root", "other")
    found = tree.places("packages/app/pyproject.toml")
    assert found == [
        ("lib", tree.url("packages/lib"), True),
        ("root", tree.url("."), True),
        ("other", "", False),
    ]


def test_another_workspace_is_named_by_its_path(tree):
    tree.project("other", tail='[tool.uv.workspace]\nmembers = ["lib"]\n')
    tree.project("other/lib")
    tree.project("app", "lib", tail=sources('lib = { workspace = "../other", editable = false }'))
    assert tree.places() == [("lib", tree.url("other/lib"), False)]


def test_local_projects_are_followed_and_limit_what_they_ask_for(tree):
    """Circles are allowed; what an extra asks for counts, so that nobody looks for it on an index."""
    tree.project("one", "two>=7", tail=sources('two = { path = "../two" }'))
    extras = "x = [\"three; sys_platform == 'linux'\", \"gone; sys_platform == 'win32'\"]"
    tail = sources('three = {path="../three", editable=true}\none = {path="../one"}\ngone = {path="../gone"}')
    tree.project("two", "one", "pypi", extras=extras, tail=tail)
    tree.project("three", "two", tail=sources('two = { path = "../two", editable = true }'))
    tree.project("app", "one", tail=sources('one = { path = "../one", editable = true }'))
    (tree.root / "r.txt").write_text("-e ./one\n")
    for file in ("app/pyproject.toml", "r.txt"):
        reached = {each.name: each for each in tree.read(file).reached}
        places = {name: (each.url, each.editable) for name, each in reached.items()}
        assert places == {
            "one": (tree.url("one"), False),
            "two": (tree.url("two"), True),
            "three": (tree.url("three"), True),
        }
        assert all(each.constraint and not each.specifier for each in reached.values())
        assert reached["three"].origin == "two/pyproject.toml:9"


def test_of_a_dynamic_project_all_sources_count(tree):
    tree.project("lib")
    tree.project("dyn")
    text = '[project]\nname = "dyn"\nversion = "1"\ndynamic = ["dependencies"]\n'
    (tree.root / "dyn/pyproject.toml").write_text(text + sources('lib = { path = "../lib" }'))
    tree.project("app", "dyn", tail=sources('dyn = { path = "../dyn" }'))
    assert [each.name for each in tree.read().reached] == ["lib"]


def test_projects_that_are_no_packages_are_virtual(tree):
    tree.project("v", tail="[tool.uv]\npackage = false")
    tree.project("w", tail="[tool.uv]\npackage = false")
    tail = sources('v = { path = "../v", editable = true }\nw = { path = "../w", package = true }')
    tree.project("app", "v", "w", tail=tail)
    assert tree.read().virtual == ("v",)
    assert tree.places()[0] == ("v", tree.url("v"), False)


def test_an_index_is_pinned_by_name_wherever_it_is_declared(tree):
    index = '[[tool.uv.index]]\nname = "{0}"\nurl = "https://{0}.org/simple"\n{1}\n'
    root = (
        index.format("top", "explicit = true")
        + index.format("free", "")
        + index.format("main", "default = true")
    )
    tree.project(".", name="root", tail='[tool.uv.workspace]\nmembers = ["app"]\n' + root)
    own = index.format("near", "explicit = true")
    tail = own + sources('a.index = "near"\nb.index = "top"\nc.index = "opt"')
    tree.project("app", "a>=1", "b", "c", tail=tail)
    found = tree.read(indexes=(NamedIndex(name="opt", url="https://opt.org"),)).requirements
    assert (found.entries[0].url, found.entries[0].specifier) == ("", ">=1")
    assert {name: url for name, url, _ in found.pinned} == {
        "a": "https://near.org/simple",
        "b": "https://top.org/simple",
        "c": "https://opt.org",
    }
    assert (found.index_url, found.extra_index_urls) == (
        "https://main.org/simple",
        ("https://free.org/simple",),
    )


def test_tables_without_places_are_equal_wherever_they_stand():
    tail = "[tool.uv]\nenvironments = \"os_name == 'nt'\"\nrequired-environments = \"os_name == 'nt'\"\n"
    one, other = [
        read_tables(
            SourceFile(path="/p/pyproject.toml", shown="p", text=f"{above}{tail}", exists=os.path.exists)
        )
        for above in ("", "\n")
    ]
    assert one != other
    assert without_places(one) == without_places(other)


def test_scripts_have_sources_too(tree):
    tree.project("lib")
    (tree.root / "s.py").write_text(
        '# /// script\n# dependencies = ["lib"]\n# [tool.uv.sources]\n# lib = { path = "lib" }\n# ///\n'
    )
    assert tree.places("s.py") == [("lib", tree.url("lib"), False)]
    (tree.root / "s.py").write_text(
        '# /// script\n# dependencies = ["lib"]\n# [tool.uv.sources]\n# lib = { workspace = true }\n# ///\n'
    )
    with pytest.raises(InvalidProject) as raised:
        tree.read("s.py")
    assert raised.value.summary().startswith("Failed to read `s.py:4`: the source of `lib` is the workspace")


WORKSPACE = "[tool.uv.workspace]\n"


@pytest.mark.parametrize(
    ("tail", "line", "problem"),
    [
        (sources('lib = { path = "../gone" }'), 7, "the source of `lib` is `../gone`, which does not exist"),
        (
            sources('lib = { path = "../empty" }'),
            7,
            "the source of `lib` is `../empty`, which contains no project",
        ),
        (sources('lib = { path = "pyproject.toml" }'), 7, "which is neither a directory nor an archive"),
        (sources('lib = { path = "a.zip", editable = true }'), 7, "is an archive, which cannot be editable"),
        (sources('lib = { url = "https://x.org/other-1-py3-none-any.whl" }'), 7, "a distribution of `other`"),
        (sources('lib = { git = "git@x.org:a/b" }'), 7, "the source of `lib` cannot be used: "),
        (
            sources("lib = { workspace = true }"),
            7,
            "the source of `lib` is the workspace, but there is none here",
        ),
        (
            sources("lib = { workspace = false }"),
            7,
            "`workspace` in the source of `lib` is not a string: write `true`",
        ),
        (sources('lib = { index = "x" }'), 7, "the source of `lib` is the index `x`, which is not declared"),
        (
            sources("lib = { }"),
            7,
            "needs one of `workspace`, `path`, `git`, `url`, `index`, and has none of them",
        ),
        (sources('lib = { path = "a", git = "b" }'), 7, "and has `path` and `git`"),
        (sources('lib = { path = "a", rev = "b" }'), 7, "`rev` does not go with `path` in the source of `lib`"),
        (sources('lib = { git = "a", lfs = true }'), 7, "`lfs` does not go with `git`"),
        (sources('lib = { git = "a", rev = "b", tag = "c" }'), 7, "has `rev` and `tag`: keep one"),
        (sources('lib = { path = "a", editable = "yes" }'), 7, "`editable` is neither true nor false"),
        (sources('lib = { path = "a", marker = "x" }'), 7, "`x` is not a marker"),
        (sources('lib = "a"'), 7, "the source of `lib` is not a table"),
        (sources("lib = []"), 7, "the list of sources of `lib` is empty"),
        (sources('"-" = { path = "a" }'), 7, "`-` is not the name of a package"),
        (sources('\nlib = [{ path = "." },\n { path = ".." }]'), 8, "`lib` has 2 sources that apply at once"),
        ('[tool.uv]\nsources = ""', 7, "`tool.uv.sources` is not a table"),
        (WORKSPACE + 'members = ["gone"]', 7, "the member `gone` of the workspace does not exist"),
        (
            WORKSPACE + 'members = ["../[ef]*"]',
            7,
            "the member `../full` of the workspace has no `pyproject.toml`",
        ),
        (WORKSPACE + 'members = "x"', 7, "`members` is not a list of strings"),
        (WORKSPACE + "member = []", 7, "`member` is not a key here; there are `members` and `exclude`"),
        ("[[tool.uv.index]]\nname = 'x'", 6, "an index needs a `url`"),
        ("[[tool.uv.index]]\nurl = 'x'\nexplict = true", 8, "`explict` is not a key of an index"),
        ("[[tool.uv.index]]\nurl = 'x'\npackages = 'a'", 8, "`packages` is not a list of strings"),
    ],
)
def test_what_cannot_be_is_an_error_with_its_line(tree, tail, line, problem):
    tree.project("app", "lib", tail=tail)
    os.mkdir("empty")
    os.mkdir("full")
    (tree.root / "full/x.py").touch()
    (tree.root / "app/a.zip").touch()
    with pytest.raises(InvalidProject) as raised:
        tree.read()
    assert raised.value.summary().startswith(f"Failed to read `app/pyproject.toml:{line}`: ")
    assert problem in raised.value.summary()


def test_two_members_of_one_name_and_two_places_of_one_package(tree):
    tree.project(".", name="root", tail='[tool.uv.workspace]\nmembers = ["a", "b"]\n')
    tree.project("a", name="same")
    tree.project("b", name="same")
    with pytest.raises(InvalidProject, match=r"second member called `same`, at a/pyproject.toml:2") as raised:
        tree.read("a/pyproject.toml")
    assert raised.value.file == "b/pyproject.toml:2"
    tree.project("b", "lib", tail=sources('lib = { path = "../l2" }'))
    tree.project("a", "b", "lib", tail=sources('lib = { path = "../l1" }'))
    tree.project("l1", name="lib")
    tree.project("l2", name="lib")
    with pytest.raises(InvalidProject, match=r"another source at a/pyproject.toml:4: `lib @ ../l1`") as raised:
        tree.read("a/pyproject.toml")
    assert raised.value.file == "b/pyproject.toml:7"


def test_two_indexes_of_one_package(tree):
    index = '[[tool.uv.index]]\nname = "{0}"\nurl = "https://{0}.org"\n'
    tree.project("lib", "x", tail=index.format("two") + sources('x.index = "two"'))
    tail = index.format("one") + sources('x.index = "one"\nlib = { path = "../lib" }')
    tree.project("app", "x", "lib", tail=tail)
    with pytest.raises(InvalidProject, match=r"another index at app/pyproject.toml:10") as raised:
        tree.read()
    assert raised.value.file == "lib/pyproject.toml:10"


def test_a_url_and_a_source_are_one_too_many(tree):
    tree.project("app", "lib @ https://x.org/lib-1.zip", tail=sources('lib = { path = "../lib" }'))
    with pytest.raises(InvalidProject, match=r"a source and a URL, at app/pyproject.toml:4: remove one"):
        tree.read()


def test_files_above_are_others_matter_unless_they_have_a_workspace(tree):
    (tree.root / "pyproject.toml").write_text("this is no TOML")
    tree.project("app", "lib")
    assert tree.places() == [("lib", "", False)]
