"""The targets of a resolution for several environments: a region of all platforms, or declared targets.

A declared target is named ``PLATFORM-PYTHON``, such as ``linux-x86_64-cp312`` or ``macos-3.12``; its platform is one
of those of ``--python-platform``.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from puffin.errors import UsageError
from puffin.stages.link.interpreter.interpreter import Interpreter
from puffin.stages.resolve.index.page import FileLink, is_wheel
from puffin.stages.resolve.locate.platforms import ResolutionTarget, target_for
from puffin.stages.resolve.locate.tags import ANY_PLATFORM, wheel_marker
from puffin.stages.resolve.requirements.region import (
    RegionConditions,
    lowest_python,
    minor_versions,
    narrowed,
    region_of_pythons,
    union_of,
)
from puffin.value import replace

_TARGET = re.compile(r"(.+)-(?:cp)?(3\.?\d+(?:\.\d+)?)")
_VARIABLES = ("implementation_name", "os_name", "platform_machine", "sys_platform")


def universal_target(
    interpreter: "Interpreter", pythons: str, environments: tuple[str, ...] = ()
) -> ResolutionTarget:
    """Return the target of all platforms with the Pythons of a specifier; *interpreter* builds what has to be built.

    *environments* are the markers that it is limited to: each is somewhere in the region of the Pythons. Raises
    :class:`UsageError` for a specifier that admits no Python 3.
    """
    region = region_of_pythons(pythons)
    if not region:
        raise UsageError(text=f"No version of Python 3 meets `{pythons}`, so there is nothing to resolve for")
    region = union_of([narrowed(region, marker) for marker in environments] or [region])
    return ResolutionTarget(
        markers=tuple(sorted(interpreter.markers)),
        python_version=lowest_python(region),
        tags=tuple(_tags(minor_versions(region))),
        real_python_version=interpreter.version_text,
        region=region,
        pythons=pythons,
        environments=environments,
    )


def _tags(minors: "Sequence[int]") -> "Iterable[str]":
    """Yield the tags of wheels that some Python of these *minors* takes, on whatever platform."""
    for minor in reversed(minors):
        own = f"cp3{minor}"
        for abi in (own, f"{own}t", f"{own}m", "none"):
            yield f"{own}-{abi}-{ANY_PLATFORM}"
        yield f"pp3{minor}-pypy3{minor}_pp73-{ANY_PLATFORM}"
    for minor in range(minors[-1] if minors else 0, 1, -1):
        yield f"cp3{minor}-abi3-{ANY_PLATFORM}"
        yield f"py3{minor}-none-{ANY_PLATFORM}"
    yield f"py3-none-{ANY_PLATFORM}"
    yield ANY_PLATFORM


def declared_targets(interpreter: "Interpreter", names: "Iterable[str]") -> tuple[ResolutionTarget, ...]:
    """Return the targets with these names, each once. Raises :class:`UsageError` for a name that is none."""
    found: dict[str, str] = {}
    targets = []
    for name in dict.fromkeys(names):
        target = _declared(interpreter, name)
        first = found.setdefault(region_of(dict(target.markers)), name)
        if first != name:
            text = f"The targets `{first}` and `{name}` cannot be told apart: no marker differs between them"
            raise UsageError(text=text, hints=("leave out one of them",))
        targets.append(target)
    return tuple(targets)


def covering(targets: "Sequence[ResolutionTarget]") -> ResolutionTarget:
    """Return one target that stands for all of *targets* in an output: their region, and the tags of all."""
    regions = [each.region or region_of(dict(each.markers)) for each in targets]
    region = union_of(regions)
    return replace(
        targets[0],
        region=region,
        python_version=lowest_python(region),
        pythons=targets[0].pythons or f">={lowest_python(region).removesuffix('.0')}",
        tags=tuple(dict.fromkeys(tag for each in targets for tag in each.tags)),
    )


def _declared(interpreter: "Interpreter", name: str) -> ResolutionTarget:
    found = _TARGET.fullmatch(name)
    if found is None:
        hint = (
            "write a platform and a Python: `linux-x86_64-cp312`, `macos-3.12`, `x86_64-manylinux_2_28-cp311`"
        )
        raise UsageError(text=f"`{name}` is not a target", hints=(hint,))
    python = found[2] if "." in found[2] else f"3.{found[2][1:]}"
    try:
        return replace(target_for(interpreter, python_version=python, python_platform=found[1]), name=name)
    except UsageError as error:
        raise UsageError(text=f"`{name}` is not a target", causes=(error,), hints=error.hints) from None


def region_of(markers: "Mapping[str, str]") -> str:
    """Return the marker of the environments that a resolution for one of them, with these *markers*, is for."""
    parts = [f"{name} == '{markers[name]}'" for name in (*_VARIABLES, "python_version")]
    return " and ".join(parts)


def wheels_for(files: "Iterable[FileLink]", region: str, marker: str) -> "Iterator[FileLink]":
    """Yield those of *files* that fit an environment of a region that a marker holds for, and source distributions."""
    conditions = RegionConditions(narrowed(region, marker))
    for file in files:
        if not is_wheel(file.filename) or conditions.hold(wheel_marker(file.filename)):
            yield file
