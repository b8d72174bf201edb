"""The growth of a graph by builds, without a disk to build on: who is fetched, made and built, by which keys."""

import pickle
from types import SimpleNamespace

import pytest

from puffin.artifact.artifact import DIRECTORY, SDIST, Artifact
from puffin.cache.layout import Cache
from puffin.pipeline.builds.builds import METADATA_GOAL, Builds
from puffin.pipeline.builds.session import note_told, root_of
from puffin.pipeline.builds.settings import config_setting
from puffin.pipeline.builds.values import ALL, BuildCycle, BuildRequirementsFailed, BuildSettings
from puffin.pipeline.commands.install import why_included
from puffin.pipeline.graph.ledger import Ledger
from puffin.pipeline.graph.task import CANCELLED, DONE, FAILED, Outcome
from puffin.pipeline.request.builds import Toolchain
from puffin.pipeline.request.scheduler import Remote
from puffin.pipeline.tasks.supply import root_failure
from puffin.stages.build.job import BuildOrder
from puffin.stages.remote.values import RemoteCache
from puffin.stages.resolve.index.config import FilePolicy, IndexConfig
from puffin.stages.resolve.solve.request import Parent, Resolution, Resolved
from puffin.value import from_tuple, replace
from tests.helpers.pythons import made_up


def sdist(name, version="1.0"):
    filename = f"{name}-{version}.tar.gz"
    return Artifact(
        name=name, version=version, filename=filename, url=f"https://h/{filename}", source="index/x",
        hashes=(f"sha256:{name * 8}",), kind=SDIST,
    )  # fmt: skip


def wheel(name, version="1.0"):
    filename = f"{name}-{version}-py3-none-any.whl"
    return Artifact(
        name=name, version=version, filename=filename, url=f"https://h/{filename}", source="index/x",
        hashes=(f"sha256:{name * 8}",),
    )  # fmt: skip


@pytest.fixture
def interpreter(tmp_path):
    return made_up(str(tmp_path / "python"))


class World:
    """Build requirements by name, and a ledger whose tasks end as a test says."""

    def __init__(self, root, interpreter, **settings):
        self.cache = Cache(str(root))
        self.toolchain = Toolchain(interpreter, python="/env/bin/python", scripts="/env/bin", prefix="/env")
        self.known = {}
        self.asked = []
        self.systems = {}
        self.settings = BuildSettings(
            config=IndexConfig(), network=(), now=0.0, began=0.0, files=FilePolicy(), **settings
        )
        self.builds = Builds(self.settings, self.cache, self._resolve)
        self.ledger = None

    def _resolve(self, requires, toolchain, package, *_source):
        self.asked.append(tuple(requires))
        return tuple([self.known[each] for each in requires])

    def start(self, *artifacts, goal=""):
        tasks, keys = [], []
        for artifact in artifacts:
            more, last = self.builds.supply(artifact, self.toolchain, goal)
            tasks += more
            keys.append(last)
        self.ledger = Ledger(tasks, self.builds.grow)
        return keys

    def ready(self):
        """Return what can start: its first stage and label."""
        self.units = self.ledger.take_ready()
        return sorted((unit[0].stage, unit[0].label) for unit in self.units)

    def end(self, **answers):
        """Let all that was ready end; *answers* are results of builds by name, or errors."""
        said = []
        for unit in self.units:
            for task in unit:
                result = answers.get(task.label.partition("==")[0]) if task.stage == "build" else None
                if task.function.endswith(":refused"):
                    result = pickle.loads(dict(task.arguments)["error"])
                if isinstance(result, Exception):
                    outcome = Outcome(key=task.key, status=FAILED, error=result)
                elif task.function.endswith(":fetch_source"):
                    name = task.label.partition("==")[0]
                    outcome = Outcome(
                        key=task.key,
                        status=DONE,
                        result=("/p", name * 8, (self.systems.get(name, ()), "b", (), True)),
                    )
                else:
                    outcome = Outcome(
                        key=task.key, status=DONE, result=result or ("wheel", "/w", "w.whl", "ff")
                    )
                said += self.ledger.record(outcome)
        return said

    def run(self, **answers):
        """Run to the end; return the stages and labels in the order in which they could start."""
        order = []
        while now := self.ready():
            order.append(now)
            self.end(**answers)
        return order


@pytest.fixture
def world(tmp_path, interpreter):
    return World(tmp_path / "cache", interpreter)


def test_a_source_is_fetched_its_needs_brought_and_then_built(world):
    world.systems["thing"] = ("tool",)
    world.known["tool"] = wheel("tool")
    (last,) = world.start(sdist("thing"))
    assert world.run() == [
        [("fetch", "thing==1.0")],
        [("fetch", "tool==1.0")],
        [("build", "thing==1.0")],
        [("unzip", "thing==1.0")],
    ]
    assert world.ledger.finished
    assert world.ledger.outcomes[last].status == DONE
    assert [key[0] for key in world.ledger.tasks] == [
        "fetch",
        "build",
        "unzip",
        "fetch",
        "unzip",
        "environment",
    ]


def test_two_sources_with_one_set_of_needs_share_the_environment(world):
    world.systems = {"one": ("tool",), "two": ("tool",)}
    world.known["tool"] = wheel("tool")
    world.start(sdist("one"), sdist("two"))
    world.run()
    made = [key for key in world.ledger.tasks if key[0] == "environment"]
    assert len(made) == 1
    builds = [task for task in world.ledger.tasks.values() if task.stage == "build"]
    assert [dict(task.inputs)["environment"] for task in builds] == made * 2


def test_the_same_source_is_planned_once_and_settings_and_goals_part_it(world):
    first, last = world.builds.supply(sdist("thing"), world.toolchain)
    again, same = world.builds.supply(sdist("thing"), world.toolchain)
    assert (len(first), again, same) == (3, (), last)
    other, key = world.builds.supply(replace(sdist("thing"), config_settings=(("a", "b"),)), world.toolchain)
    assert key != last
    assert other[0].key == first[0].key, "the source is the same, so it is fetched once"
    metadata, told = world.builds.supply(sdist("thing"), world.toolchain, METADATA_GOAL)
    assert [task.stage for task in metadata] == ["fetch", "build"]
    assert told not in (last, key)


def test_what_a_build_lacks_is_added_to_what_it_had(world):
    world.systems["thing"] = ("tool",)
    world.known = {"tool": wheel("tool"), "more": wheel("more")}
    (last,) = world.start(sdist("thing"))
    for _ in range(3):
        world.ready()
        world.end(thing=("lacks", ("more",)))
    assert world.asked == [("tool",), ("tool", "more")]
    assert world.ledger.tasks[("build", last[1])].key not in world.ledger.outcomes
    assert world.run() == [[("fetch", "more==1.0")], [("build", "thing==1.0")], [("unzip", "thing==1.0")]]


def test_needs_that_have_to_be_built_are_built_first_and_once(world):
    world.systems = {"upper": ("lower",), "other": ("lower",), "lower": ()}
    world.known["lower"] = sdist("lower")
    world.start(sdist("upper"), sdist("other"))
    order = world.run()
    assert [("build", "lower==1.0")] in order
    assert order.index([("build", "other==1.0"), ("build", "upper==1.0")]) > order.index(
        [("build", "lower==1.0")]
    )
    assert len([key for key in world.ledger.tasks if key[0] == "build"]) == 3


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_circle_is_named_and_nothing_waits_for_it(world, length):
    names = [f"n{number}" for number in range(length)]
    for name, following in zip(names, [*names[1:], names[0]], strict=True):
        world.systems[name] = (following,)
        world.known[name] = sdist(name)
    (last,) = world.start(sdist("n0"))
    world.run()
    assert world.ledger.finished
    assert world.ledger.outcomes[last].status == CANCELLED
    error = root_failure(world.ledger, last)
    assert isinstance(error, BuildCycle)
    assert error.names[0] == error.names[-1]
    assert sorted(set(error.names)) == [f"{name}==1.0" for name in names]
    assert error.summary().count("which needs") == length - 1


def test_a_failure_cancels_what_needs_it_and_nothing_else(world):
    world.systems = {"upper": ("lower",), "lower": (), "free": ()}
    world.known["lower"] = sdist("lower")
    upper, free = world.start(sdist("upper"), sdist("free"))
    problem = BuildCycle(names=("x", "x"))
    world.run(lower=problem)
    assert world.ledger.finished
    assert world.ledger.outcomes[upper].status == CANCELLED
    assert root_failure(world.ledger, upper) is problem
    assert world.ledger.outcomes[free].status == DONE
    assert root_failure(world.ledger, free) is None


@pytest.fixture
def two(world, tmp_path):
    """Two interpreters that build."""
    other = replace(made_up(str(tmp_path / "other")), tags=("cp310-cp310-any", "py3-none-any"))
    return world.toolchain, Toolchain(other)


def plan_both(world, two, artifact):
    plans = [world.builds.supply(artifact, toolchain) for toolchain in two]
    world.ledger = Ledger([task for tasks, _ in plans for task in tasks], world.builds.grow)
    return [last for _, last in plans]


def running(world):
    """Let all else end until builds can start, and return how many."""
    for _ in range(4):
        if count := sum(stage == "build" for stage, _ in world.ready()):
            return count
        world.end()
    return 0


def test_of_two_interpreters_one_builds_first_and_the_other_after_what_did_not_serve_it(world, two):
    first, second = plan_both(world, two, sdist("thing"))
    assert first != second
    assert running(world) == 1
    world.end()
    assert running(world) == 1, "nothing is kept here that could serve it"
    world.end()
    world.run()
    assert [world.ledger.outcomes[each].status for each in (first, second)] == [DONE, DONE]
    assert len([key for key in world.ledger.tasks if key[0] == "fetch"]) == 1


def test_what_one_interpreter_cannot_build_the_other_tries(world, two):
    first, second = plan_both(world, two, sdist("thing"))
    assert running(world) == 1
    world.end(thing=BuildCycle(names=("x", "x")))
    assert running(world) == 1
    world.end()
    world.run()
    assert [world.ledger.outcomes[each].status for each in (first, second)] == [CANCELLED, DONE]


def test_build_requirements_that_one_interpreter_cannot_have_are_no_matter_of_the_other(world, two):
    world.systems["thing"] = ("tool",)

    def resolve(requires, toolchain, package, *_source):
        if toolchain is two[0]:
            raise BuildRequirementsFailed(package=package, requires=requires)
        return ()

    world.builds = Builds(world.settings, world.cache, resolve)
    first, second = plan_both(world, two, sdist("thing"))
    world.run()
    assert [world.ledger.outcomes[each].status for each in (first, second)] == [CANCELLED, DONE]
    assert isinstance(root_failure(world.ledger, first), BuildRequirementsFailed)


def test_a_source_that_was_fetched_before_it_was_wanted_once_more_is_built(world, tmp_path):
    plain = replace(sdist("lower"), kind=DIRECTORY, url=tmp_path.as_uri(), filename="", hashes=())
    world.systems = {"lower": (), "upper": ("lower",)}
    world.known["lower"] = plain
    first, last = world.start(replace(plain, editable=True), sdist("upper"))
    world.run()
    assert world.ledger.finished
    assert [world.ledger.outcomes[each].status for each in (first, last)] == [DONE, DONE]


def test_what_was_planned_beside_something_impossible_is_there_for_others(world):
    world.systems = {"bad": ("lower", "bad"), "good": ("lower",), "lower": ()}
    world.known = {"lower": sdist("lower"), "bad": sdist("bad")}
    bad, good = world.start(sdist("bad"), sdist("good"))
    world.run()
    assert world.ledger.finished
    assert [world.ledger.outcomes[each].status for each in (bad, good)] == [CANCELLED, DONE]


def test_without_isolation_nothing_is_resolved_or_made(tmp_path, interpreter):
    world = World(tmp_path / "cache", interpreter, shared=frozenset(("thing",)))
    world.systems = {"thing": ("tool",), "other": ("tool",)}
    world.known["tool"] = wheel("tool")
    world.start(sdist("thing"))
    world.run()
    assert world.asked == []
    order = dict(next(task for task in world.ledger.tasks.values() if task.stage == "build").arguments)["order"]
    assert "/env/bin/python" in order
    assert World(tmp_path / "c", interpreter, shared=frozenset((ALL,))).settings.isolates("any") is False


def order_of(world):
    task = [task for task in world.ledger.tasks.values() if task.stage == "build" and "thing" in task.label][-1]
    return from_tuple(BuildOrder, dict(task.arguments)["order"])


@pytest.mark.parametrize(
    ("tool", "remote", "alone"),
    [
        (wheel("tool"), None, False),
        (wheel("tool"), Remote(address="tcp://h:1"), False),
        (replace(sdist("tool"), kind=DIRECTORY, url="file:///tool", hashes=()), None, True),
        (replace(wheel("tool"), url="file:///tool-1.0-py3-none-any.whl"), None, True),
    ],
)
def test_a_wheel_is_for_this_machine_alone_if_its_names_do_not_tell_all(
    tmp_path, interpreter, tool, remote, alone
):
    world = World(tmp_path / "cache", interpreter, remote=remote)
    world.systems["thing"] = ("tool",)
    world.known["tool"] = tool
    world.start(sdist("thing"))
    world.run()
    assert order_of(world).alone is alone


def test_an_editable_and_a_directory_are_builds_of_their_own(world, tmp_path):
    plain = replace(sdist("thing"), kind=DIRECTORY, url=tmp_path.as_uri(), filename="", hashes=(), version="")
    tasks, one = world.builds.supply(plain, world.toolchain)
    assert {task.label for task in tasks} == {f"thing @ {tmp_path.as_uri()}"}
    _, other = world.builds.supply(replace(plain, editable=True), world.toolchain)
    assert one != other


@pytest.mark.parametrize(
    ("text", "name", "specifier", "extras", "url"),
    [
        ("Setup_Tools[b,A] >= 61 ; python_version > '3'", "setup-tools", ">=61", ("a", "b"), ""),
        ("tool @ https://h/tool.tar.gz", "tool", "", (), "https://h/tool.tar.gz"),
    ],
)
def test_a_build_requirement_as_the_resolver_takes_it(text, name, specifier, extras, url):
    root = root_of(text)
    assert (root.name, root.specifier, root.extras, root.url) == (name, specifier, extras, url)
    assert (root.marker == "") == (";" not in text)


def test_config_settings_are_keys_and_values():
    assert config_setting("a=b=c") == ("a", "b=c")
    assert config_setting("--flag=") == ("--flag", "")


def test_why_something_is_included_is_the_shortest_way_to_it():
    def package(name, *parents, direct=False):
        via = tuple([Parent(name=each) for each in parents])
        return Resolved(name=name, version="1", handle=None, via=via, direct=direct)

    resolution = Resolution(
        packages=(package("a", direct=True), package("b", "a"), package("c", "b", "a"), package("x", "c", "y"),
                  package("y", "x")),
    )  # fmt: skip
    assert why_included(resolution, "x") == "`x` was included because `a` depends on `c` depends on `x`"
    assert why_included(resolution, "a") == ""
    assert why_included(resolution, "unknown") == ""


def test_sources_that_are_ignored_are_part_of_what_a_wheel_depends_on(world):
    settings = world.settings
    found = [
        replace(settings, skipped_sources=skipped).outside
        for skipped in (False, frozenset(), frozenset({"b", "a"}), frozenset({"a"}), True)
    ]
    assert found[0] == found[1] == settings.outside
    assert len(set(map(repr, found))) == 4


def test_threads_say_once_that_a_remote_cache_is_left_alone(tmp_path):
    said = []
    session = SimpleNamespace(reporter=SimpleNamespace(warn=said.append))
    for room in ("one", "one", "two"):
        remote = RemoteCache(url="http://cache", room=str(tmp_path / room))
        note_told(("lists", "miss", "unavailable", 0, 0.0, "it is full"), remote, session)
    assert len(said) == 2, "once a run"
