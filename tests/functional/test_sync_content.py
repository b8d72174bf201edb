"""What a sync puts on the disk: scripts, data, headers, RECORD and its companions, in every link mode and Python."""

import os
import stat
import subprocess

import pytest

from tests.helpers.cli import PYTHON, checked, told
from tests.helpers.pythons import real_python
from tests.helpers.waiting import SECONDS
from tests.helpers.wheels import Raw, forge_wheel

PRINT = {"tool/__init__.py": "import sys\ndef main():\n    print('tool', sys.prefix)\n"}
ENVIRON = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
GUI = "[console_scripts]\ntool = tool:main\n\n[gui_scripts]\ntool-gui = tool:main\n"


def _tool(**options):
    return forge_wheel("tool", "1.0", PRINT, entry_points=GUI, **options)


def _output(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, env=ENVIRON, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", [".venv", "with space", "it's", "long" * 40, "unicode-\u00e9\u4e16"])
def test_scripts_run_from_any_path(puffin, index, name):
    index.add(*_tool(scripts={"raw": "#!python\nprint('raw')\n", "raww": "#!pythonw -E\nprint('raww')\n",
                              "shell": "#!/bin/sh\necho shell\n"}))  # fmt: skip
    env = puffin.venv(name=name)
    done = puffin.sync("tool==1.0\n", "-i", index.url, "-p", env.root)
    assert done.code == 0, done.err
    for script in ("tool", "tool-gui"):
        assert _output(env.bin / script) == f"tool {env.root}\n"
    assert [_output(env.bin / script) for script in ("raw", "raww", "shell")] == ["raw\n", "raww\n", "shell\n"]
    assert {"../../../bin/tool", "../../../bin/tool-gui", "../../../bin/raw"} <= set(env.record("tool"))
    assert env.unlisted() == set()


def test_scripts_of_a_relocatable_environment_move_with_it(puffin, index):
    index.add(*_tool(scripts={"raw": "#!python\nprint('raw')\n"}))
    env = puffin.venv("--relocatable")
    puffin.sync("tool==1.0\n", "-i", index.url)
    assert str(env.root) not in (env.bin / "tool").read_text()
    moved = puffin.cwd / "moved here"
    env.root.rename(moved)
    assert _output(moved / "bin/tool") == f"tool {moved}\n"
    assert _output(moved / "bin/raw") == "raw\n"
    (puffin.cwd / "link").symlink_to(moved / "bin/tool")
    assert _output(puffin.cwd / "link") == f"tool {moved}\n"
    assert puffin.sync(None, "-p", moved, "-i", index.url).err == checked(1)


def test_scripts_of_pip_carry_the_version_of_the_environment(puffin, env, index):
    points = {"pip": "pip:main", "pip3": "pip:main", "pip3.8": "pip:main"}
    index.add(
        *forge_wheel("pip", "24.0", {"pip/__init__.py": "def main():\n    print('pip')\n"}, entry_points=points)
    )
    assert puffin.sync("pip==24.0\n", "-i", index.url).code == 0
    assert sorted(path.name for path in env.bin.glob("pip*")) == [
        "pip",
        "pip3",
        PYTHON.replace("python", "pip"),
    ]


def test_data_headers_and_the_other_library_directories(puffin, env, index):
    raw = [
        Raw("tool-1.0.data/headers/tool.h", b"#define TOOL\n"),
        Raw("tool-1.0.data/headers/deep/er.h", b"#define DEEPER\n"),
        Raw("tool-1.0.data/purelib/tool/pure.py", b"P = 1\n"),
        Raw("tool-1.0.data/platlib/tool/plat.py", b"P = 2\n"),
    ]
    index.add(*_tool(data={"share/man/tool.1": "manual", "etc/tool.conf": "x"}, raw_members=raw))
    assert puffin.sync("tool==1.0\n", "-i", index.url).code == 0
    assert (env.root / "share/man/tool.1").read_text() == "manual"
    assert (env.root / f"include/site/{PYTHON}/tool/tool.h").read_text() == "#define TOOL\n"
    assert (env.root / f"include/site/{PYTHON}/tool/deep/er.h").exists()
    assert env.run("-c", "import tool.pure, tool.plat; print(tool.pure.P, tool.plat.P)") == "1 2"
    rows = env.record("tool")
    assert {"../../../share/man/tool.1", f"../../../include/site/{PYTHON}/tool/tool.h", "tool/plat.py"} <= set(
        rows
    )
    assert env.unlisted() == set()
    assert puffin.sync(None, "-i", index.url).err == checked(1)
    assert puffin("pip", "uninstall", "tool").code == 0
    assert env.unlisted() == set()
    assert not (env.root / "share").exists()
    assert not (env.root / "etc").exists()


def test_record_installer_and_requested(puffin, env, index):
    index.add(
        *forge_wheel("alpha", "1.0", {"alpha/__init__.py": "", 'alpha/a,b"c.txt': "odd", "alpha/ü.txt": "ü"})
    )
    puffin.sync("alpha==1.0\n", "-i", index.url)
    info = env.info("alpha")
    assert (info / "INSTALLER").read_text() == "puffin\n"
    assert (info / "REQUESTED").read_bytes() == b""
    rows = env.record("alpha")
    assert {'alpha/a,b"c.txt', "alpha/ü.txt"} <= set(rows)
    assert {f"{info.name}/{name}" for name in ("INSTALLER", "REQUESTED", "RECORD", "METADATA", "WHEEL")} <= set(
        rows
    )
    assert env.unlisted() == set()


@pytest.mark.parametrize("record", ["missing", "wrong"])
def test_a_wrong_record_is_put_right(puffin, env, index, record):
    index.add(*forge_wheel("alpha", "1.0", record=record))
    assert puffin.sync("alpha==1.0\n", "-i", index.url).err == told(
        "+ alpha==1.0", pins=1, prepared=1, installed=1
    )
    assert "alpha/__init__.py" in env.record("alpha")
    assert env.unlisted() == set()


def test_statements_of_a_wheel_that_only_an_installer_may_make_are_not_taken_over(puffin, env, index):
    raw = [Raw("alpha-1.0.dist-info/direct_url.json", b'{"url": "https://evil.example/"}'),
           Raw("alpha-1.0.dist-info/INSTALLER", b"conda\n")]  # fmt: skip
    index.add(*forge_wheel("alpha", "1.0", raw_members=raw))
    assert puffin.sync("alpha==1.0\n", "-i", index.url).code == 0
    assert not (env.info("alpha") / "direct_url.json").exists()
    assert (env.info("alpha") / "INSTALLER").read_text() == "puffin\n"
    assert puffin.sync(None, "-i", index.url).err == checked(1)


@pytest.mark.parametrize("mode", ["", "clone", "hardlink", "copy", "symlink"])
def test_link_modes(puffin, env, index, mode):
    filename, data = forge_wheel("tool", "1.0", {**PRINT, "tool/run.sh": "#!/bin/sh\n"}, entry_points=GUI,
                                 executable=("tool/run.sh",))  # fmt: skip
    index.add(filename, data)
    assert puffin.sync("tool==1.0\n", "-i", index.url, *(("--link-mode", mode) if mode else ())).code == 0
    module = env.site / "tool/__init__.py"
    (cached,) = (puffin.cache / "archive-v0").rglob("tool/__init__.py")
    same = module.stat().st_ino == cached.stat().st_ino
    if mode in ("", "hardlink"):
        assert same
        assert not module.is_symlink()
    elif mode == "symlink":
        assert module.is_symlink()
        assert same
    elif mode == "copy":
        assert not same
        assert module.stat().st_nlink == 1
    assert module.read_bytes() == cached.read_bytes()
    assert (env.site / "tool/run.sh").stat().st_mode & stat.S_IXUSR
    assert not module.stat().st_mode & stat.S_IXUSR
    for path in (env.info("tool") / "RECORD", env.info("tool") / "REQUESTED", env.bin / "tool"):
        assert not path.is_symlink()
        assert path.stat().st_nlink == 1, "never shared with the cache"
    assert _output(env.bin / "tool") == f"tool {env.root}\n"
    env.record("tool")
    assert puffin.sync(None, "-i", index.url).err == checked(1)


@pytest.mark.parametrize("version", ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14"])
def test_pythons(puffin, index, version):
    python = real_python(version)
    if not python:
        pytest.skip(f"no Python {version} here")
    tag = "cp" + version.replace(".", "")
    index.add(*_tool())
    for each in ("cp38", "cp313", tag):
        index.add(*forge_wheel("native", "1.0", {"native.py": f"T = '{each}'\n"}, tag=f"{each}-none-any"))
    index.add(*forge_wheel("old", "1.0", requires_python="<3.12"), requires_python="<3.12")
    env = puffin.venv("-p", python)
    text = 'tool==1.0\nnative==1.0\nold==1.0 ; python_version < "3.12"\n'
    done = puffin.sync(text, "-i", index.url)
    assert done.code == 0, done.err
    assert (
        env.run("-c", "import native, sys; print(native.T, '%d.%d' % sys.version_info[:2])")
        == f"{tag} {version}"
    )
    assert ("old" in env.installed()) == (tuple(map(int, version.split("."))) < (3, 12))
    assert _output(env.bin / "tool") == f"tool {env.root}\n"
    assert env.site.parent.name == f"python{version}"
    assert env.unlisted() == set()
    env.record("tool")


@pytest.mark.parametrize("name", [".venv", "with space"])
def test_every_placeholder_of_an_interpreter_is_filled_in(puffin, index, name):
    words = ("python", "python3", "python3.12", "pythonw", "python3.13t", "python3 -E")
    scripts = {f"s{number}": f"#!{word}\nimport sys\nprint(sys.prefix)\n" for number, word in enumerate(words)}
    scripts |= {"crlf": "#!python\r\nimport sys\nprint(sys.prefix)\n", "not": "#!pythonic\n"}
    index.add(*forge_wheel("tool", "1.0", scripts=scripts))
    env = puffin.venv(name=name)
    assert puffin.sync("tool==1.0\n", "-i", index.url, "-p", env.root).code == 0
    for script in scripts.keys() - {"not"}:
        assert _output(env.bin / script) == f"{env.root}\n", script
    assert (env.bin / "not").read_text() == "#!pythonic\n"


def test_an_argument_of_a_placeholder_stays_in_any_form(puffin, index):
    code = "import sys\nprint(sys.flags.ignore_environment)\n"
    index.add(*forge_wheel("tool", "1.0", scripts={"isolated": f"#!python -E\n{code}"}))
    for words in ((), ("--relocatable",)):
        env = puffin.venv("--clear", *words)
        puffin.sync("tool==1.0\n", "-i", index.url)
        assert _output(env.bin / "isolated") == "1\n"


def test_directories_among_scripts(puffin, env, index):
    scripts = {"tool": "#!python\n", "inc/google/any.proto": "syntax\n", "inc/x.proto": "x"}
    index.add(*forge_wheel("deep", "1.0", scripts=scripts))
    index.add(*forge_wheel("other", "1.0", scripts={"inc/y.proto": "y"}))
    assert puffin.sync("deep==1.0\nother==1.0\n", "-i", index.url).code == 0
    assert (env.bin / "inc/google/any.proto").read_text() == "syntax\n"
    assert "../../../bin/inc/google/any.proto" in env.record("deep")
    assert puffin.sync(None, "-i", index.url).err == checked(2)
    (env.bin / "inc/google/any.proto").unlink()
    assert " ~ deep==1.0\n" in puffin.sync(None, "-i", index.url).err
    assert puffin.sync("other==1.0\n", "-i", index.url).code == 0
    assert os.listdir(env.bin / "inc") == ["y.proto"]
    assert puffin("pip", "uninstall", "other").code == 0
    assert not (env.bin / "inc").exists()


def test_data_for_lib64_goes_where_that_leads(puffin, env, index):
    assert (env.root / "lib64").is_symlink()
    data = {"lib64/x/y.txt": "y", "lib/x/z.txt": "z", "lib64/only/one.txt": "1"}
    index.add(*forge_wheel("pkg", "1.0", data=data))
    assert puffin.sync("pkg==1.0\n", "-i", index.url).code == 0
    assert (env.root / "lib64/x/y.txt").read_text() == "y"
    assert sorted(os.listdir(env.root / "lib/x")) == ["y.txt", "z.txt"]
    assert "../../../lib/x/y.txt" in env.record("pkg")
    assert (env.root / "lib64").is_symlink()
    assert puffin.sync(None, "-i", index.url).err == checked(1)
    assert puffin("pip", "uninstall", "pkg").code == 0
    assert not (env.root / "lib/x").exists()
    index.add(*forge_wheel("both", "1.0", data={"lib64/a.txt": "a", "lib/a.txt": "b"}))
    done = puffin.sync("both==1.0\n", "-i", index.url)
    assert done.code == 1
    assert "File exists" in done.err


def test_copies_have_the_modes_of_the_environment_and_not_of_the_cache(puffin, env, index):
    index.add(*forge_wheel("pkg", "1.0", {"pkg/__init__.py": "", "pkg/run": "x"}, executable=("pkg/run",)))
    former = os.umask(0o077)
    try:
        assert puffin.sync("pkg==1.0\n", "-i", index.url).code == 0
        os.umask(0o022)
        assert puffin.sync(None, "-i", index.url, "--reinstall", "--link-mode", "copy").code == 0
    finally:
        os.umask(former)
    modes = [stat.S_IMODE((env.site / "pkg" / name).stat().st_mode) for name in ("__init__.py", "run")]
    assert modes == [0o644, 0o755]


def test_names_that_differ_by_case_alone(puffin, env, index):
    index.add(*forge_wheel("cased", "1.0", {"cased/__init__.py": "", "cased/A.h": "1", "cased/a.h": "2"}))
    assert puffin.sync("cased==1.0\n", "-i", index.url).code == 0
    assert [(env.site / "cased" / name).read_text() for name in ("A.h", "a.h")] == ["1", "2"]
