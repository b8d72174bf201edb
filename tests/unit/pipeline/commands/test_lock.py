"""Locking many environments: what it takes grows with their number alone."""

from puffin.pipeline.commands import lock as command
from puffin.pipeline.commands.lock import LockSettings, lock
from puffin.pipeline.request.session import session_of
from puffin.pipeline.request.settings import FAILED, CompileSettings, Settings
from puffin.pipeline.workspace.specs import EnvSpec


def looks(tmp_path, monkeypatch, count):
    """Return how often the lock of an environment is looked for in a run over so many."""
    specs = tuple(
        [EnvSpec(name=f"e{n}", path=f"/e{n}", requirements=(f"/nowhere/{n}.in",)) for n in range(count)]
    )
    run, asked, lock_of = Settings(files=(), cache_dir=str(tmp_path)), [], command.lock_of
    monkeypatch.setattr(command, "lock_of", lambda spec: asked.append(spec) or lock_of(spec))
    results = lock(
        LockSettings(specs=specs, known=specs, compile=CompileSettings(run=run)), session_of(run, {})
    )
    monkeypatch.undo()
    assert [each.status for each in results] == [FAILED] * count
    return len(asked)


def test_the_environments_of_each_lock_are_looked_for_once(tmp_path, monkeypatch):
    assert looks(tmp_path, monkeypatch, 20) == 2 * looks(tmp_path, monkeypatch, 10)
