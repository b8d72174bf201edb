"""Markers with and without extras, each distinct one evaluated once per set of extras."""

from collections.abc import Mapping

from packaging.markers import Marker

from puffin.stages.resolve.markers import NAMES, for_extra
from puffin.stages.resolve.solve.requirement import InvalidRequirement

_NO_EXTRAS: frozenset[str] = frozenset()
_PROBLEMS = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


class Conditions:
    """Evaluates markers for one target environment, which has to have all of PEP 508's variables but ``extra``."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        missing = [name for name in NAMES if name not in environment]
        if missing:
            raise ValueError(f"the marker environment lacks {', '.join(missing)}")
        self._environment = {**environment, "extra": ""}
        self._parsed: dict[str, Marker] = {}
        self._known: dict[tuple[str, str], bool] = {}

    def hold(self, marker: str, extras: frozenset[str] = _NO_EXTRAS) -> bool:
        """Tell whether *marker* holds with one of *extras*, or with none. Raises :class:`InvalidRequirement`."""
        if not marker:
            return True
        if "extra" not in marker:
            return self._holds(marker, "")
        usual = for_extra(marker)
        if usual is not None:
            return usual[1] in extras and self.hold(usual[0])
        return self._holds(marker, "") or any(self._holds(marker, extra) for extra in extras)

    def _holds(self, marker: str, extra: str) -> bool:
        known = self._known.get((marker, extra))
        if known is None:
            known = self._known[marker, extra] = self._evaluated(marker, extra)
        return known

    def _evaluated(self, marker: str, extra: str) -> bool:
        try:
            parsed = self._parsed.get(marker)
            if parsed is None:
                parsed = self._parsed[marker] = Marker(marker)
            self._environment["extra"] = extra
            return bool(parsed.evaluate(self._environment))
        except _PROBLEMS:
            raise InvalidRequirement(f"the marker `{marker}` cannot be evaluated") from None
