"""Ages and sizes as people write them."""

from puffin.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_AGES = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_SIZES = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def seconds_of(text: str, option: str) -> float:
    """Return an age such as ``14d`` in seconds; :class:`UsageError` for anything else."""
    return _number(
        text.strip().lower(), _AGES, f"`{text}` is not an age", f"`{option}` takes an age such as `14d`"
    )


def bytes_of(text: str, option: str) -> int:
    """Return a size such as ``2G``, ``500MiB`` or ``1.5g`` in bytes (powers of 1024); :class:`UsageError`."""
    plain = text.strip().lower()
    if plain[-2:] == "ib" or (plain[-1:] == "b" and plain[-2:-1].isalpha()):
        plain = plain.removesuffix("ib").removesuffix("b")
    return int(_number(plain, _SIZES, f"`{text}` is not a size", f"`{option}` takes a size such as `2G`"))


def _number(text: str, units: "Mapping[str, int]", wrong: str, hint: str) -> float:
    unit = text[-1:] if text[-1:].isalpha() else ""
    digits = text.removesuffix(unit).strip() if unit else text
    if (
        unit not in units
        or not digits.isascii()
        or not digits.replace(".", "", 1).isdigit()
        or len(digits) > 15
    ):
        raise UsageError(text=wrong, hints=(hint,))
    return float(digits) * units[unit]
