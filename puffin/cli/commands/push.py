"""``puffin cache push`` and ``pull``, and ``size`` of a remote cache."""

import os

from puffin.cli.commands.call import CacheDirectory, Call
from puffin.cli.options.inspect import StoreOptions
from puffin.cli.options.values import made
from puffin.cli.options.workspace import EnvsOptions
from puffin.cli.screen.quantities import counted, size
from puffin.cli.screen.workspace import ManyConsole
from puffin.errors import UsageError
from puffin.pipeline.commands.pull import PullRun
from puffin.pipeline.commands.push import push, remote_size
from puffin.pipeline.request.session import session_of
from puffin.pipeline.request.settings import ManySettings, Settings
from puffin.pipeline.request.where import Interpreters
from puffin.pipeline.workspace.config import chosen
from puffin.stages.remote.values import RemoteCache
from puffin.value import replace


def push_cache(call: Call) -> int:
    """Store what the cache holds in the remote cache."""
    options = call.options(StoreOptions)
    with CacheDirectory(call) as cache_dir:
        settings = call.settings(cache_dir)
        remote, session = _remote_cache(settings), call.session(settings)
        done = push(remote, session, options.arguments)
    call.console.say(
        f"Uploaded {counted(done.objects, 'object')} ({size(done.bytes)}); {done.known} already stored"
        + (f", {done.left} not uploaded" if done.left else "")
    )
    return 0


def size_of_remote(call: Call, cache_dir: str) -> int:
    """Return the bytes of the remote cache."""
    settings = call.settings(cache_dir)
    return remote_size(_remote_cache(settings), call.session(settings))


def _remote_cache(settings: Settings) -> RemoteCache:
    if settings.remote_cache is None and settings.offline:
        raise UsageError(
            text="`--offline` cannot be used with a remote cache", hints=("leave out `--offline`",)
        )
    if settings.remote_cache is None:
        raise UsageError(text="No remote cache was given", hints=("set one with `--remote-cache URL`",))
    return settings.remote_cache


def pull_cache(call: Call) -> int:
    """Take what environments need from the remote cache."""
    options = call.options(EnvsOptions)
    with CacheDirectory(call) as cache_dir:
        run = call.settings(cache_dir)
        _remote_cache(run)
        settings = made(ManySettings, {**call.values, "run": run})
        reporter = ManyConsole(call.console, settings)
        session = session_of(run, os.environ, reporter, call.started)
        specs, _ = chosen(options.arguments, run.where.python, "cache pull", file=options.environments)
        settings = replace(settings, specs=tuple(specs))
        done = PullRun(settings, session, reporter, Interpreters(session)).pull()
    call.console.say(
        f"Took {counted(done.objects, 'object')} ({size(done.bytes)}) for {counted(len(specs), 'environment')}"
        + (f"; {counted(done.lacking)} not in the remote cache" if done.lacking else "")
        + (
            f"; {counted(done.unvouched)} not asked for, as no SHA-256 or key proves them"
            if done.unvouched
            else ""
        )
    )
    return 0
