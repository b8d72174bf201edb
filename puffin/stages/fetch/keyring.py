"""The keyring: the ``keyring`` command is asked for credentials, each origin and user once in a process."""

import os
import threading

from puffin.stages.fetch.network import AUTO, DISABLED, SUBPROCESS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_PATIENCE = 60.0  # seconds; backends may open a dialogue


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

    def known(self, url: str, user: str) -> "tuple[str, str] | None":
        """Return what was answered before, or what is to be asked before the first request."""
        if self._mode == DISABLED:
            return None
        if self._mode == SUBPROCESS and user:
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
