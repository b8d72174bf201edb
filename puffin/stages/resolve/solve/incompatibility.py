"""Incompatibilities and their causes, for PubGrub."""

from collections.abc import Iterator

from puffin.stages.resolve.solve.eligible import Rejection
from puffin.stages.resolve.solve.requirement import Need

Slot = tuple[str, str]
"""A package's name and an extra (empty for the package itself), for which one version, or none, is to be chosen."""


class Incompatibility:
    """Says that not all of its terms can hold at once. A term is a slot and the choices it names, as bits.

    ``inert`` tells that one of them cannot hold, as long as the decisions stand that were made until then.
    """

    __slots__ = ("inert", "parents", "terms")

    def __init__(self, terms: dict[Slot, int], parents: "tuple[Incompatibility, ...]" = ()) -> None:
        self.terms = terms
        self.parents = parents
        self.inert = False


class UserStatement(Incompatibility):
    """The user says what a package has to be: anything but what ``need`` admits cannot be."""

    __slots__ = ("need", "slot")

    def __init__(self, slot: Slot, need: Need, terms: dict[Slot, int]) -> None:
        super().__init__(terms)
        self.slot = slot
        self.need = need


class Required(UserStatement):
    """The user wants a package."""

    __slots__ = ()


class Constrained(UserStatement):
    """The user's constraint: it holds for a package if that is chosen at all."""

    __slots__ = ()


class Depends(Incompatibility):
    """Versions of one slot need another: ``versions`` grows as more are found to need the same."""

    __slots__ = ("need", "slot", "target", "versions")

    def __init__(self, slot: Slot, target: Slot, need: Need, terms: dict[Slot, int]) -> None:
        super().__init__(terms)
        self.slot = slot
        self.target = target
        self.need = need
        self.versions = 0


class RuledOut(Incompatibility):
    """Versions cannot be used, for one reason."""

    __slots__ = ("reason", "slot", "versions")

    def __init__(self, slot: Slot, reason: Rejection) -> None:
        super().__init__({slot: 0})
        self.slot = slot
        self.reason = reason
        self.versions = 0


class SameVersion(Incompatibility):
    """A package and its extra are of one version."""

    __slots__ = ()


def resolvent(one: Incompatibility, other: Incompatibility, slot: Slot, everything: int) -> Incompatibility:
    """Return the consequence of both for all slots but *slot*, whose whole set is *everything*."""
    terms = dict(one.terms)
    for own, mask in other.terms.items():
        if own != slot:
            terms[own] = terms[own] & mask if own in terms else mask
    union = (one.terms[slot] | other.terms[slot]) & everything
    if union == everything:
        del terms[slot]
    else:
        terms[slot] = union
    return Incompatibility(terms, (one, other))


def leaves(proof: Incompatibility) -> "Iterator[Incompatibility]":
    """Yield the statements that a proof rests on, each once."""
    seen: set[int] = set()
    pending = [proof]
    while pending:
        own = pending.pop()
        if id(own) in seen:
            continue
        seen.add(id(own))
        if own.parents:
            pending += own.parents
        else:
            yield own
