"""How builds fail: what broke, how it ended, what the log says of it, and what is hinted."""

from __future__ import annotations

from pathlib import Path

import pytest

from puffin.stages.build.failures import BackendBroken, BuildFailed
from tests.helpers.backends import BACKEND, failing, failure, hook_job, source_tree
from tests.helpers.faults import small_disk


def test_a_hook_that_raises(tmp_path: Path) -> None:
    more = """
def build_wheel(*_):
    print("on stdout")
    os.system("echo from a command >&2")
    print("on stderr", file=sys.stderr)
    raise ValueError("no such luck")
"""
    error = failing(tmp_path, more)
    line = BACKEND.count("\n") + 6
    assert str(error).splitlines() == [
        "Failed to build `toy==1`",
        "`toy_backend.build_wheel` failed (exit status 1)",
        "",
        "[output]",
        "on stdout",
        "from a command",
        "on stderr",
        "Traceback (most recent call last):",
        f'  File "{tmp_path}/tree/backend/toy_backend.py", line {line}, in build_wheel',
        '    raise ValueError("no such luck")',
        "ValueError: no such luck",
        "",
        f"The whole log is `{tmp_path}/logs/toy.log`",
    ]
    assert error.hints == ()
    assert Path(error.log).read_text().splitlines() == list(error.tail)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("sys.exit('gave up')", "exit status 1"),
        ("sys.exit(3)", "exit status 3"),
        ("sys.exit()", "exit status 0"),
        ("os._exit(4)", "exit status 4"),
        ("os.kill(os.getpid(), 9)", "killed by signal 9, SIGKILL"),
        ("os.kill(os.getpid(), 11)", "killed by signal 11, SIGSEGV"),
        ("os.killpg(0, 15)", "killed by signal 15, SIGTERM"),
        ("raise KeyboardInterrupt", "exit status 1"),
    ],
)
def test_how_it_ended(tmp_path: Path, body: str, status: str) -> None:
    error = failing(tmp_path, f"\ndef build_wheel(*_): {body}\n")
    assert (error.hook, error.status) == ("toy_backend.build_wheel", status)
    assert bool(error.hints) == ("SIGKILL" in status)


def test_the_words_of_an_exit_are_in_the_log(tmp_path: Path) -> None:
    assert failing(tmp_path, "\ndef build_wheel(*_): sys.exit('gave up')\n").tail == ("gave up",)


def test_a_failure_in_the_first_hook(tmp_path: Path) -> None:
    error = failing(tmp_path, "\ndef get_requires_for_build_wheel(*_): 1/0\n")
    assert error.hook == "toy_backend.get_requires_for_build_wheel"


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ("def build_wheel(*_): return None", "`build_wheel` returned None, which is not the name of a wheel"),
        (
            "def build_wheel(*_): return 'x.whl'",
            "`build_wheel` returned `x.whl`, and there is no such wheel where it should be",
        ),
        (
            "def build_wheel(*_): return '../x.whl'",
            "`build_wheel` returned `../x.whl`, and there is no such wheel where it should be",
        ),
        (
            "def get_requires_for_build_wheel(*_): return 'setuptools'",
            "`get_requires_for_build_wheel` returned 'setuptools', which is not a list of requirements",
        ),
        ("del build_wheel", "the build backend has no hook `build_wheel`"),
    ],
)
def test_backends_that_break_the_specification(tmp_path: Path, more: str, reason: str) -> None:
    error = failing(tmp_path, f"\n{more}\n")
    assert isinstance(error, BackendBroken)
    assert error.reason == reason
    assert str(error).splitlines()[1] == f"The build backend `toy_backend` cannot be used: {reason}"


def test_no_metadata_where_it_was_promised(tmp_path: Path) -> None:
    error = failing(tmp_path, "\ndef prepare_metadata_for_build_wheel(*_): return 'x'\n", goal="metadata")
    assert isinstance(error, BackendBroken)
    assert "there is no such metadata" in error.reason


def test_a_backend_without_editable_wheels(tmp_path: Path) -> None:
    error = failing(tmp_path, "", goal="editable")
    assert isinstance(error, BackendBroken)
    assert error.hints == (
        "install it without `-e`, or require a version of the backend that supports PEP 660",
    )


@pytest.mark.parametrize("backend", ["absent", "absent.part:object", "toy_backend.inner"])
def test_a_backend_that_is_not_there(tmp_path: Path, backend: str) -> None:
    error = failing(tmp_path, "", backend=backend)
    assert isinstance(error, BackendBroken)
    assert error.reason.startswith("there is no module `")
    assert error.tail[-1].startswith("ModuleNotFoundError: No module named")
    assert "`requires` under `[build-system]`" in error.hints[0]


def test_a_backend_that_is_not_installed_without_isolation(tmp_path: Path) -> None:
    error = failing(tmp_path, "", backend="absent", isolated=False)
    assert error.tail == ("ModuleNotFoundError: No module named 'absent'",)
    assert error.hints == (
        "install the package with the module `absent` into the environment first, or leave out `--no-build-isolation`",
    )


def test_a_backend_object_that_is_not_there(tmp_path: Path) -> None:
    error = failing(tmp_path, "", backend="toy_backend:some.thing")
    assert isinstance(error, BackendBroken)
    assert error.reason == "`toy_backend` has no `some.thing`"


def test_an_in_tree_backend_is_not_taken_from_elsewhere(tmp_path: Path) -> None:
    error = failing(tmp_path, "", backend="json")
    assert isinstance(error, BackendBroken)
    assert error.reason == "`json` was imported from outside `backend-path`"


def test_an_undeclared_build_requirement(tmp_path: Path) -> None:
    error = failing(tmp_path, "\ndef build_wheel(*_): import numpy_of_old.core\n")
    assert type(error) is BuildFailed
    assert error.hints == (
        "`toy` does not declare the package with the module `numpy_of_old` as a build requirement: add it to `requires`"
        " under `[build-system]` in its `pyproject.toml`, or install it into the environment and use"
        " `--no-build-isolation-package toy`",
    )


@pytest.mark.parametrize(
    ("printed", "hint"),
    [
        ("ModuleNotFoundError: No module named 'pkg_resources'", "setuptools<82"),
        ("ModuleNotFoundError: No module named 'distutils.core'", "Python 3.12"),
        ("error: command 'gcc' failed: No such file or directory", "compiler: `gcc`"),
        (
            "error: [Errno 2] No such file or directory: 'x86_64-linux-gnu-gcc'",
            "compiler: `x86_64-linux-gnu-gcc`",
        ),
        ("a.c:1:10: fatal error: Python.h: No such file or directory", "headers of this Python"),
        ("a.c:1:10: fatal error: ffi.h: No such file or directory", "header `ffi.h`"),
        ("/usr/bin/ld: cannot find -lxml2: No such file or directory", "library `xml2`"),
        ("OSError: [Errno 28] No space left on device: '/tmp/x'", "TMPDIR"),
    ],
)
def test_hints_from_the_log(tmp_path: Path, printed: str, hint: str) -> None:
    error = failing(tmp_path, f"\ndef build_wheel(*_): sys.exit({printed!r})\n")
    (found,) = error.hints
    assert hint in found


@pytest.mark.parametrize("full", ["output", "logs"])
def test_a_full_disk(tmp_path: Path, full: str) -> None:
    more = """
def build_wheel(wheel_directory, *_):
    if os.path.exists("fill"):
        print("x" * (1 << 20))
    return write_wheel(wheel_directory, {"toy.py": "x" * (1 << 20)})
"""
    tree = source_tree(tmp_path, more)
    if full == "logs":
        (tree / "fill").touch()
    with small_disk(tmp_path / full, "64k"):
        error = failure(hook_job(tmp_path, tree, environ=(("TMPDIR", "/scratch"),)))
    assert error.hook == "toy_backend.build_wheel"
    assert error.hints == (
        "make room in the cache and in `/scratch`, or point `TMPDIR` and `PUFFIN_CACHE_DIR` elsewhere",
    )


def test_what_is_shown_of_the_log(tmp_path: Path) -> None:
    more = """
def build_wheel(*_):
    for number in range(100):
        print(number)
    print("https://user:secret@host/x \\x1b[31mred\\x1b[0m")
    print("10%\\r50%\\r100%", end="\\n\\n")
    sys.exit(2)
"""
    error = failing(tmp_path, more)
    assert error.tail == (*map(str, range(62, 100)), "https://****@host/x red", "100%")
    assert "secret" in Path(error.log).read_text()


def test_an_interpreter_that_is_not_there(tmp_path: Path) -> None:
    error = failing(tmp_path, "", python=str(tmp_path / "bin" / "python"))
    assert error.status == "it could not be started"
    assert "No such file" in str(error.causes[0])


def test_an_interpreter_that_ends_at_once(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho broken >&2\nexit 7\n")
    python.chmod(0o755)
    error = failing(tmp_path, "", python=str(python))
    assert (error.hook, error.status, error.tail) == ("", "exit status 7", ("broken",))
