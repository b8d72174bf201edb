"""Where the lock of an environment is, and what of an environment has to be locked at all. Pure."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.pipeline.plan_workspace_specs import EnvSpec


def is_source(path: str) -> bool:
    """Tell whether a requirements file is one that pins are compiled from, by its name."""
    return path.endswith(".in")


def needs_lock(spec: "EnvSpec") -> bool:
    """Tell whether an environment is made from something that is never pinned by itself."""
    return bool(spec.project) or any(is_source(path) for path in spec.requirements)


def lock_of(spec: "EnvSpec") -> str:
    """Return the lock file of an environment, nothing where it has none.

    That of ``NAME.in`` is ``NAME.txt`` beside it, that of a project ``pylock.toml`` beside its ``pyproject.toml``.
    Where several environments are made from one source, their names tell the locks apart.
    """
    if not needs_lock(spec):
        return ""
    if spec.project:
        own = spec.extras or spec.groups or spec.name != spec.base
        name = f"pylock.{_slug(spec.name)}.toml" if own else "pylock.toml"
        return os.path.join(os.path.dirname(spec.project), name)
    source = next(path for path in spec.requirements if is_source(path))
    suffix = f"-{spec.python}" if spec.name != spec.base else ""
    return f"{source.removesuffix('.in')}{suffix}.txt"


def _slug(name: str) -> str:
    return "-".join("".join(each if each.isalnum() else " " for each in name).split()) or "env"
