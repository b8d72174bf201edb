"""Git repositories, made with the system's git; tests that need it skip without."""

import os
import shutil
import subprocess

import pytest

from puffin.stages.fetch.git import checkout

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
_CLEAN = {
    "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C",
    "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_AUTHOR_DATE": "2024-01-02T03:04:05Z",
    "GIT_COMMITTER_DATE": "2024-01-02T03:04:05Z",
}  # fmt: skip


def environ(**more):
    """Return an environment in which git has no configuration but the repository's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {**kept, **_CLEAN, **more}


def own_git(where, *words):
    """Run git in a directory as somebody."""
    who = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *who, *words], cwd=where, check=True, capture_output=True)


class Repository:
    """A repository on this machine, with a working directory."""

    def __init__(self, path, branch="main"):
        self.path = os.fspath(path)
        os.makedirs(self.path, exist_ok=True)
        self.git("init", "--quiet", f"--initial-branch={branch}")

    @property
    def url(self):
        return f"git+file://{self.path}"

    def git(self, *arguments):
        done = subprocess.run(
            ("git", "-c", "protocol.file.allow=always", *arguments), cwd=self.path, env=environ(), text=True,
            capture_output=True, check=False,
        )  # fmt: skip
        assert not done.returncode, done.stderr
        return done.stdout.strip()

    def write(self, files):
        for name, content in files.items():
            path = os.path.join(self.path, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(content)

    def commit(self, files, message="change"):
        """Write and commit *files*, ``{name: text}``, and return the commit."""
        self.write(files)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")


def project(name="foo", version="1.0"):
    """Return the files of a project with static metadata."""
    return {
        "pyproject.toml": f'[project]\nname = "{name}"\nversion = "{version}"\n',
        f"{name}.py": f"version = {version!r}\n",
    }


def forget() -> None:
    """Believe no longer what refs were and which checkouts were whole, as in a new run."""
    checkout._told.clear()
    checkout._whole.clear()
