"""All cases, by family, with the bounds that puffin has to keep."""

from __future__ import annotations

from bench.indexes import SDISTS
from bench.many import ManyBench, ManyCase
from bench.resolve import ResolveBench, ResolveCase, StartBench, StartCase
from bench.rounds import FAST, Bench, Case
from bench.shapes import pins_of
from bench.sync import SyncBench, SyncCase

WITH_PIP = (*FAST, "pip")
_CONF = ("index-url = {index}", "timeout = 60")
_FULL_CONF = (
    *_CONF,
    "extra-index-url = {index}/",
    "find-links = {beside}/links",
    "constraint = {beside}/constraints.txt",
)
_OF_ENVIRONMENT = ("-p", "{environment}/bin/python")
_BYTECODE = ("--compile-bytecode",)
_SOURCES = tuple(word for name, _ in pins_of(SDISTS) for word in ("--no-binary", name))

_NOOP = [
    SyncCase(name="noop", title="up to date, nothing to do", kinds=WITH_PIP),
    SyncCase(name="noop-conf", title="the same, with a `pip.conf`", pip_conf=_CONF),
    SyncCase(
        name="noop-full-conf", title="the same, with constraints and links in it too", pip_conf=_FULL_CONF
    ),
    SyncCase(
        name="noop-python",
        title="the same, with `-p DIR/bin/python`",
        options={"puffin": _OF_ENVIRONMENT, "uv": _OF_ENVIRONMENT},
    ),
    SyncCase(name="noop-install", title="the same, by `pip install -r`", verb="install"),
]
SYNC = [
    SyncCase(
        name="cold",
        title="cold cache, fresh environment",
        bound=0.8,
        fresh_cache=True,
        kinds=WITH_PIP,
        rounds=5,
        second=True,
        on_disk=True,
    ),
    SyncCase(
        name="cold-late", title="cold cache, 20 ms a request", bound=0.8, fresh_cache=True, late=True, rounds=3
    ),
    SyncCase(
        name="cold-cluster",
        title="cold cache, `--executor cluster`",
        bound=1.05,
        fresh_cache=True,
        rounds=3,
        options={"puffin": ("--executor", "cluster")},
    ),
    SyncCase(
        name="warm",
        title="warm cache, fresh environment",
        bound=0.75,
        disk_bound=0.85,
        second_bound=0.95,
        second=True,
        on_disk=True,
    ),
    *[
        SyncCase(
            **{**vars(case), "bound": 0.9, "second_bound": 0.9, "second": True, "fresh_environment": False}
        )
        for case in _NOOP
    ],
    SyncCase(name="upgrade", title="upgrade of 10 of 189", fresh_environment=False, from_older=True),
    SyncCase(
        name="reinstall",
        title="reinstallation of all",
        fresh_environment=False,
        rounds=5,
        options={"puffin": ("--reinstall",), "uv": ("--reinstall",)},
    ),
    SyncCase(
        name="bytecode",
        title="warm cache, `--compile-bytecode`",
        bound=0.05,
        rounds=1,
        layered=True,
        options={"puffin": _BYTECODE, "uv": _BYTECODE},
    ),
    SyncCase(
        name="tree",
        title="warm cache, sealed trees with all bytecode",
        bound=0.35,
        inodes=3000,
        tree=True,
        rounds=9,
    ),
    SyncCase(
        name="sdists",
        title="twelve source distributions, cold",
        bound=0.6,
        index="sdists",
        fresh_cache=True,
        rounds=3,
        options={"puffin": _SOURCES, "uv": _SOURCES},
    ),
    SyncCase(
        name="sdists-kept",
        title="the same, build environments kept",
        bound=0.4,
        index="sdists",
        fresh_cache=True,
        kept="build-envs-v0",
        rounds=3,
        options={"puffin": _SOURCES, "uv": _SOURCES},
    ),
    *[
        SyncCase(
            name=f"packages-{count}-{'cold' if cold else 'warm'}",
            title=f"{count} small packages, {'cold' if cold else 'warm'}",
            index=f"small-{count}",
            fresh_cache=cold,
            on_disk=count == 1000,
            disk_bound=(1.0 if cold else 0.9) if count == 1000 else float("inf"),
            rounds=2 if count == 1000 else 5,
        )
        for count in (10, 100, 300, 1000)
        for cold in (False, True)
    ],
]
MANY = [
    ManyCase(
        name="many-noop", title="20 environments, up to date", bound=0.2, fresh_environments=False, rounds=7
    ),
    ManyCase(name="many-warm", title="20 environments, warm", bound=0.45, rounds=5, on_disk=True),
    ManyCase(name="many-cold", title="20 environments, cold", bound=0.55, fresh_cache=True, rounds=3),
    ManyCase(
        name="many-changed",
        title="20 environments, one package of one is missing",
        fresh_environments=False,
        changed=True,
        rounds=5,
    ),
    ManyCase(
        name="many-tree",
        title="20 environments, sealed trees with all bytecode",
        bound=0.2,
        tree=True,
        rounds=3,
    ),
    *[
        ManyCase(
            name=f"hundred-{name}",
            title=f"100 environments, {title}",
            count=100,
            rounds=rounds,
            fresh_cache=name == "cold",
            fresh_environments=name in {"cold", "warm"},
            changed=name == "changed",
        )
        for name, title, rounds in (
            ("noop", "up to date", 3),
            ("changed", "one package of one is missing", 3),
            ("warm", "warm", 1),
            ("cold", "cold", 1),
        )
    ],
    *[
        ManyCase(
            name=f"environments-{count}",
            title=f"{count} environments of 60 small packages, warm".replace("1 environments", "1 environment"),
            count=count,
            index="small-300",
            rounds=5 if count < 200 else 1,
        )
        for count in (1, 10, 50, 200)
    ],
]
_RESOLUTIONS = [
    ResolveCase(
        name="compile-cold", title="resolution, cold", bound=1.3, fresh_cache=True, kinds=WITH_PIP, second=True
    ),
    ResolveCase(
        name="compile-late",
        title="resolution, 20 ms a request",
        bound=1.0,
        fresh_cache=True,
        late=True,
        rounds=5,
    ),
    ResolveCase(name="compile-warm", title="resolution again, without its output"),
    ResolveCase(name="compile-unchanged", title="resolution again, its output there", bound=1.0, kept=True),
    ResolveCase(name="compile-edited", title="resolution, one requirement more", bound=2.0, edited=True),
]
_REAL = [
    ResolveCase(
        name=f"pages-{form}{name}",
        title=f"real pages ({title}), {how}",
        index=f"pages-{form}",
        bound=bound,
        rounds=3,
        fresh_cache=cold,
        late=late,
        kept=kept,
        edited=edited,
    )
    for form, title in (("html", "HTML"), ("json", "JSON"), ("bare", "HTML without metadata"))
    for name, how, bound, cold, late, kept, edited in (
        ("", "cold", 1.2, True, False, False, False),
        ("-late", "cold, 20 ms a request", 1.2, True, True, False, False),
        ("-unchanged", "unchanged", 1.0, False, False, True, False),
        ("-edited", "one requirement more", 1.5, False, False, False, True),
    )
    if form == "json" or cold
]
_SETS = [
    ResolveCase(
        name=f"back-{name}",
        title=f"going back, {title}, cold",
        index=f"set-{name}",
        source="set",
        bound=1.5,
        requests=1.5,
        fresh_cache=True,
        rounds=3,
    )
    for name, title in (
        ("chain", "a chain as of boto3"),
        ("constrained", "constraints as of airflow"),
        ("drift", "ranges that drift apart"),
    )
]
_UNIVERSAL = [
    ResolveCase(
        name=f"universal-{name}",
        title=f"for all platforms, {how}",
        index="pages-json",
        bound=bound,
        fresh_cache=cold,
        kept=not cold,
        rounds=5,
        universal=True,
    )
    for name, how, bound, cold in (("cold", "cold", 1.5, True), ("unchanged", "unchanged", 1.0, False))
]
INPUTS = [
    ResolveCase(
        name=f"input-{kind}-{number:02}",
        title=f"service {number:02}, {kind}",
        index="pages-json",
        source=f"{number:02} {kind}",
        fresh_cache=True,
        cpu=True,
        warmup=0,
        rounds=2,
    )
    for kind in ("open", "half", "pinned")
    for number in range(10)
]
RESOLVE = [*_RESOLUTIONS, *_REAL, *_SETS, *_UNIVERSAL, *INPUTS]
START = [
    StartCase(
        name=f"start{word[1:]}",
        title=f"`{word}`",
        word=word,
        base="python -c pass",
        bound=2.0 if word == "--version" else float("inf"),
        kinds=(*WITH_PIP, "python"),
        second=True,
    )
    for word in ("--version", "--help")
]
FAMILIES: list[tuple[type[Bench], list[Case]]] = [  # type: ignore[type-arg]
    (StartBench, [*START]),
    (SyncBench, [*SYNC]),
    (ResolveBench, [*RESOLVE]),
    (ManyBench, [*MANY]),
]
INPUT_BOUNDS = {"median": 1.1, "worst": 2.0}  # of CPU seconds, over all of INPUTS
# what the plot shows, from top to bottom
PLOTTED = (
    "noop",
    "warm",
    "cold",
    "cold-late",
    "upgrade",
    "sdists",
    "compile-cold",
    "compile-unchanged",
    "pages-json",
    "many-noop",
    "many-warm",
    "many-cold",
    "tree",
)
