"""Running the system's git, with the user's configuration but nothing of the current directory."""

import os
import shutil
import subprocess
from collections.abc import Mapping

from puffin import depends
from puffin.artifact.urls import split_credentials
from puffin.forks import silence
from puffin.signals import SIGTERM
from puffin.stages.fetch.git.errors import GitMissing
from puffin.stages.fetch.git.url import GitUrl
from puffin.value import frozen

# What `git rev-parse --local-env-vars` lists, but for GIT_CONFIG_COUNT, by which people hand credentials to git,
# and what changes where git looks or what it writes.
_DROPPED = frozenset(
    (
        "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_OBJECT_DIRECTORY", "GIT_DIR",
        "GIT_WORK_TREE", "GIT_IMPLICIT_WORK_TREE", "GIT_GRAFT_FILE", "GIT_INDEX_FILE", "GIT_NO_REPLACE_OBJECTS",
        "GIT_REPLACE_REF_BASE", "GIT_PREFIX", "GIT_SHALLOW_FILE", "GIT_COMMON_DIR", "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_NAMESPACE", "GIT_TEMPLATE_DIR", "GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM",
        "GIT_LITERAL_PATHSPECS", "GIT_QUARANTINE_PATH", "GIT_ATTR_SOURCE", "GIT_DEFAULT_HASH",
    )
)  # fmt: skip
_SETTINGS = (
    ("core.hooksPath", os.devnull),
    ("core.fsmonitor", "false"),
    ("core.autocrlf", "false"),
    ("protocol.ext.allow", "never"),
    ("submodule.recurse", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("http.lowSpeedLimit", "100"),  # bytes per second, below which a transfer counts as dead after …
    ("http.lowSpeedTime", "60"),  # … so many seconds
)
# A shell that becomes git, and leaves a child behind that ends the whole group when the pipe at its standard input
# is closed: by us, or by the kernel if this process is killed.
_WATCH = 'exec 3<&0 </dev/null; (read _ <&3; kill -s KILL -- -$$) >/dev/null 2>&1 & exec "$@" 3<&-'
_GUARD = ("/bin/sh", "-c", _WATCH, "git") if os.path.exists("/bin/sh") else ()
_GRACE = 2.0  # seconds between asking git to end and ending it


@frozen
class GitResult:
    """What a git command returned: its exit status, and its output as text."""

    status: int
    out: str
    err: str


class Git:
    """Runs git for one repository. ``above`` is a directory above which git must not look for a repository."""

    def __init__(self, url: "GitUrl", *, environ: "Mapping[str, str]", above: str, package: str) -> None:
        self._url = url
        self._package = package
        self._program = _program(environ, package)
        self._environ = _environment(url, environ, above)
        self._settings = _settings(url, environ)

    def run(self, *arguments: str, cwd: str) -> GitResult:
        """Run git with *arguments* in *cwd*. Raises GitMissing; git outlives neither this call nor this process."""
        reader, writer = os.pipe()
        try:
            process = self._start(arguments, cwd, reader)
            try:
                out, err = process.communicate(timeout=silence())
            except subprocess.TimeoutExpired:
                end_group(process)
                return GitResult(status=-9, out="", err=f"git did not end within {silence():g} s")
            except BaseException:
                end_group(process)
                raise
        finally:
            os.close(writer)
        text = [each.decode("utf-8", "replace") for each in (out, err)]
        return GitResult(status=process.returncode, out=text[0], err=self._masked(text[1]))

    def _start(self, arguments: "tuple[str, ...]", cwd: str, lifeline: int) -> "subprocess.Popen[bytes]":
        depends.unsure("git is asked")
        try:
            return subprocess.Popen(
                (*_GUARD, self._program, *self._settings, *arguments),
                cwd=cwd,
                env=self._environ,
                stdin=lifeline if _GUARD else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # no terminal to ask at, and one group to end
            )
        except FileNotFoundError:
            if os.path.isdir(cwd):
                raise GitMissing(package=self._package) from None
            raise
        finally:
            os.close(lifeline)

    def _masked(self, text: str) -> str:
        """Return git's messages without the secrets of the URL, which it may show decoded or out of their URL."""
        _, user, password = split_credentials(self._url.repository)
        raw = self._url.repository.partition("://")[2].partition("/")[0].rpartition("@")[0].partition(":")
        secrets = (
            (password, raw[2])
            if password
            else (user, raw[0])
            if self._url.plain != self._url.repository
            else ()
        )
        for secret in secrets:
            text = text.replace(secret, "****") if secret else text
        return text


def end_group(process: "subprocess.Popen[bytes]") -> None:
    """End a process with all that it started, and wait for it."""
    for signal in (SIGTERM, 9):
        try:
            os.killpg(process.pid, signal)
        except AttributeError:
            process.kill()
        except (ProcessLookupError, PermissionError):
            pass
        try:
            process.wait(_GRACE)
            break
        except subprocess.TimeoutExpired:
            continue
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def _program(environ: "Mapping[str, str]", package: str) -> str:
    found = shutil.which("git", path=environ.get("PATH"))
    if not found:
        raise GitMissing(package=package)
    return found


def _environment(url: "GitUrl", environ: "Mapping[str, str]", above: str) -> "dict[str, str]":
    """Return git's environment. The credentials of the URL are in it, so that no argument and no file has them."""
    clean = {name: value for name, value in environ.items() if name not in _DROPPED}
    clean |= {
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_CEILING_DIRECTORIES": above,
    }
    if url.plain == url.repository:
        return clean
    count = clean.get("GIT_CONFIG_COUNT", "")
    at = int(count) if count.isdigit() else 0
    base, bare = _origin(url.repository), _origin(url.plain)
    clean |= {f"GIT_CONFIG_KEY_{at}": f"url.{base}.insteadOf", f"GIT_CONFIG_VALUE_{at}": bare}
    clean["GIT_CONFIG_COUNT"] = str(at + 1)
    return clean


def _origin(url: str) -> str:
    scheme, mark, rest = url.partition("://")
    return f"{scheme}{mark}{rest.partition('/')[0]}/"


def _settings(url: "GitUrl", environ: "Mapping[str, str]") -> "tuple[str, ...]":
    settings = [*_SETTINGS]
    if (
        url.local
    ):  # then its submodules may be too; git itself stops repositories from elsewhere from naming local ones
        settings.append(("protocol.file.allow", "always"))
    if shutil.which("git-lfs", path=environ.get("PATH")):
        settings += [
            ("filter.lfs.process", "git-lfs filter-process"),
            ("filter.lfs.smudge", "git-lfs smudge -- %f"),
            ("filter.lfs.clean", "git-lfs clean -- %f"),
            ("filter.lfs.required", "true"),
        ]
    return tuple(word for name, value in settings for word in ("-c", f"{name}={value}"))
