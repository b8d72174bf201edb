"""Errors of requirements that cannot be pins. Their ``requirements`` are (text, ``file:line``)."""

from puffin.errors import PuffinError


class ConflictingRequirements(PuffinError):
    """No version of a package fits all that is required of it."""

    stage = "resolve"
    requirements: tuple[tuple[str, str], ...]

    def summary(self) -> str:
        texts = " and ".join(text for text, _ in self.requirements)
        return f"No version of `{self.package}` can be installed: you require {texts}"

    def details(self) -> tuple[str, ...]:
        return _listed(self.requirements)


class ConflictingUrls(PuffinError):
    """A package is required from different places."""

    stage = "resolve"
    requirements: tuple[tuple[str, str], ...]

    def summary(self) -> str:
        return f"Requirements name different URLs for `{self.package}`"

    def details(self) -> tuple[str, ...]:
        return _listed(self.requirements)


class DisjointHashes(PuffinError):
    """The hashes of a requirement and of its constraints have none in common."""

    stage = "resolve"
    requirements: tuple[tuple[str, str], ...]

    def summary(self) -> str:
        return f"No file of `{self.package}` can match: requirement and constraint share no hash"

    def details(self) -> tuple[str, ...]:
        return _listed(self.requirements)


class UnpinnedRequirement(PuffinError):
    """Requirements leave the version open."""

    stage = "resolve"
    requirements: tuple[tuple[str, str], ...]

    def summary(self) -> str:
        text, origin = self.requirements[0]
        more = len(self.requirements) - 1
        others = f", nor {'is' if more == 1 else 'are'} {more} more" if more else ""
        return f"`{text}` at {origin} is not pinned to a version by `==`{others}"

    def details(self) -> tuple[str, ...]:
        return _listed(self.requirements) if len(self.requirements) > 1 else ()


class UnverifiableRequirements(PuffinError):
    """Hashes are required, but some requirements have none that counts.

    ``requirements`` are (text, ``file:line``, reason).
    """

    stage = "resolve"
    requirements: tuple[tuple[str, str, str], ...]

    def summary(self) -> str:
        more = len(self.requirements) - 1
        others = f" and {more} more" if more else ""
        return f"Hashes are required, but `{self.requirements[0][0]}`{others} cannot be verified"

    def details(self) -> tuple[str, ...]:
        return tuple([f"  {text} ({origin}): {reason}" for text, origin, reason in self.requirements])


class HashesMissing(PuffinError):
    """Hashes are required, and something that requirements need has none."""

    stage = "resolve"
    names: tuple[str, ...]
    hints: tuple[str, ...] = ("`puffin pip compile --generate-hashes` writes pins with their hashes",)

    def summary(self) -> str:
        """List what has no hash."""
        names = ", ".join(f"`{name}`" for name in self.names)
        return f"With `--require-hashes`, everything needs a hash, and these have none: {names}"


class UnusableRequirements(PuffinError):
    """Several things are wrong with the requirements; they are the ``causes``."""

    stage = "resolve"

    def summary(self) -> str:
        return f"The requirements have {len(self.causes)} problems"


def _listed(requirements: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    return tuple([f"  {text} ({origin})" for text, origin in requirements])
