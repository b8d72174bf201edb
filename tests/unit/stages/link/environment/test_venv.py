import multiprocessing
import os
import shutil
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puffin.cache.layout import Cache
from puffin.errors import PuffinError
from puffin.stages.link.environment import activators
from puffin.stages.link.environment.environment import (
    ExternallyManaged,
    NoEnvironment,
    SiteNotWritable,
    check_target,
    environment_of,
    find_environment,
    read_config,
)
from puffin.stages.link.environment.venv import (
    VenvExists,
    VenvFailed,
    VenvRefused,
    create_venv,
    seed_requirements,
)
from puffin.stages.link.interpreter.interpreter import InspectFailed
from puffin.stages.link.interpreter.known import inspect_interpreter
from tests.helpers.pythons import VERSIONS, base_python, made_up, real_python


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return Cache(str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="module")
def python(cache):
    return inspect_interpreter(base_python(), cache)


def tree(path):
    return {os.path.relpath(os.path.join(top, name), path) for top, _, names in os.walk(path) for name in names}


def run(environment, code):
    done = subprocess.run([environment.executable, "-I", "-c", code], capture_output=True)
    assert done.returncode == 0, done.stderr
    return os.fsdecode(done.stdout).strip()


def test_holds_what_it_should(tmp_path, python):
    environment = create_venv(str(tmp_path / "v"), interpreter=python, seed=("pip",), prompt="my env")
    short = f"python{python.version[0]}.{python.version[1]}"
    scripts = {"activate", "activate.csh", "activate.fish", "activate.nu", "activate.ps1", "activate.bat"}
    scripts |= {"activate.xsh", "deactivate.bat", "python", "python3", short}
    top = {"pyvenv.cfg", ".gitignore", "CACHEDIR.TAG"}
    assert tree(tmp_path / "v") == top | {f"bin/{name}" for name in scripts}
    assert read_config(environment.root) == {
        "home": os.path.dirname(python.base_executable),
        "implementation": "CPython",
        "puffin": read_config(environment.root)["puffin"],
        "version_info": python.version_text,
        "include-system-site-packages": "false",
        "seed": "true",
        "prompt": "my env",
    }
    assert (tmp_path / "v" / ".gitignore").read_text() == "*\n"
    assert environment.seed
    assert not environment.relocatable
    assert os.listdir(tmp_path) == ["v"]


@pytest.mark.parametrize("version", VERSIONS)
def test_python_finds_itself_in_it(tmp_path, cache, version):
    path = real_python(version)
    if not path:
        pytest.skip(f"no Python {version} here")
    environment = create_venv(str(tmp_path / "v"), interpreter=inspect_interpreter(path, cache))
    code = (
        "import sys, sysconfig; print(sys.prefix, sysconfig.get_path('purelib'), sysconfig.get_path('scripts'))"
    )
    assert run(environment, code) == f"{environment.root} {environment.purelib} {environment.scripts}"
    asked = find_environment(environment.root, {}, str(tmp_path), cache)
    assert (asked.purelib, asked.headers, asked.is_venv) == (environment.purelib, environment.headers, True)


def test_system_site_packages(tmp_path, python):
    environment = create_venv(str(tmp_path / "v"), interpreter=python, system_site_packages=True)
    assert environment.system_site_packages
    shared = run(environment, "import sys; print([p for p in sys.path if p.endswith('-packages')])")
    assert python.base_prefix in shared


def test_nested_one_names_the_base(tmp_path, cache, python):
    outer = create_venv(str(tmp_path / "outer"), interpreter=python)
    inner = create_venv(str(tmp_path / "inner"), interpreter=inspect_interpreter(outer.executable, cache))
    assert read_config(inner.root)["home"] == read_config(outer.root)["home"]
    shutil.rmtree(outer.root)
    assert run(inner, "import sys; print(sys.prefix)") == inner.root


@pytest.mark.parametrize(
    "name", ["plain", "it's", "a b", "$HOME`x`", 'dou"ble', "@@ROOT@@", "\udcff\udcfe", "é"]
)
@pytest.mark.parametrize("shell", ["sh", "bash", "zsh", "ksh"])
def test_posix_activation(tmp_path, python, name, shell):
    if not shutil.which(shell):
        pytest.skip(f"no {shell} here")
    environment = create_venv(str(tmp_path / name), interpreter=python)
    code = '. ./activate && command -v python && deactivate && command -v python; echo "[$VIRTUAL_ENV]"'
    environ = {"PATH": os.path.dirname(base_python()) + os.pathsep + os.environ["PATH"], "LC_ALL": "C"}
    said = subprocess.run(
        [shell, "-c", code], cwd=os.fsencode(environment.scripts), env=environ, capture_output=True
    )
    first, second, third = os.fsdecode(said.stdout).splitlines()
    assert first == f"{environment.root}/bin/python", said.stderr
    assert not second.startswith(environment.root)
    assert third == "[]"


def test_prompt_is_never_run(tmp_path, python):
    mark = tmp_path / "mark"
    environment = create_venv(str(tmp_path / "v"), interpreter=python, prompt=f"$(touch {mark})`touch {mark}`")
    code = 'PS1="> "; . bin/activate; printf %s "${PS1@P}"'
    said = subprocess.run(["bash", "-c", code], cwd=environment.root, capture_output=True)
    assert said.stdout == f"($(touch {mark})`touch {mark}`) > ".encode()
    assert not mark.exists()


def test_relocatable_one_moves(tmp_path, python):
    environment = create_venv(str(tmp_path / "old"), interpreter=python, relocatable=True)
    assert environment.relocatable
    os.rename(tmp_path / "old", tmp_path / "new")
    said = subprocess.run(
        ["bash", "-c", ". new/bin/activate; command -v python"], cwd=tmp_path, capture_output=True
    )
    assert said.stdout.decode().strip() == str(tmp_path / "new" / "bin" / "python")


def test_moved_one_says_so(tmp_path, python):
    create_venv(str(tmp_path / "old"), interpreter=python)
    os.rename(tmp_path / "old", tmp_path / "new")
    said = subprocess.run(["sh", "-c", ". new/bin/activate || echo failed"], cwd=tmp_path, capture_output=True)
    assert said.stdout == b"failed\n"
    assert str(tmp_path / "old").encode() in said.stderr


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=20))
def test_sh_quoting_is_taken_back(value):
    import shlex

    assert shlex.split(activators.quote_sh(value.encode()).decode()) == [value]


@given(st.binary(max_size=20).filter(lambda value: b"\0" not in value))
def test_xonsh_quoting_is_taken_back(value):
    import ast

    assert os.fsencode(ast.literal_eval(activators.quote_xonsh(value).decode())) == value


@pytest.mark.parametrize(
    ("quote", "value", "quoted"),
    [
        (activators.quote_csh, b"it's!\n", b"'it'\"'\"'s\\!\\\n'"),
        (activators.quote_fish, b"it's \\", b"'it\\'s \\\\'"),
        (activators.quote_nu, b'a "b" \\', b'"a \\"b\\" \\\\"'),
        (activators.quote_ps1, "it's \u2019$x".encode(), "'it''s \u2019\u2019$x'".encode()),
        (activators.quote_bat, b'a%b"c\r\nd', b"a%%bc  d"),
    ],
)
def test_quoting(quote, value, quoted):
    assert quote(value) == quoted


def test_bat_has_the_line_ends_of_its_system():
    text = activators.activators("C:\\v", "Scripts", "v", relocatable=False)["activate.bat"]
    assert text.count(b"\r\n") == text.count(b"\n")
    assert b'set "VIRTUAL_ENV=C:\\v"\r\n' in text


def test_ps1_is_marked_as_utf_8():
    assert activators.activators("/v", "bin", "v", relocatable=False)["activate.ps1"].startswith(
        b"\xef\xbb\xbf"
    )


def test_existing_one_is_kept(tmp_path, python):
    create_venv(str(tmp_path / "v"), interpreter=python)
    (tmp_path / "v" / "mine").touch()
    with pytest.raises(VenvExists) as caught:
        create_venv(str(tmp_path / "v"), interpreter=python)
    assert "--clear" in caught.value.hints[0]
    assert (tmp_path / "v" / "mine").exists()


def test_clear_replaces(tmp_path, python):
    create_venv(str(tmp_path / "v"), interpreter=python)
    (tmp_path / "v" / "mine").touch()
    environment = create_venv(str(tmp_path / "v"), interpreter=python, occupied="clear")
    assert run(environment, "print(1)") == "1"
    assert not (tmp_path / "v" / "mine").exists()
    assert os.listdir(tmp_path) == ["v"]


def test_other_things_are_not_taken_for_one(tmp_path, python):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    (tmp_path / "file").touch()
    for name in ("full", "file"):
        with pytest.raises(VenvRefused):
            create_venv(str(tmp_path / name), interpreter=python)
    assert (tmp_path / "full" / "mine").exists()


def test_ground_is_never_cleared(tmp_path, python, monkeypatch):
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "mine").touch()
    monkeypatch.chdir(tmp_path / "project")
    for path in (".", str(tmp_path)):
        with pytest.raises(VenvRefused):
            create_venv(path, interpreter=python, occupied="clear")
    assert (tmp_path / "project" / "mine").exists()


def test_empty_and_linked_directories_are_filled(tmp_path, python):
    (tmp_path / "room").mkdir()
    (tmp_path / "link").symlink_to("room")
    create_venv(str(tmp_path / "link"), interpreter=python)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "room" / "pyvenv.cfg").exists()


def test_failure_leaves_nothing(tmp_path, python, monkeypatch):
    from puffin.stages.link.environment import venv

    def fail(*_):
        raise OSError(28, "No space left on device")

    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "pyvenv.cfg").write_text("home = /x\n")
    monkeypatch.setattr(venv, "place_interpreter", fail)
    with pytest.raises(VenvFailed, match="Failed to create"):
        create_venv(str(tmp_path / "v"), interpreter=python, occupied="clear")
    assert os.listdir(tmp_path) == ["v"]
    assert os.listdir(tmp_path / "v") == ["pyvenv.cfg"]


def test_unwritable_parent_is_named(tmp_path, python, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(VenvFailed) as caught:
        create_venv(str(tmp_path / "v"), interpreter=python)
    assert str(caught.value.causes[0]) == f"Permission denied (`{tmp_path}`)"
    assert os.listdir(tmp_path) == []


def make(path, python, results):
    try:
        create_venv(path, interpreter=python)
        results.put("made")
    except PuffinError as error:
        results.put(type(error).__name__)


def test_two_at_once(tmp_path, python):
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    arguments = (str(tmp_path / "v"), python, results)
    workers = [context.Process(target=make, args=arguments) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(results.get() for _ in workers) == ["VenvExists"] * 5 + ["made"]
    assert os.listdir(tmp_path) == ["v"]


@pytest.mark.parametrize(
    ("version", "names"),
    [((3, 12, 0), ("pip",)), ((3, 11, 9), ("pip", "setuptools", "wheel")), ((3, 13), ("pip",))],
)
def test_seeds(version, names):
    assert seed_requirements(version) == names


def test_order_of_search(tmp_path, cache, python):
    near = create_venv(str(tmp_path / "project" / ".venv"), interpreter=python)
    active = create_venv(str(tmp_path / "active"), interpreter=python)
    conda = create_venv(str(tmp_path / "conda"), interpreter=python)
    asked = create_venv(str(tmp_path / "asked"), interpreter=python)
    deep = tmp_path / "project" / "src" / "deep"
    deep.mkdir(parents=True)
    both = {"VIRTUAL_ENV": active.root, "CONDA_PREFIX": conda.root}

    def found(option, environ):
        return find_environment(option, environ, str(deep), cache).root

    assert found(None, {}) == near.root
    assert found(None, {"CONDA_PREFIX": conda.root}) == conda.root
    assert found(None, both) == active.root
    assert found(asked.root, both) == asked.root
    assert found(asked.executable, both) == asked.root
    assert found(f"{python.version[0]}.{python.version[1]}", both) == active.root


def test_none_near(tmp_path, cache):
    if any(os.path.exists(os.path.join(str(parent), ".venv")) for parent in tmp_path.parents):
        pytest.skip("there is an environment above the temporary directory")
    with pytest.raises(NoEnvironment) as caught:
        find_environment(None, {}, str(tmp_path), cache)
    assert "puffin venv" in str(caught.value)
    assert "--python" in str(caught.value)


def test_removed_one_is_an_error_not_skipped(tmp_path, cache, python):
    create_venv(str(tmp_path / ".venv"), interpreter=python)
    with pytest.raises(InspectFailed, match="VIRTUAL_ENV"):
        find_environment(None, {"VIRTUAL_ENV": str(tmp_path / "gone")}, str(tmp_path), cache)


def test_system_passes_environments_over(tmp_path, cache, python):
    active = create_venv(str(tmp_path / "v"), interpreter=python)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").symlink_to(base_python())
    path = os.pathsep.join((active.scripts, str(tmp_path / "bin")))
    environ = {"PATH": path, "VIRTUAL_ENV": active.root}
    found = find_environment(None, environ, str(tmp_path), cache, system=True)
    assert not found.is_venv
    assert found.root == python.prefix


def managed(tmp_path, text):
    root = tmp_path / "python"
    (root / "lib" / "python3.12" / "site-packages").mkdir(parents=True)
    (root / "lib" / "python3.12" / "EXTERNALLY-MANAGED").write_text(text)
    return environment_of(made_up(str(root)))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[externally-managed]\nError=Ask apt.\n and 100% of it\n", "Ask apt."),
        ("[other]\n", "another package manager"),
        ("junk", "another package manager"),
        ("[externally-managed]\nError-xx=nicht\n", "another package manager"),
    ],
)
def test_managed_installation_is_refused(tmp_path, text, shown):
    environment = managed(tmp_path, text)
    with pytest.raises(ExternallyManaged) as caught:
        check_target(environment)
    assert shown in str(caught.value)
    assert any("--break-system-packages" in hint for hint in caught.value.hints)
    check_target(environment, break_system_packages=True)


def test_unwritable_site_packages(tmp_path, monkeypatch):
    environment = environment_of(made_up(str(tmp_path / "python")))
    check_target(environment)
    monkeypatch.setattr(os, "access", lambda *_: False)

    def refuse(*_):
        raise PermissionError(13, "Permission denied", "x")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(SiteNotWritable) as caught:
        check_target(environment)
    assert str(caught.value) == f"Cannot write to `{environment.purelib}`"
    assert str(caught.value.causes[0]) == "Permission denied"


@pytest.mark.skipif(sys.platform == "win32", reason="launchers are copied there")
def test_free_threaded_name(tmp_path):
    python = made_up("/opt/python", gil_disabled=True)
    create_venv(str(tmp_path / "v"), interpreter=python)
    assert os.readlink(tmp_path / "v" / "bin" / "python3.12t") == "python"
    assert os.readlink(tmp_path / "v" / "bin" / "python") == "/opt/python/bin/python3.12"
    assert os.readlink(tmp_path / "v" / "lib64") == "lib"


def test_what_a_killed_run_left_beside_it_goes(tmp_path, python):
    for name in (".v.123-0123abcd.new", ".v.45-0123abcd.old", ".v.x", ".v.12-0123.new", ".vv.12-0123abcd.new"):
        (tmp_path / name / "lib").mkdir(parents=True)
    create_venv(str(tmp_path / "v"), interpreter=python)
    assert sorted(os.listdir(tmp_path)) == [".v.12-0123.new", ".v.x", ".vv.12-0123abcd.new", "v"]


@pytest.mark.parametrize("name", ["old", "a b", "it's"])
@pytest.mark.parametrize("relocatable", [True, False])
@pytest.mark.parametrize("shell", ["csh", "tcsh"])
def test_csh_finds_an_environment_that_moved(tmp_path, python, shell, relocatable, name):
    if not shutil.which(shell):
        pytest.skip(f"no {shell} here")
    create_venv(str(tmp_path / name), interpreter=python, relocatable=relocatable)
    place = tmp_path / name
    if relocatable:
        place = place.rename(tmp_path / "new place")
    lines = ('source "$ACTIVATE:q"', "echo $VIRTUAL_ENV:q", "which python", "deactivate", "echo $?VIRTUAL_ENV")
    (tmp_path / "script").write_text("".join(f"{line}\n" for line in lines))
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "ACTIVATE": str(place / "bin/activate.csh")}
    said = subprocess.run(
        [shutil.which(shell), "-f", tmp_path / "script"], env=environ, capture_output=True, text=True
    )
    assert said.stdout.splitlines() == [str(place), f"{place}/bin/python", "0"], said.stderr


@pytest.mark.parametrize("relocatable", [True, False])
def test_nushell_finds_an_environment_that_moved(tmp_path, python, relocatable):
    if not shutil.which("nu"):
        pytest.skip("no nu here")
    create_venv(str(tmp_path / "a b"), interpreter=python, relocatable=relocatable)
    place = (tmp_path / "a b").rename(tmp_path / "new place") if relocatable else tmp_path / "a b"
    script = (
        f'overlay use "{place}/bin/activate.nu"\nprint $env.VIRTUAL_ENV\nwhich python | get path.0 | print\n'
    )
    (tmp_path / "script.nu").write_text(script)
    said = subprocess.run(["nu", "-n", tmp_path / "script.nu"], capture_output=True, text=True)
    assert said.stdout.splitlines() == [str(place), f"{place}/bin/python"], said.stderr
