"""What a worker does for the environment of its machine: it answers questions, takes archives, and has it made."""

import os
import pickle
import platform
import subprocess
import sys
from typing import Any

from distributed import get_worker

from puffin.artifact.artifact import expected_sha256
from puffin.artifact.urls import digest
from puffin.cache.layout import Bucket, Cache, current_boot, default_root
from puffin.cache.lock import Lock
from puffin.errors import BUG, Cause, PuffinError
from puffin.pipeline.change.spec import SpecRun
from puffin.pipeline.change.values import EnvResult
from puffin.pipeline.farm.peers import Peers, held, own_cache
from puffin.pipeline.provision.order import MachineAnswer, MachineOrder, PlaceWanted, RequirementsAsked
from puffin.pipeline.request.session import session_of
from puffin.pipeline.request.settings import SKIPPED, Settings
from puffin.pipeline.request.where import Interpreters
from puffin.pipeline.workspace.specs import EnvSpec
from puffin.stages.build.remote_here import pack, unpacked_wire
from puffin.stages.link.commit.installplan import wanted_of
from puffin.stages.link.commit.state import read_state
from puffin.stages.link.interpreter.interpreter import Interpreter, from_wire
from puffin.value import replace

_PATIENCE = 3600.0  # seconds, with another worker of the machine


class MachineProcessFailed(PuffinError):
    """The process that makes an environment on a machine ended without an answer."""

    exit_code = BUG
    sentence = "The process that makes the environment `{path}` ended {how}"
    path: str
    how: str
    text: str

    def details(self) -> tuple[str, ...]:
        return tuple(self.text.splitlines()[-20:])


def describe(places: "tuple[PlaceWanted, ...]") -> "tuple[str, tuple[bytes, ...]]":
    """Return the key of this machine, and for each place its interpreter in wire form, or the error; pickled.

    Workers with the same key make the same environments in the same directories.
    """
    return _machine_key(places), tuple([pickle.dumps(_interpreter(each)) for each in places])


def _machine_key(places: "tuple[PlaceWanted, ...]") -> str:
    roots = [os.path.realpath(each.root) for each in places]
    try:
        view = os.readlink("/proc/self/ns/mnt")
    except OSError:
        view = ""
    return digest(repr((platform.node(), current_boot(), view, roots, default_root(os.environ))))


def _interpreter(place: PlaceWanted) -> "tuple[Any, ...] | PuffinError":
    settings = Settings(files=(), cache_dir=default_root(os.environ))
    session = session_of(settings, os.environ)
    try:
        session.cache.initialise()
        run = SpecRun(EnvSpec(name=place.root, path=place.root, python=place.python), settings, session)
        run.find(Interpreters(session))
    except PuffinError as error:
        return error
    except OSError as error:
        return Cause(text=str(error))
    return run.environment.interpreter.wire()


def interpreter_of(answer: bytes) -> "Interpreter | PuffinError":
    """Return the interpreter, or the error, in an answer of :func:`describe`."""
    found = pickle.loads(answer)
    return found if isinstance(found, PuffinError) else from_wire(found)


def stock(
    places: "tuple[PlaceWanted, ...]", archives: "tuple[str, ...]"
) -> "tuple[list[str], list[list[str]]]":
    """Return which of *archives* the cache here has, and which the environment at each place consists of."""
    states = [read_state(each.root) for each in places]
    inside = [
        [each.archive for each in state.distributions if each.archive] if state else [] for state in states
    ]
    return held(archives), inside


def make_here(packed: bytes) -> bytes:
    """Make the environment of a packed order on this machine, in a task of a worker; return the packed answer."""
    return pack(make_on(get_worker(), unpacked_wire(packed)))


def make_on(worker: Any, order: MachineOrder) -> MachineAnswer:
    """Bring the archives of *order* from the workers that have them, and have its environment made."""
    cache = own_cache()
    cache.initialise()
    with lock_of_place(order.place, cache):
        lacking = () if order.settings.dry_run else tuple(Peers(worker).pull(dict(order.sources)))
        if lacking and order.driven:
            result = EnvResult(name=order.place.root, path=order.place.root, python="", status=SKIPPED)
            return MachineAnswer(result=result, lacking=lacking)
        answer: MachineAnswer = _answer(order, order.place, cache)
    return answer


def lock_of_place(place: PlaceWanted, cache: Cache) -> Lock:
    """Return the lock that lets one worker of a machine make an environment, and the others find it made."""
    path = cache.path(Bucket.LOCKS, f"environment-{digest(place.root)}")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return Lock(path, what=f"the environment `{place.root}`", timeout=_PATIENCE)


def lead_on(worker: Any, asked: RequirementsAsked) -> MachineOrder:
    """Choose what *asked* comes to on this machine and make it; return the order with all of its archives.

    What another worker has is taken from there; the rest is fetched or built here. Raises what goes wrong.
    """
    cache = own_cache()
    cache.initialise()
    found: MachineOrder | PuffinError = _answer(asked, asked.place, cache)
    if isinstance(found, PuffinError):
        raise found
    known = [each.archive or expected_sha256(each.artifact) for each in found.supplies]
    supplies = [replace(each, archive=archive) for each, archive in zip(found.supplies, known, strict=True)]
    holders = Peers(worker).holders([each for each in known if each])
    order = replace(found, supplies=tuple(supplies), sources=tuple(holders.items()))
    answer = make_on(worker, order)
    if answer.result.error is not None:
        raise answer.result.error
    state = read_state(order.place.root)
    archives = {each.name: each.archive for each in state.distributions} if state else {}
    done = [replace(each, archive=archives.get(each.artifact.name, "")) for each in supplies]
    wanted = tuple([wanted_of(each.artifact, each.archive) for each in done])
    return replace(order, supplies=tuple(done), wanted=wanted, sources=())


def _answer(question: "MachineOrder | RequirementsAsked", place: PlaceWanted, cache: Cache) -> Any:
    """Have a process of its own answer *question*."""
    path = os.pathsep.join([each for each in sys.path if each])  # the interpreter may be that of an environment
    done = subprocess.run(
        [sys.executable, "-m", "puffin.pipeline.provision.machine"],
        input=pickle.dumps(question),
        capture_output=True,
        env={**os.environ, "PYTHONPATH": path, "PUFFIN_CACHE_DIR": cache.root},
        check=False,
    )
    if done.returncode or not done.stdout:
        how = f"by signal {-done.returncode}" if done.returncode < 0 else f"with code {done.returncode}"
        raise MachineProcessFailed(path=place.root, how=how, text=done.stderr.decode(errors="replace"))
    return pickle.loads(done.stdout)
