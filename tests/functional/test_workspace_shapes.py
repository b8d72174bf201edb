"""Workspaces in the shapes of public ones: what they hold without configuration, as `uv sync` installs it."""

import shutil

import pytest

from tests.helpers.cli import Env
from tests.helpers.sdists import forge_backend, project_files
from tests.helpers.wheels import forge_wheel


@pytest.fixture
def shop(index):
    index.add(*forge_backend())
    for name in ("alpha", "beta", "gamma", "delta"):
        for version in ("1.0", "2.0"):
            index.add(*forge_wheel(name, version))
    return index


def member(puffin, where, name, *requires, tail="", **options):
    for path, text in project_files(name, requires=requires, **{"static": True, **options}).items():
        puffin.file(f"{where}/{path}", text + (tail if path == "pyproject.toml" else ""))


def a_dynamic_root(puffin):
    """Members by name, a root that a hook gives its dependencies, and a group that asks for the root itself."""
    tail = """
[project]
name = "ai"
dynamic = ["version", "dependencies"]
[tool.uv]
default-groups = ["dev", "docs"]
[tool.uv.sources]
ai = { workspace = true }
ai-slim = { workspace = true }
ai-graph = { workspace = true }
[tool.uv.workspace]
members = ["slim", "graph", "clai"]
[dependency-groups]
dev = ["alpha>=1"]
docs = ["ai", "beta"]
extra = ["gone"]
"""
    member(puffin, ".", "ai", "ai-slim[web]==1.0", tail=tail, static=False)
    extra = '[project.optional-dependencies]\nweb = ["delta"]\n'
    member(puffin, "slim", "ai-slim", "ai-graph==1.0", "gamma", tail=extra)
    member(puffin, "graph", "ai-graph", "alpha")
    member(puffin, "clai", "clai", "ai")
    return {
        "": ["ai", "ai-graph", "ai-slim"],
        "graph/": ["ai-graph"],
        "clai/": ["ai", "ai-graph", "ai-slim", "clai"],
    }


def a_root_that_is_no_project(puffin):
    """Members by a pattern, sources for all of them at the root, one environment."""
    puffin.file(
        "pyproject.toml",
        '[tool.puffin]\nlayout = "shared"\n[tool.uv.workspace]\nmembers = ["packages/*"]\n'
        'exclude = ["packages/old"]\n[tool.uv.sources]\ncore = { workspace = true }\ndriver = { workspace = true }\n'
        '[dependency-groups]\ndev = ["beta"]\n',
    )
    member(puffin, "packages/core", "core", "alpha", tail='[dependency-groups]\ndev = ["delta"]\n')
    member(puffin, "packages/driver", "driver", "core", "gamma; sys_platform != 'none'")
    puffin.file(
        "packages/all/pyproject.toml",
        '[project]\nname = "all-of-it"\nversion = "1"\ndependencies = ["core", "driver"]\n',
    )
    puffin.file("packages/old/left-over", "")
    return {"": ["core", "driver"]}


def siblings_by_their_paths(puffin):
    """No workspace: paths to siblings, one of them twice, one no package, and a version that a source frees."""
    member(puffin, "core", "core", "alpha", "gamma")
    tail = '[tool.uv.sources]\ncore = { path = "../core", editable = true }\n'
    member(puffin, "split", "split", "core>=5", tail=tail)
    member(puffin, "plain", "plain", "delta", tail="[tool.uv]\npackage = false\n")
    tail = (
        '[tool.uv.sources]\ncore = { path = "core", editable = true }\nsplit = { path = "split", editable = true }\n'
        'plain = { path = "plain" }\n[dependency-groups]\ndev = ["beta", "core"]\n'
    )
    member(puffin, ".", "chain", "core", "split", "plain", tail=tail)
    return {"": ["chain", "core", "split"]}


def a_root_and_its_examples(puffin):
    """A project whose version a build tells, and examples that ask for it, by patterns."""
    tail = """
[project]
name = "sdk"
dynamic = ["version"]
dependencies = ["alpha; sys_platform != 'none'", "gone; sys_platform == 'none'"]
[dependency-groups]
dev = ["beta>=1"]
docs = ["gamma", "delta"]
[tool.uv]
default-groups = ["dev", "docs"]
[tool.uv.workspace]
members = ["examples/clients/*", "examples/servers/*", "examples/snippets"]
[tool.uv.sources]
sdk = { workspace = true }
"""
    member(puffin, ".", "sdk", "alpha", tail=tail, static=False)
    member(puffin, "examples/clients/chat", "sdk-chat", "sdk", tail='[dependency-groups]\ndev = ["beta"]\n')
    member(puffin, "examples/servers/tool", "sdk-tool", "sdk", "alpha>=1")
    member(puffin, "examples/snippets", "snippets", "sdk>=1")
    return {
        "": ["sdk"],
        "examples/clients/chat/": ["sdk", "sdk-chat"],
        "examples/servers/tool/": ["sdk", "sdk-tool"],
        "examples/snippets/": ["sdk", "snippets"],
    }


def an_extra_that_leads_back(puffin):
    """A root that is no package asks for all extras of a member, whose extras ask for members that ask for it."""
    puffin.file(
        "pyproject.toml",
        '[project]\nname = "frame"\nversion = "1.0"\ndependencies = ["frame-core[all]==1.0"]\n'
        '[dependency-groups]\ndev = ["delta"]\ndocs = ["gone"]\n'
        '[tool.uv]\npackage = false\nprerelease = "if-necessary"\nenvironments = ["sys_platform == \'linux\'"]\n'
        "override-dependencies = [\"gamma>=2; python_version >= '3'\", \"gamma<1; python_version < '3'\"]\n"
        '[tool.uv.workspace]\nmembers = ["packages/*"]\n[tool.uv.sources]\nframe = { workspace = true }\n'
        "frame-core = { workspace = true }\nframe-web = { workspace = true }\n"
        '[[tool.uv.index]]\nname = "trial"\nurl = "http://127.0.0.1:9/simple/"\npublish-url = "http://127.0.0.1:9/"\n'
        'explicit = true\n[build-system]\nrequires = ["gone"]\nbuild-backend = "gone"\n',
    )
    extra = '[project.optional-dependencies]\nall = ["frame-web[tls]"]\n[tool.uv]\nprerelease = "allow"\n'
    member(puffin, "packages/core", "frame-core", "alpha", "gamma<2", tail=extra)
    extra = '[project.optional-dependencies]\ntls = ["beta"]\n'
    member(puffin, "packages/web", "frame-web", "frame-core>=1", tail=extra)
    return {
        "": ["frame-core", "frame-web"],
        "packages/core/": ["frame-core"],
        "packages/web/": ["frame-core", "frame-web"],
    }


SHAPES = [
    a_dynamic_root,
    a_root_that_is_no_project,
    siblings_by_their_paths,
    a_root_and_its_examples,
    an_extra_that_leads_back,
]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape(puffin, shop, shape):
    expected = shape(puffin)
    for words in (("sync",), ("lock",), ("sync", "--frozen")):
        done = puffin(*words, "-i", shop.url)
        assert done.code == 0, done.err
        if words[0] == "sync":
            again = puffin(*words, "-i", shop.url)
            assert (again.code, again.err.splitlines()[-1][:8]) == (0, "Checked "), again.err
        for where, local in expected.items():
            if words[0] == "sync":
                env = Env(puffin.cwd / where / ".venv")
                index = dict.fromkeys(("alpha", "beta", "gamma", "delta"), "2.0")
                found = {name.replace("_", "-"): version for name, version in env.installed().items()}
                assert sorted(name for name, version in found.items() if version == "1.0") == local
                if not where:
                    assert found == {**dict.fromkeys(local, "1.0"), **index}
                    texts = puffin("pip", "freeze", "-p", env.root).raw_out
                    assert texts.count("-e file://") == len(local)
                shutil.rmtree(env.root)
