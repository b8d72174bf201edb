"""``puffin cache push``, and ``size`` of a remote cache."""

from puffin.cli.commands.call import CacheDirectory, Call
from puffin.cli.options.inspect import StoreOptions
from puffin.cli.screen.quantities import counted, size
from puffin.errors import UsageError
from puffin.pipeline.commands.push import push, remote_size
from puffin.pipeline.request.settings import Settings
from puffin.stages.remote.values import RemoteCache


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
