"""A source is installed as it is now: whatever a wheel depends on, a change of it has the wheel built again."""

import pytest

from tests.helpers.repositories import Repository, needs_git
from tests.helpers.sdists import forge_backend, forge_sdist, tar_bytes, write_project
from tests.helpers.wheels import forge_wheel

# a backend that ships what lies in the directory, and takes the version from git, or from a variable
IN_TREE = """
import os, subprocess, zipfile
def build_wheel(directory, config_settings=None, metadata_directory=None):
    version = os.environ.get("HATCH_TEST_VERSION", "1.0")
    done = subprocess.run(["git", "describe", "--tags"], capture_output=True, text=True)
    version = version if done.returncode else done.stdout.strip()
    info = f"tree-{version}.dist-info"
    files = {
        "tree.py": open("tree.py").read(),
        f"{info}/METADATA": f"Metadata-Version: 2.1\\nName: tree\\nVersion: {version}\\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    name = f"tree-{version}-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(directory, name), "w") as archive:
        for path, text in {**files, f"{info}/RECORD": ""}.items():
            archive.writestr(path, text)
    return name
build_editable = build_wheel
"""
SYSTEM = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
FILES = {"pyproject.toml": SYSTEM, "backend.py": IN_TREE, "tree.py": "A = 1\n"}


def built(told):
    return told.read_text().count("wheel ") if told.exists() else 0


@pytest.mark.parametrize("words", [("pip", "install", "./tree"), ("pip", "sync", "r.txt"), ("sync", "r.txt")])
def test_an_edited_module_is_installed(puffin, env, words):
    for name, text in FILES.items():
        puffin.file(f"tree/{name}", text)
    puffin.file("r.txt", "tree @ ./tree\n")
    for value in ("1", "2"):
        puffin.file("tree/tree.py", f"A = {value}\n")
        done = puffin(*words)
        assert done.code == 0, done.err
        assert env.run("-c", "import tree; print(tree.A)") == value
    assert "Checked" in puffin(*words).err


@needs_git
@pytest.mark.parametrize("option", [(), ("-e",)])
def test_a_new_tag_is_a_new_version(puffin, env, option):
    repository = Repository(puffin.cwd / "tree")
    repository.commit(FILES)
    for version in ("1.0", "2.0"):
        repository.git("tag", version)
        assert puffin("pip", "install", *option, "./tree").code == 0
        assert env.installed() == {"tree": version}
        repository.commit({})
    version = repository.git("describe", "--tags")
    assert version.startswith("2.0-")


def test_a_variable_that_a_backend_reads_is_part_of_the_wheel(puffin, env):
    for name, text in FILES.items():
        puffin.file(f"tree/{name}", text)
    assert puffin("pip", "install", "./tree", "--reinstall").code == 0
    for version in ("2.0", "3.0"):
        for _ in range(2):  # the second finds nothing to do, and is kept
            done = puffin("pip", "install", "./tree", env={"HATCH_TEST_VERSION": version})
            assert done.code == 0
            assert env.installed() == {"tree": version}


def test_config_settings_are_part_of_the_wheel(puffin, env, index, tmp_path):
    index.add(*forge_backend())
    write_project(puffin.cwd / "thing", "thing", told=tmp_path / "told", backend="toy_plain")
    seen = []
    for words in ((), ("-C", "a=1"), ("-C", "a=1"), ("-C", "a=2"), ()):
        assert puffin("pip", "install", "./thing", *words, "-i", index.url).code == 0
        settings = env.run("-c", "import thing; print(thing.TOLD['settings'])")
        seen.append((settings, built(tmp_path / "told")))
    assert seen == [("None", 1), ("{'a': '1'}", 2), ("{'a': '1'}", 2), ("{'a': '2'}", 3), ("None", 3)]


def test_what_limits_build_requirements_is_part_of_the_wheel(puffin, env, index, tmp_path):
    index.add(*forge_backend())
    index.add(*forge_backend("2.0"))
    index.add(*forge_sdist("thing", told=tmp_path / "told", static=True))
    puffin.file("limit.txt", "toy<2\n")
    assert puffin("pip", "install", "thing", "-i", index.url).code == 0
    puffin.venv("--clear")
    assert puffin("pip", "install", "thing", "-b", "limit.txt", "-i", index.url).code == 0
    assert built(tmp_path / "told") == 2
    puffin.venv("--clear")
    assert puffin("pip", "install", "thing", "-b", "limit.txt", "-i", index.url).code == 0
    assert built(tmp_path / "told") == 2


@needs_git
def test_nothing_above_the_cache_answers_for_a_source_in_it(puffin, env):
    around = Repository(puffin.root)
    around.commit({"x": ""})
    around.git("tag", "77.0")
    puffin.file("tree-1.0.tar.gz", tar_bytes({f"tree-1.0/{name}": text for name, text in FILES.items()}))
    assert puffin("pip", "install", "./tree-1.0.tar.gz").code == 0
    assert env.installed() == {"tree": "1.0"}


def test_files_that_say_what_to_ignore_are_not_looked_for_above_a_source(puffin, env):
    looks = """
import os
def ignored():
    place = os.getcwd()
    while not os.path.exists(os.path.join(place, ".gitignore")):
        place = os.path.dirname(place)
    return open(os.path.join(place, ".gitignore")).read()
assert ignored() == "", ignored()
"""
    files = {**FILES, "backend.py": looks + IN_TREE}
    puffin.file("tree-1.0.tar.gz", tar_bytes({f"tree-1.0/{name}": text for name, text in files.items()}))
    done = puffin("pip", "install", "./tree-1.0.tar.gz")
    assert done.code == 0, done.err


@pytest.mark.parametrize(
    "option", [("--reinstall",), ("--reinstall-package", "thing"), ("--refresh", "--reinstall")]
)
@pytest.mark.parametrize("words", [("pip", "sync", "r.txt"), ("pip", "install", "-r", "r.txt")])
@pytest.mark.parametrize("by_url", [False, True])
@pytest.mark.parametrize("forge", [forge_wheel, forge_sdist])
def test_a_file_without_a_hash_that_was_replaced_is_fetched_again(
    puffin, env, index, forge, words, by_url, option
):
    index.add(*forge_backend())
    for text in ("A = 1", "A = 'two'"):
        url = index.add(*forge("thing", "1.0", files={"thing.py": text}), hashes=False)
        puffin.file("r.txt", f"thing @ {url}\n" if by_url else "thing==1.0\n")
        assert puffin(*words, "-i", index.url, *(option if "two" in text else ())).code == 0
    assert env.run("-c", "import thing; print(thing.A)") == "two"
    assert puffin(*words, "-i", index.url, "--offline", "--reinstall").code == 0


def test_a_source_distribution_without_a_hash_is_fetched_once(puffin, index):
    index.add(*forge_backend())
    filename, data = forge_sdist("thing")
    index.add(filename, data, hashes=False)
    for name in ("one", "two"):
        puffin.venv(name=name)
        assert puffin("pip", "install", "thing", "-p", name, "-i", index.url).code == 0
    assert [each.path for each in index.requests].count(f"/files/{filename}") == 1


def test_a_wheel_that_was_replaced_by_a_source_distribution_is_forgotten(puffin, env, index):
    index.add(*forge_backend())
    index.add(*forge_wheel("thing", "1.0", {"thing.py": "A = 1\n"}))
    assert puffin.sync("thing==1.0\n", "-i", index.url).code == 0
    index.remove("thing-1.0-py3-none-any.whl")
    index.add(*forge_sdist("thing", files={"thing.py": "A = 'two'"}))
    for words in (("--refresh",), ()):
        assert puffin.sync(None, "-i", index.url, "--reinstall", *words).code == 0
        assert env.run("-c", "import thing; print(thing.A)") == "two"
