"""Frozen values, declared like dataclasses but without their import.

``import dataclasses`` pulls in ``inspect`` and costs about 18 ms, a tenth of a whole warm sync, and
``msgspec`` or ``attrs`` cost more. :func:`frozen` gives what puffin's values need of
``@dataclass(frozen=True, slots=True, kw_only=True)`` and nothing else; type checkers read it as one
(PEP 681).
"""

from _operator import attrgetter  # what ``operator`` hands out, without a module to load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, TypeVar, dataclass_transform

    T = TypeVar("T")
else:

    def dataclass_transform(**_options):
        """Stand in for ``typing.dataclass_transform``, whose module is not imported at run time."""
        return lambda decorated: decorated


def _init(self: "Any", **fields: "Any") -> None:
    setters = self.__setters__
    if len(fields) != len(setters):
        fields = {**self.__defaults__, **fields}
    try:
        for name, put in setters:
            put(self, fields[name])
    except KeyError as missing:
        raise TypeError(f"{type(self).__name__} needs {missing}") from None
    if len(fields) != len(setters):
        unknown = [name for name in fields if name not in self.__slots__]
        raise TypeError(f"{type(self).__name__} has no {', '.join(unknown)}")


def _setattr(self: "Any", name: str, _value: "Any") -> None:
    raise AttributeError(f"{type(self).__name__}.{name} is frozen")


def _astuple(self: "Any") -> "tuple[Any, ...]":
    found: tuple[Any, ...] = type(self).__getter__(self)
    return found


def _eq(self: "Any", other: object) -> "Any":
    if self is other:
        return True
    if type(self) is not type(other):
        return NotImplemented
    return _astuple(self) == _astuple(other)


def _hash(self: "Any") -> int:
    return hash((type(self), _astuple(self)))


def _repr(self: "Any") -> str:
    inside = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
    return f"{type(self).__name__}({inside})"


def _reduce(self: "Any") -> "tuple[Any, ...]":
    return from_tuple, (type(self), _astuple(self))


@dataclass_transform(frozen_default=True, kw_only_default=True)
def frozen(cls: "type[T]") -> "type[T]":
    """Make *cls* an immutable, slotted, hashable, picklable value built from keywords.

    Fields are the class's own annotations, in order; a field with a value in the class body has
    that default. Inheritance between values is not supported.
    """
    names = tuple(cls.__annotations__)
    body = {k: v for k, v in vars(cls).items() if k not in names and k not in ("__dict__", "__weakref__")}
    body["__slots__"] = names
    body["__match_args__"] = names
    body["__defaults__"] = {name: vars(cls)[name] for name in names if name in vars(cls)}
    methods = (("__init__", _init), ("__setattr__", _setattr), ("__repr__", _repr), ("__reduce__", _reduce))
    for name, function in (*methods, ("__eq__", _eq), ("__hash__", _hash)):
        if body.get(name) is None:  # a class that defines __eq__ alone has __hash__ = None
            body[name] = function
    body["__getter__"] = attrgetter(*names) if len(names) > 1 else _getter(names)
    setters: list[Any] = []
    body["__setters__"] = setters  # filled below: to give a class an attribute later on takes longer
    metaclass: Any = type(cls)
    made: Any = metaclass(cls.__name__, cls.__bases__, body)
    setters += [(name, made.__dict__[name].__set__) for name in names]
    frozen_class: type[T] = made
    return frozen_class


def _getter(names: "tuple[str, ...]") -> "Any":
    return lambda value: tuple([getattr(value, name) for name in names])


def replace(value: "T", **changes: "Any") -> "T":
    """Return a copy of a frozen *value* with some fields changed."""
    cls: Any = type(value)
    copy: T = cls(**{**{name: getattr(value, name) for name in cls.__slots__}, **changes})
    return copy


def astuple(value: object) -> "tuple[Any, ...]":
    """Return the fields of a frozen *value*, in order: its wire form, if they are builtins."""
    return _astuple(value)


def from_tuple(cls: "type[T]", fields: "Iterable[Any]") -> "T":
    """Return the value whose :func:`astuple` is *fields*; ValueError or TypeError if they do not fit."""
    setters: tuple[Any, ...] = cls.__setters__  # type: ignore[attr-defined]
    value = object.__new__(cls)
    for (_, put), field in zip(setters, fields, strict=True):
        put(value, field)
    return value


def field_names(cls: "type[Any]") -> "tuple[str, ...]":
    """Return the names of a frozen class's fields, in order."""
    names: tuple[str, ...] = cls.__slots__
    return names


def common(kind: "type[Any]", value: object) -> "dict[str, Any]":
    """Return the fields of a frozen *value* that values of *kind* have by the same names."""
    own = field_names(type(value))
    return {name: getattr(value, name) for name in field_names(kind) if name in own}
