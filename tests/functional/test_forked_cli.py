"""The command lines of the tests are forked processes: they say and do what a process of their own does."""

from tests.helpers.cli import Puffin
from tests.helpers.forked_cli import ForkedPuffin
from tests.helpers.wheels import forge_wheel

COMMANDS = [
    (("--version",), "", {}),
    (("--help",), "", {"COLUMNS": "60"}),
    (("pip", "sync", "absent.txt"), "", {}),
    (("pip", "sync", "-", "--no-index", "--find-links", "links"), "alpha==1.0\n", {}),
    (("pip", "sync", "-", "--no-index", "--find-links", "links", "--executor", "pool"), "alpha==2.0\n", {}),
    (("pip", "install", "beta", "--no-index", "--find-links", "links"), "", {"PUFFIN_VERBOSE": "1"}),
    (("pip", "freeze"), "", {"PYTHONUTF8": "0", "LC_ALL": "C"}),
    (("pip", "list", "--format", "json"), "", {"TZ": "Asia/Tokyo"}),
    (("pip", "compile", "-", "--no-index", "-f", "links"), "beta\n", {}),
]


def test_a_forked_command_is_as_one_of_its_own(tmp_path, interpreters, commands):
    told = []
    for puffin in (
        Puffin(tmp_path / "a" / "p", interpreters),
        ForkedPuffin(tmp_path / "b" / "p", interpreters, commands),
    ):
        puffin.venv()
        for version in ("1.0", "2.0"):
            for name in ("alpha", "beta"):
                filename, data = forge_wheel(name, version)
                puffin.file(f"links/{filename}", data)
        told.append([])
        for words, stdin, env in COMMANDS:
            done = puffin(*words, stdin=stdin, env=env)
            told[-1].append((words, done.code, done.out, done.err))
    assert told[0] == told[1]
