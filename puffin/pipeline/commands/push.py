"""``cache push``: what this machine's cache holds is stored in the remote cache. ``cache size --remote``."""

import os

from puffin import meter
from puffin.artifact.artifact import WHEEL, Artifact
from puffin.artifact.urls import mask
from puffin.cache.atomic import read, remove_tree
from puffin.cache.layout import Bucket, Cache
from puffin.cache.reading import names_in
from puffin.cache.usage import make_room, shared
from puffin.errors import Cause, PuffinError, UsageError
from puffin.pipeline.find.chosen import chosen_artifact
from puffin.pipeline.graph.record import phase
from puffin.pipeline.request.session import Session
from puffin.stages.build import kept
from puffin.stages.fetch.fetch import fetch
from puffin.stages.link.commit.state import read_state
from puffin.stages.remote.backend import Unavailable
from puffin.stages.remote.service import present
from puffin.stages.remote.signature import signer_of
from puffin.stages.remote.store import backend_of
from puffin.stages.remote.upload import upload
from puffin.stages.remote.values import RemoteCache, Uploaded, Uploads
from puffin.stages.remote.wheels import keep_content
from puffin.types import Collection, Iterator
from puffin.value import astuple, from_tuple, replace

_PATIENT = 24 * 3600.0  # seconds: who asks for uploads waits for them
_MANY = 1 << 50  # bytes


class RemoteCacheFailed(PuffinError):
    """A remote cache did not do what a command is for."""

    sentence = "Failed to {action} the remote cache `{url}`"
    action: str
    url: str


_UNSIGNED = (
    "Built wheels, bytecode and packs are not uploaded: `PUFFIN_REMOTE_CACHE_KEY` does not hold a signing key"
)


def push(settings: RemoteCache, session: Session, roots: "Collection[str]") -> Uploaded:
    """Upload what the cache holds, of the environments at *roots* only if there are any.

    Wheels are in the cache unzipped, so those that the remote cache lacks are fetched again. Raises
    :class:`RemoteCacheFailed`.
    """
    cache = session.cache.own
    make_room(cache)
    meter.share()
    signer = signer_of(session.environ)
    if signer is None or not signer.can_sign:
        session.reporter.warn(_UNSIGNED)
    only = {archive for root in roots for archive in _archives_of(root)} if roots else None
    room = cache.temporary("-push")
    os.mkdir(room)
    settings = replace(settings, write=True, upload_seconds=_PATIENT, upload_bytes=_MANY, room=room)
    where = astuple(settings), session.network.wire(), cache.root
    try:
        with shared(cache):
            wheels = dict(_wheels(cache, only))
            with phase("ask the remote cache"):
                found, problem = present(*where, sorted(wheels))
            if problem:
                raise remote_failure("fill", settings, problem)
            with phase("fetch"):
                _fetch({sha256: each for sha256, each in wheels.items() if sha256 not in found}, room, session)
            uploads = Uploads(
                builds=tuple(_built(cache, only)), layers=tuple(_layers(cache, only)), archives=tuple(wheels)
            )
            with phase("upload"):
                done = from_tuple(Uploaded, upload(*where, astuple(uploads)))
    finally:
        remove_tree(room)
    if done.problem:
        raise remote_failure("fill", settings, done.problem)
    return done


def remote_size(settings: RemoteCache, session: Session) -> int:
    """Return how many bytes a remote cache holds. Raises :class:`RemoteCacheFailed`."""
    try:
        return backend_of(settings, session.network.wire()).size()
    except Unavailable as error:
        raise remote_failure("measure", settings, str(error)) from error


def remote_failure(action: str, settings: RemoteCache, problem: str) -> RemoteCacheFailed:
    """Return the error of a remote cache that could not be used."""
    return RemoteCacheFailed(action=action, url=settings.shown, causes=(Cause(text=problem),))


def _archives_of(root: str) -> "Iterator[str]":
    state = read_state(root)
    if state is None:
        raise UsageError(text=f"`{mask(root)}` is not an environment that puffin filled")
    yield from [each.archive for each in state.distributions if each.archive]


def _fetch(wheels: "dict[str, Artifact]", room: str, session: Session) -> None:
    """Put wheels into the room, from where they were found once."""
    meter.expect("fetch", len(wheels))
    for sha256, artifact in wheels.items():
        with meter.at("fetch", f"{artifact.name}=={artifact.version}"):
            _, _, data = fetch(
                url=artifact.url,
                filename=artifact.filename,
                hashes=((f"sha256:{sha256}",),),
                size=artifact.size,
                network=session.network.wire(),
            )
        keep_content(room, sha256, data)


def _wheels(cache: Cache, only: "Collection[str] | None") -> "Iterator[tuple[str, Artifact]]":
    """Yield the archives of wheels that were chosen on an index, and the wheels."""
    for path in _files(cache.path(Bucket.PINS), 2):
        archive, artifact = chosen_artifact(read(path))
        if artifact is not None and artifact.kind == WHEEL and (only is None or archive in only):
            yield archive, artifact


def _built(cache: Cache, only: "Collection[str] | None") -> "Iterator[str]":
    """Yield the wheels that were built here and that other machines may use."""
    for entry in _files(cache.path(Bucket.BUILT), 3):
        wheel = kept.read_entry(entry) if entry.endswith(kept.WHEEL) else None
        if wheel is not None and wheel.platform and (only is None or wheel.sha256 in only):
            yield wheel.path


def _layers(cache: Cache, only: "Collection[str] | None") -> "Iterator[tuple[str, str]]":
    root = cache.path(Bucket.PYC)
    for path in _files(root, 3):
        archive = os.path.basename(path).removesuffix(".manifest")
        if path.endswith(".manifest") and (only is None or archive in only):
            yield path[len(root) + 1 :].partition("/")[0], archive


def _files(directory: str, depth: int) -> "Iterator[str]":
    """Yield the paths that lie *depth* levels below a directory."""
    for name in names_in(directory):
        if depth == 1:
            yield f"{directory}/{name}"
        else:
            yield from _files(f"{directory}/{name}", depth - 1)
