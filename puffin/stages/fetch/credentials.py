"""Credentials: from the URL itself, else from netrc, else from a keyring. They are looked up, used, and never shown."""

import os
import sys

from puffin.stages.fetch.keyring import Keyring
from puffin.stages.fetch.network import DISABLED
from puffin.stages.urls import split_credentials

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from netrc import netrc


class Credentials:
    """Finds user and password for a URL; the netrc file is read at the first need.

    The file is the one that *environ* names as ``NETRC``, else ``~/.netrc`` (on Windows also ``~/_netrc``).
    *keyring* is a mode of :class:`~puffin.stages.fetch.keyring.Keyring`, which is asked last.
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
        """Ask the keyring for *url*, whose server wants credentials; tell whether :meth:`find` has others now."""
        plain, user, password = split_credentials(url)
        if password or self._keyring.known(plain, user):
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
        home = os.path.expanduser("~")
        return [
            os.path.join(home, name)
            for name in ((".netrc", "_netrc") if sys.platform == "win32" else (".netrc",))
        ]


def basic(user: str, password: str) -> str:
    """Return the value of an ``Authorization`` header (RFC 7617)."""
    from base64 import b64encode

    return "Basic " + b64encode(f"{user}:{password}".encode()).decode("ascii")
