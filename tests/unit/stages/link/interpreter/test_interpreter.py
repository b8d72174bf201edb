import json
import os
import pickle
import platform
import subprocess
import sys
import sysconfig

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging import markers as packaging_markers
from packaging import tags as packaging_tags

from puffin.cache.layout import Bucket, Cache
from puffin.stages.link.interpreter import ask as interpreter_ask
from puffin.stages.link.interpreter import probe
from puffin.stages.link.interpreter.find import (
    InterpreterNotFound,
    InvalidPythonRequest,
    find_interpreter,
    plain_request,
    python_satisfies,
)
from puffin.stages.link.interpreter.interpreter import (
    InspectFailed,
    Interpreter,
    UnsupportedPython,
    from_wire,
    meanwhile,
    supported_tags,
)
from puffin.stages.link.interpreter.known import inspect_interpreter
from tests.helpers.pythons import VERSIONS, base_python, made_up, real_python


@pytest.fixture
def cache(tmp_path):
    return Cache(str(tmp_path / "cache"))


@pytest.fixture
def never_ask(monkeypatch):
    def refuse(path, origin=""):
        raise AssertionError(f"asked {path}")

    return lambda: monkeypatch.setattr(interpreter_ask, "ask_interpreter", refuse)


def script(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def fake_python(path, answer):
    return script(path, f"cat <<'END'\n{json.dumps(answer)}\nEND")


def test_wire_keeps_every_fact():
    facts = made_up("/opt/python")
    assert from_wire(facts.wire()) == facts
    assert pickle.loads(pickle.dumps(facts)) == facts


@pytest.mark.parametrize("fields", [(), (1, 2), made_up("/x").wire()[:-1]])
def test_wire_of_another_shape_is_refused(fields):
    with pytest.raises((TypeError, ValueError)):
        from_wire(fields)


def test_the_running_python_is_told_as_packaging_tells_it(cache):
    facts = inspect_interpreter(sys.executable, cache)
    assert facts.tags == tuple(map(str, packaging_tags.sys_tags()))
    assert dict(facts.markers) == {
        key: value for key, value in packaging_markers.default_environment().items() if key != "extra"
    }
    assert facts.scheme.purelib == sysconfig.get_path("purelib")
    assert facts.scheme.scripts == sysconfig.get_path("scripts")
    assert os.path.realpath(facts.prefix) == os.path.realpath(sys.prefix)
    assert os.path.realpath(facts.base_prefix) == os.path.realpath(sys.base_prefix)


@pytest.mark.parametrize("version", VERSIONS)
def test_real_pythons_answer(version, cache):
    path = real_python(version)
    if not path:
        pytest.skip(f"no Python {version} here")
    facts = inspect_interpreter(path, cache)
    assert facts.version_text.startswith(version)
    assert facts.tags[0].startswith("cp" + version.replace(".", ""))
    assert not facts.is_venv
    assert facts.venv_scheme.purelib == f"lib/python{version}/site-packages"
    assert facts.venv_scheme.headers == f"include/site/python{version}"
    said = subprocess.run(
        [path, "-I", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
    )
    assert facts.scheme.purelib == said.stdout.strip()


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.7"])
def test_old_pythons_are_refused(version, cache):
    path = real_python(version)
    if not path:
        pytest.skip(f"no Python {version} here")
    with pytest.raises(UnsupportedPython) as caught:
        inspect_interpreter(path, cache)
    assert caught.value.version.startswith(version)
    assert caught.value.exit_code == 2


def test_work_is_done_while_an_interpreter_answers_and_not_without_need(cache):
    done = []
    with meanwhile(lambda: done.append(1)):
        inspect_interpreter(base_python(), cache)
    assert done == [1]
    with meanwhile(lambda: done.append(2)):
        inspect_interpreter(base_python(), cache)
    with meanwhile(lambda: done.append(3)):
        pass
    inspect_interpreter(base_python(), Cache(f"{cache.root}-other"))
    assert done == [1]


def test_second_reading_asks_nothing(cache, never_ask):
    first = inspect_interpreter(base_python(), cache)
    never_ask()
    assert inspect_interpreter(base_python(), cache) == first


def test_warm_reading_imports_nothing_heavy(cache):
    inspect_interpreter(base_python(), cache)
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); before = set(sys.modules)\n"
        "from puffin.cache.layout import Cache\n"
        "from puffin.stages.link.environment.environment import environment_of\n"
        "from puffin.stages.link.interpreter.known import inspect_interpreter\n"
        "import puffin.stages.link.installed.scan\n"
        "environment_of(inspect_interpreter(sys.argv[2], Cache(sys.argv[3])))\n"
        "print(' '.join(set(sys.modules) - before))"
    )
    import puffin

    top = os.path.dirname(os.path.dirname(puffin.__file__))
    command = [sys.executable, "-I", "-S", "-c", code, top, base_python(), cache.root]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    new = {name for name in said.stdout.split() if not name.startswith("puffin")}
    assert new <= {"zlib", "marshal", "_blake2", "_operator", "errno"}


@pytest.mark.parametrize("damage", [b"", b"junk", b"puffin1\n"])
def test_damaged_entry_is_healed(cache, damage):
    first = inspect_interpreter(base_python(), cache)
    bucket = cache.path(Bucket.INTERPRETER)
    (name,) = os.listdir(bucket)
    with open(f"{bucket}/{name}", "wb") as file:
        file.write(damage)
    assert inspect_interpreter(base_python(), cache) == first
    assert os.path.getsize(f"{bucket}/{name}") > len(damage)


def test_changed_executable_is_asked_again(cache, tmp_path):
    answer = probe.report()
    answer["executable"] = str(tmp_path / "python")
    path = fake_python(tmp_path / "python", answer)
    before = inspect_interpreter(path, cache)
    fake_python(tmp_path / "python", {**answer, "cache_tag": "another"})
    assert before.cache_tag != "another"
    assert inspect_interpreter(path, cache).cache_tag == "another"


def test_shim_is_never_remembered(cache, tmp_path):
    shim = script(tmp_path / "python", f'exec "{base_python()}" "$@"')
    assert os.path.realpath(inspect_interpreter(shim, cache).executable) == base_python()
    assert not os.path.exists(cache.path(Bucket.INTERPRETER))


def test_unwritable_cache_is_no_failure(tmp_path):
    (tmp_path / "cache").write_text("a file")
    assert inspect_interpreter(base_python(), Cache(str(tmp_path / "cache"))).version[0] == 3


def test_venv_is_told_from_its_base(cache, tmp_path, never_ask):
    base = inspect_interpreter(base_python(), cache)
    (tmp_path / "bin").mkdir()
    (tmp_path / "pyvenv.cfg").write_text("home = /somewhere\n")
    (tmp_path / "bin" / "python").symlink_to(base_python())
    never_ask()
    facts = inspect_interpreter(str(tmp_path / "bin" / "python"), cache)
    assert facts.is_venv
    assert facts.prefix == str(tmp_path)
    assert facts.scheme.purelib == str(tmp_path / base.venv_scheme.purelib)
    assert facts.scheme.data == str(tmp_path)
    assert facts.tags == base.tags


@pytest.mark.parametrize("command", ["exit 3", "echo no json", "kill -9 $$", "echo '[]'", "echo '{}'"])
def test_what_is_no_python_is_refused(cache, tmp_path, command):
    path = script(tmp_path / "python", command)
    with pytest.raises(InspectFailed) as caught:
        inspect_interpreter(path, cache)
    assert str(caught.value) == f"Failed to inspect Python interpreter at `{path}`"
    assert caught.value.causes


def test_removed_environment_names_the_variable(cache, tmp_path):
    with pytest.raises(InspectFailed) as caught:
        inspect_interpreter(str(tmp_path / "bin/python"), cache, origin="VIRTUAL_ENV")
    assert "from `VIRTUAL_ENV` at" in str(caught.value)
    assert "VIRTUAL_ENV" in caught.value.hints[0]
    assert pickle.loads(pickle.dumps(caught.value)).path == caught.value.path


def test_manylinux_tags_go_down_to_the_oldest():
    found = probe._manylinux("x86_64", (2, 18))
    assert found[:3] == ["manylinux_2_18_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"]
    assert found[-2:] == ["manylinux_2_5_x86_64", "manylinux1_x86_64"]
    assert probe._manylinux("aarch64", (2, 17)) == ["manylinux_2_17_aarch64", "manylinux2014_aarch64"]
    assert probe._manylinux("x86_64", (-1, -1)) == []


@pytest.mark.parametrize("version", [(10, 3), (10, 9), (10, 15), (11, 0), (14, 2), (26, 0)])
@pytest.mark.parametrize("machine", ["x86_64", "arm64"])
def test_mac_tags_are_those_of_packaging(monkeypatch, version, machine):
    text = f"{version[0]}.{version[1]}"
    monkeypatch.setattr(platform, "mac_ver", lambda: (text, ("", "", ""), machine))
    monkeypatch.setattr(probe, "_BITS", 64)
    assert probe._mac_platforms() == list(packaging_tags.mac_platforms(version, machine))


def test_musl_tags(monkeypatch):
    monkeypatch.setattr(probe, "_musl", lambda: (1, 2))
    monkeypatch.setattr(probe, "_glibc", lambda: (-1, -1))
    monkeypatch.setattr(probe.sysconfig, "get_platform", lambda: "linux-x86_64")
    monkeypatch.setattr(probe, "_BITS", 64)
    musl = [f"musllinux_1_{minor}_x86_64" for minor in (2, 1, 0)]
    assert probe._linux_platforms() == ["linux_x86_64", *musl]


PLATFORMS = ["manylinux_2_17_x86_64", "linux_x86_64", "macosx_11_0_arm64", "win_amd64"]
ABIS = ["cp39", "cp312", "cp313t", "cp314td", "cp314d", "cp37m", "pypy310_pp73", "graalpy_38_native"]


@given(
    implementation=st.sampled_from(["cp", "pp", "graalpy"]),
    minor=st.integers(min_value=2, max_value=15),
    abis=st.lists(st.sampled_from(ABIS), max_size=2, unique=True),
    platforms=st.lists(st.sampled_from(PLATFORMS), max_size=3, unique=True),
)
def test_tags_are_those_of_packaging(implementation, minor, abis, platforms):
    own = f"{implementation}3{minor}"
    if implementation == "cp":
        first, common = packaging_tags.cpython_tags((3, minor), abis, platforms), own
    else:
        first, common = packaging_tags.generic_tags(own, abis, platforms), {"pp": "pp3"}.get(implementation)
    tags = [*first, *packaging_tags.compatible_tags((3, minor), common, platforms)]
    found = supported_tags(implementation, (3, minor), tuple(abis), tuple(platforms))
    assert found == tuple(dict.fromkeys(map(str, tags)))


def test_system_is_the_one_that_the_standard_library_finds():
    assert probe._system() == probe._system_by_platform()


LEAVES = st.one_of(st.text(), st.integers(), st.booleans(), st.characters())


@given(st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_answer_is_json(value):
    assert json.loads(probe.in_json(value)) == value


def test_answer_is_the_same_with_the_threads_of_the_standard_library():
    whole = f"import threading, runpy; runpy.run_path({probe.__file__!r}, run_name='__main__')"
    words = [[probe.__file__], ["-c", whole]]
    short, long = [
        subprocess.run([sys.executable, "-I", "-S", *each], capture_output=True, check=True) for each in words
    ]
    assert short.stdout == long.stdout


@pytest.mark.parametrize(
    ("debug", "free", "abis"), [(0, 0, [""]), (1, 0, ["d", ""]), (0, 1, ["t"]), (1, 1, ["td", "t"])]
)
def test_abis(monkeypatch, debug, free, abis):
    values = {"Py_DEBUG": debug, "Py_GIL_DISABLED": free}
    monkeypatch.setattr(probe.sysconfig, "get_config_var", values.get)
    plain = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    assert probe._abis() == [plain + each for each in abis]


@pytest.mark.parametrize(
    ("request_", "fits"),
    [
        ("3.12", True),
        ("3.12.1", True),
        ("312", True),
        ("3", True),
        ("python3.12", True),
        ("cpython3.12", True),
        (">=3.10", True),
        (">=3.10,<3.12", False),
        ("3.12.2", False),
        ("3.11", False),
        ("pypy3.12", False),
        ("3.12t", False),
    ],
)
def test_satisfies(request_, fits):
    assert python_satisfies(request_, made_up("/opt/python")) is fits


@pytest.mark.parametrize("request_", ["", "3.7-dev", "311x", ">=foo", "3.x"])
def test_nonsense_is_refused(request_, tmp_path):
    with pytest.raises(InvalidPythonRequest) as caught:
        find_interpreter(request_, {"HOME": str(tmp_path), "PATH": ""})
    assert caught.value.exit_code == 2


def test_not_found_says_where_it_looked(tmp_path):
    environ = {"HOME": str(tmp_path), "PATH": str(tmp_path / "bin")}
    with pytest.raises(InterpreterNotFound) as caught:
        find_interpreter("3.99", environ)
    assert str(caught.value).startswith("No interpreter found for Python `3.99`\n")
    assert str(tmp_path / "bin") in str(caught.value)
    assert str(tmp_path / ".pyenv") in str(caught.value)


@pytest.mark.parametrize("request_", ["my.venv", "my.env", "3.venv"])
def test_a_name_without_a_version_is_none_of_pyenvs_versions(tmp_path, request_):
    made = tmp_path / ".pyenv" / "versions" / "3.12.1" / "bin"
    made.mkdir(parents=True)
    (made / "python").touch()
    with pytest.raises((InterpreterNotFound, InvalidPythonRequest)):
        find_interpreter(request_, {"HOME": str(tmp_path), "PATH": ""})


def test_a_missing_environment_is_named_as_a_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for request in (".venv", "a b/.venv"):
        with pytest.raises(InterpreterNotFound) as caught:
            find_interpreter(request, {"HOME": str(tmp_path), "PATH": ""})
        assert [each.text for each in caught.value.causes] == ["there is no such file or directory"]
    assert caught.value.hints == ("make a virtual environment there with `puffin venv 'a b/.venv'`",)


def test_pyenv_versions_take_the_place_of_its_shims(tmp_path):
    for name in ("3.99.2", "3.99.10", "3.98.1", "mine"):
        (tmp_path / "versions" / name / "bin").mkdir(parents=True)
        (tmp_path / "versions" / name / "bin" / "python").touch()
    environ = {"HOME": str(tmp_path), "PYENV_ROOT": str(tmp_path), "PATH": str(tmp_path / "shims")}
    assert find_interpreter("3.99", environ) == str(tmp_path / "versions/3.99.10/bin/python")
    assert find_interpreter(">=3.98,<3.99", environ) == str(tmp_path / "versions/3.98.1/bin/python")
    active = {**environ, "PYENV_VERSION": "3.99.2"}
    assert find_interpreter("3.99", active) == str(tmp_path / "versions/3.99.2/bin/python")


def test_paths_are_taken_as_they_are(tmp_path):
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    python = tmp_path / "venv" / "bin" / "python"
    python.touch()
    assert find_interpreter(str(tmp_path / "venv"), {}) == str(python)
    assert find_interpreter(str(python), {}) == str(python)
    with pytest.raises(InterpreterNotFound, match="nowhere"):
        find_interpreter(str(tmp_path / "nowhere"), {})
    with pytest.raises(InterpreterNotFound):
        find_interpreter(str(tmp_path / "venv" / "bin"), {})


def test_value_is_frozen():
    facts: Interpreter = made_up("/opt/python")
    with pytest.raises(AttributeError):
        facts.prefix = "/elsewhere"


@pytest.mark.parametrize(
    ("request_", "plain"),
    [
        ("cpython@3.12", "cpython3.12"), ("cp312", "cpython3.12"), ("pp310", "pypy3.10"), ("pypy@3.10", "pypy3.10"),
        ("cpython@>=3.12,<3.13", "cpython>=3.12,<3.13"), ("3.12", "3.12"), (">=3.11,<3.13", ">=3.11,<3.13"),
        ("python3.12", "python3.12"), ("pypy", "pypy"), ("a@b", "a@b"), ("cp", "cp"),
    ],
)  # fmt: skip
def test_requests_of_uv(request_: str, plain: str) -> None:
    assert plain_request(request_) == plain
