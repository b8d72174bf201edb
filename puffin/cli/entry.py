"""The entry point. A kept answer is repeated with ``os`` and ``sys`` alone; everything else is imported late."""

import gc
import os
import sys
from _frozen_importlib_external import (  # importlib's, but loaded already
    SourceFileLoader,
    spec_from_file_location,
)
from time import perf_counter, process_time

from puffin import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from typing import Any, NoReturn

# commands whose usual options are read by hand: the table of these, and the function that runs the command
_BY_HAND = {
    "pip sync": ("puffin.cli.options.table:SYNC", "puffin.cli.commands.sync:sync_command"),
    "sync": ("puffin.cli.options.workspace:WORKSPACE_SYNC", "puffin.cli.commands.workspace:workspace_command"),
    "pip install": ("puffin.cli.options.resolve:INSTALL", "puffin.cli.commands.install:install_command"),
    "pip compile": ("puffin.cli.options.resolve:COMPILE", "puffin.cli.commands.compile:compile_command"),
}
STARTED = perf_counter()
STARTED_CPU = process_time()  # what the interpreter needed to get here


def run() -> "NoReturn":
    """Run the command line of this process and end it."""
    gc.disable()  # a command lives for moments, and what it makes lives as long
    if not os.environ.get("HOME", "~"):
        del os.environ["HOME"]  # empty is as good as unset; Python takes it for the root directory
    _isolate(os.environ.get("PYTHONPATH", ""))
    sys.meta_path.insert(0, _Finder)
    _open_streams()
    _set_umask(os.environ.get("PUFFIN_UMASK", ""))
    unwritten: str | None = ""
    try:
        code = main(sys.argv[1:])
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = 130  # so early, or so late, that there is nothing to undo
    except BrokenPipeError:
        code = 1
    except OSError as error:  # of the help, or of what had not been written yet
        code, unwritten = 1, error.strerror
    try:
        if unwritten:
            sys.stderr.write(f"error: Failed to write the output: {unwritten}\n")
        sys.stderr.flush()
    finally:  # even if nothing can be written to stderr
        os._exit(code)  # taking the interpreter down in order costs more than many a command


def _isolate(given: str) -> None:
    """Take off ``sys.path`` what belongs to other programs: PYTHONPATH, the user site, the directory of the launcher.

    With ``python -m puffin`` the last one is the working directory. The place of puffin itself stays, and what
    PYTHONPATH names in puffin's environment. The variable stays for those that puffin starts.
    """
    path = sys.path
    places = set() if sys.flags.safe_path else {path[0]}
    if given:
        inside = tuple({f"{prefix}{os.sep}" for prefix in (sys.prefix, sys.base_prefix)})
        others = [os.path.abspath(each) for each in given.split(os.pathsep)]
        places.update(each for each in others if not each.startswith(inside))
    user = getattr(sys.modules.get("site"), "USER_SITE", None)
    if user:
        places.add(user)
    places.discard(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    path[:] = [each for each in path if each not in places]


class _Finder:
    """Finds a module of puffin at its name: Python's own finder lists the directory of each package before."""

    @staticmethod
    def find_spec(
        name: str, path: "Sequence[str] | None" = None, _target: object = None
    ) -> "ModuleSpec | None":
        """Return the spec that the general finder would; None if that one has to look for the module."""
        if not path or not name.startswith("puffin."):
            return None
        place = f"{path[0]}{os.sep}{name.rpartition('.')[2]}"
        for file, inside in ((f"{place}.py", None), (f"{place}{os.sep}__init__.py", [place])):
            try:
                facts = os.stat(file)
            except OSError:  # puffin is in a zip file, or consists of bytecode
                continue
            loader = _Loader(name, file)
            loader.facts = facts
            return spec_from_file_location(name, file, loader=loader, submodule_search_locations=inside)
        return None


class _Loader(SourceFileLoader):
    """Reads as Python's own loader does, but without a file object, and without a second look at the source."""

    facts: "os.stat_result"

    def path_stats(self, path: str) -> "dict[str, Any]":
        """Return the time and the size of the source."""
        return {"mtime": self.facts.st_mtime, "size": self.facts.st_size}

    def get_data(self, path: str) -> bytes:
        """Return the bytes of a file (``OSError``)."""
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
        try:
            size = os.fstat(descriptor).st_size
            data = os.read(descriptor, size)
        finally:
            os.close(descriptor)
        return data if len(data) == size else super().get_data(path)


def _open_streams() -> None:
    """Open what is closed of the standard streams (``>&-``), so that no file gets their numbers."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115 - open to the end
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if stream.encoding != "utf-8":
            _encode(stream)


def _encode(stream: "Any") -> None:
    """Have *stream* take any text: of the locale C as UTF-8, which paths mostly are, else with marks for the rest."""
    encoding = stream.encoding.lower().replace("-", "")
    if encoding in ("ascii", "usascii", "ansi_x3.41968"):
        stream.reconfigure(encoding="utf-8", errors="surrogateescape")
    elif encoding != "utf8":
        stream.reconfigure(errors="replace")


def _set_umask(asked: str) -> None:
    """Have nothing made that others may write to, or what *asked* says, such as ``002`` for a group that shares."""
    if asked and len(asked) <= 4 and not asked.strip("01234567"):
        os.umask(int(asked, 8))
    else:
        os.umask(os.umask(0o077) | 0o022)


def main(argv: "list[str]") -> int:
    """Run the command line *argv* (without the program's name) and return its exit code."""
    if argv in (["--version"], ["-V"]):
        sys.stdout.write(f"puffin {__version__}\n")
        return 0
    where, argv = _directory(argv)
    if where:
        try:
            os.chdir(where)
        except OSError as error:
            sys.stderr.write(f"error: Failed to change to the directory `{where}`: {error.strerror}\n")
            return 2
    from puffin.cli.noop.question import question

    asked = question(argv, os.environ)
    return _run(argv) if asked is None else _answered(asked, argv)


def _directory(argv: "list[str]") -> "tuple[str, list[str]]":
    """Return the directory of ``--directory`` or its variable, ``""`` for none, and *argv* without that option."""
    where = os.environ.get("PUFFIN_DIRECTORY", "")
    for number, word in enumerate(argv):
        if word == "--":
            break
        if word == "--directory" and argv[number + 1 :]:
            return argv[number + 1], [*argv[:number], *argv[number + 2 :]]
        if word.startswith("--directory="):
            return word[len("--directory=") :], [*argv[:number], *argv[number + 1 :]]
    return where, argv


def _answered(asked: "tuple[Any, ...]", argv: "list[str]") -> int:
    """Repeat the answer to what is asked, or run the command line and keep its answer."""
    from puffin import depends
    from puffin.cli.noop.check import tell_answer
    from puffin.cli.noop.question import answer_place

    root, path = answer_place(asked, os.environ)
    if tell_answer(path, os.environ, STARTED):
        return 0
    noted = depends.begin()
    code = _run(argv)
    depends.end()
    if code == 0 and noted.settled:
        from puffin.cli.noop.record import keep

        keep(root, path, noted)
    return code


def _run(argv: "list[str]") -> int:
    command, words = _split(argv)
    if command not in _BY_HAND or (argv[0] != "pip" and "-n" in words):  # for `pip-sync`, `-n` is a dry run
        return _run_app(argv)
    code = _run_by_hand(command, words)
    return _run_app(argv) if code is None else code


def _run_by_hand(command: str, words: "list[str]") -> int | None:
    """Run a command whose usual options are read by hand: click takes longer to import than some of its runs take.

    Return its exit code; None for anything that click should judge.
    """
    from puffin.cli.options.table import read_by_hand

    rows, body = _BY_HAND[command]
    values = read_by_hand(_named(rows), words, os.environ)
    if values is None:
        return None
    from puffin.cli.commands.run import run_guarded

    return run_guarded(_named(body), command, {**values, "words": tuple(words)}, STARTED)


def _named(reference: str) -> "Any":
    module, _, name = reference.partition(":")
    __import__(module)
    return getattr(sys.modules[module], name)


def _run_app(argv: "list[str]") -> int:
    from puffin.cli.commands.app import run_app

    return run_app(argv, STARTED)


def _split(argv: "list[str]") -> "tuple[str, list[str]]":
    """Return the command, ``pip-sync`` as ``pip sync``, and the words after it."""
    if argv[:1] == ["pip"]:
        return " ".join(argv[:2]), argv[2:]
    return argv[0].replace("pip-", "pip ", 1) if argv else "", argv[1:]
