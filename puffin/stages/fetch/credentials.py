"""Credentials: from the URL itself, else from netrc, else from the ``keyring`` command. They are never shown."""

import os
import sys
import threading
from binascii import b2a_base64
from collections.abc import Mapping

from puffin.artifact.urls import split_credentials
from puffin.cache.layout import home_directory
from puffin.stages.fetch.network import AUTO, DISABLED, SUBPROCESS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from netrc import netrc


_PATIENCE = 60.0  # seconds; backends may open a dialogue


class Credentials:
    """Finds user and password for a URL; the netrc file is read at the first need.

    The file is the one that *environ* names as ``NETRC``, else ``~/.netrc`` (on Windows also ``~/_netrc``).
    *keyring* is a mode of :class:`~puffin.stages.fetch.credentials.Keyring`, which is asked last.
    ``problem`` says, after a lookup, why the file could not be used; it holds no secrets.
    """

    def __init__(self, environ: "Mapping[str, str] | None" = None, *, keyring: str = DISABLED) -> None:
        self._environ = os.environ if environ is None else environ
        self._keyring = Keyring(keyring, self._environ)
        self._netrc: netrc | None = None
        self._read = False
        self.problem = ""

    def find(self, url: str, host: str, *, redirected: bool = False) -> "tuple[str, str] | None":
        """Return user and password for *url*, or None.

        A host that somebody else's redirect chose gets an entry with its own name only, not the default one.
        """
        plain, user, password = split_credentials(url)
        if password:
            return user, password
        noted = self._from_netrc(host.strip("[]"), redirected)
        if noted and (not user or noted[0] == user):
            return noted
        return self._keyring.known(plain, user) or ((user, "") if user else None)

    def ask(self, url: str) -> bool:
        """Ask the keyring for *url*, whose server wants credentials; tell whether :meth:`find` may have others now.

        An answer that another thread got while this request was on its way counts: the request went without it.
        """
        plain, user, password = split_credentials(url)
        if password or self._keyring.always(user):
            return False
        found = self._keyring.ask(plain, user)
        self.problem = self.problem or self._keyring.problem
        return found is not None

    def _from_netrc(self, host: str, redirected: bool) -> "tuple[str, str] | None":
        entries = self._load()
        if entries is None or (redirected and host not in entries.hosts):
            return None
        found = entries.authenticators(host)
        return (found[0] or found[1] or "", found[2] or "") if found else None

    def _load(self) -> "netrc | None":
        if not self._read:
            self._netrc = self._parse()
            self._read = True
        return self._netrc

    def _parse(self) -> "netrc | None":
        path = next((path for path in self._paths() if os.path.isfile(path)), None)
        if path is None:
            return None
        from netrc import NetrcParseError, netrc

        try:
            return netrc(path)
        except NetrcParseError as error:  # its message may quote the file
            self.problem = f"`{path}` was left out: line {error.lineno} cannot be read as netrc"
        except (OSError, UnicodeDecodeError):
            self.problem = f"`{path}` was left out: it cannot be read"
        return None

    def _paths(self) -> list[str]:
        chosen = self._environ.get("NETRC")
        if chosen:
            return [os.path.expanduser(chosen)]
        home = home_directory()
        return [
            os.path.join(home, name)
            for name in ((".netrc", "_netrc") if sys.platform == "win32" else (".netrc",))
        ]


def basic(user: str, password: str) -> str:
    """Return the value of an ``Authorization`` header (RFC 7617)."""
    return "Basic " + b2a_base64(f"{user}:{password}".encode("utf-8", "surrogateescape"), newline=False).decode(
        "ascii"
    )


class Keyring:
    """Asks the command on the ``PATH`` of *environ*.

    By *mode*: ``subprocess`` asks whenever a URL has a user and no password, and when a server wants credentials;
    ``auto`` only the latter; ``disabled`` never. ``problem`` says, after a question, why there was no answer.
    """

    def __init__(self, mode: str, environ: "Mapping[str, str]") -> None:
        self._mode = mode
        self._environ = environ
        self._lock = threading.Lock()
        self._answers: dict[tuple[str, str], tuple[str, str] | None] = {}
        self.problem = ""

    def always(self, user: str) -> bool:
        """Tell whether it is asked before the first request of this user."""
        return self._mode == SUBPROCESS and bool(user)

    def known(self, url: str, user: str) -> "tuple[str, str] | None":
        """Return the earlier answer, or ask if the mode says so before the first request."""
        if self._mode == DISABLED:
            return None
        if self.always(user):
            return self.ask(url, user)
        return self._answers.get((_origin(url), user))

    def ask(self, url: str, user: str) -> "tuple[str, str] | None":
        """Return user and password for *url* (without credentials), None if the keyring has none."""
        if self._mode == DISABLED:
            return None
        key = (_origin(url), user)
        with self._lock:
            if key not in self._answers:
                self._answers[key] = self._asked(url, user)
        return self._answers[key]

    def _asked(self, url: str, user: str) -> "tuple[str, str] | None":
        from shutil import which

        command = which("keyring", path=self._environ.get("PATH"))
        if command is None:
            if self._mode != AUTO:
                self.problem = "there is no command `keyring` on the `PATH`"
            return None
        for service in (url, _origin(url).partition("://")[2]):
            found = self._run(
                [command, "get", service, user] if user else [command, "--mode", "creds", "get", service]
            )
            if found:
                return (user, found[0]) if user else (found[0], found[1]) if len(found) > 1 else None
        return None

    def _run(self, words: list[str]) -> list[str]:
        import subprocess

        try:
            done = subprocess.run(
                words, env=dict(self._environ), stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE
            )
        except (OSError, subprocess.TimeoutExpired):
            self.problem = f"`{os.path.basename(words[0])}` could not be run, or did not answer"
            return []
        return done.stdout.decode("utf-8", "replace").splitlines() if done.returncode == 0 else []


def _origin(url: str) -> str:
    scheme, mark, rest = url.partition("://")
    return f"{scheme}{mark}{rest.partition('/')[0]}".lower()
