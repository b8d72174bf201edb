"""Which of the requirements that a hook asks for the build environment lacks."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet


def missing_requirements(
    wanted: "Iterable[str]",
    installed: "Iterable[tuple[str, str]]",
    markers: "Mapping[str, str]",
    made_for: "Iterable[str]" = (),
) -> "tuple[str, ...]":
    """Return those of *wanted* that *installed* (names and versions) does not satisfy, in their order.

    *markers* is the environment of their markers (PEP 508). Requirements that the environment was *made for*
    are there. One with extras or a URL is otherwise taken to be missing: names and versions do not tell.
    Raises ``packaging.requirements.InvalidRequirement``.
    """
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    there: dict[str, str] = {}
    for name, version in installed:
        there.setdefault(canonicalize_name(name), version)
    known = {_identity(each) for each in map(Requirement, made_for) if _applies(each, markers)}
    missing = []
    for text in wanted:
        requirement = Requirement(text)
        if not _applies(requirement, markers) or _identity(requirement) in known:
            continue
        version = there.get(canonicalize_name(requirement.name), "")
        if requirement.extras or requirement.url or not _fits(requirement.specifier, version):
            missing.append(text)
    return tuple(missing)


def _applies(requirement: "Requirement", markers: "Mapping[str, str]") -> bool:
    return requirement.marker is None or requirement.marker.evaluate({**markers, "extra": ""})


def _identity(requirement: "Requirement") -> "tuple[object, ...]":
    from packaging.utils import canonicalize_name

    name = canonicalize_name(requirement.name)
    return name, frozenset(requirement.extras), requirement.specifier, requirement.url


def _fits(specifier: "SpecifierSet", version: str) -> bool:
    from packaging.version import InvalidVersion

    try:
        return bool(version) and specifier.contains(version, prereleases=True)
    except InvalidVersion:
        return False
