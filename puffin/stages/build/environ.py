"""The environment variables of a build: what a compiler may need, and nothing that is meant for another Python."""

import os
from collections.abc import Mapping

# For puffin and its kin alone; many hold credentials.
_PRIVATE = ("PUFFIN_", "PIP_", "UV_")

# What makes an interpreter find other modules, or behave otherwise, than the build environment says.
_INTERPRETER = frozenset(
    (
        "PYTHONBREAKPOINT",
        "PYTHONCASEOK",
        "PYTHONDEBUG",
        "PYTHONDEVMODE",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONEXECUTABLE",
        "PYTHONHOME",
        "PYTHONINSPECT",
        "PYTHONNOUSERSITE",
        "PYTHONOPTIMIZE",
        "PYTHONPATH",
        "PYTHONPLATLIBDIR",
        "PYTHONPROFILEIMPORTTIME",
        "PYTHONSAFEPATH",
        "PYTHONSTARTUP",
        "PYTHONTRACEMALLOC",
        "PYTHONUSERBASE",
        "PYTHONVERBOSE",
        "PYTHONWARNINGS",
        "VIRTUAL_ENV",
        "VIRTUAL_ENV_PROMPT",
        "__PYVENV_LAUNCHER__",
    )
)

# Set by git for its hooks: they would make a backend take its version from another repository.
_GIT = frozenset(("GIT_DIR", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_WORK_TREE"))

# What distributed's nanny writes into the environment of its workers (distributed.nanny.pre-spawn-environ).
_NANNY = (
    ("PYTHONHASHSEED", "6640"),
    ("MALLOC_TRIM_THRESHOLD_", "65536"),
    ("OMP_NUM_THREADS", "1"),
    ("MKL_NUM_THREADS", "1"),
    ("OPENBLAS_NUM_THREADS", "1"),
)


def build_environ(
    environ: "Mapping[str, str]", scripts: str = "", *, isolated: bool = True
) -> "dict[str, str]":
    """Return the environment for a build, from that of the user, *environ*.

    *scripts* is the directory of the build environment's scripts: it comes first on PATH. A build that is not
    *isolated* keeps the variables that Python goes by. Compilers, flags, proxies, certificates, HOME, TMPDIR,
    ``SOURCE_DATE_EPOCH`` and ``PYTHONHASHSEED`` are left as they are.
    """
    kept = {name: value for name, value in environ.items() if _is_kept(name, isolated)}
    if scripts:
        path = kept.get("PATH") or os.defpath
        kept["PATH"] = f"{scripts}{os.pathsep}{path}"
    if scripts and isolated:
        kept["VIRTUAL_ENV"] = os.path.dirname(scripts)
    if isolated:
        kept["PYTHONNOUSERSITE"] = "1"
    kept["PYTHONUNBUFFERED"] = "1"
    return kept


def _is_kept(name: str, isolated: bool) -> bool:
    if name.startswith(_PRIVATE) or name in _GIT:
        return False
    return not (isolated and name in _INTERPRETER)


def without_nanny(environ: "Mapping[str, str]") -> "dict[str, str]":
    """Return *environ*, that of a worker of distributed, without what its nanny has written there."""
    return {name: value for name, value in environ.items() if (name, value) not in _NANNY}
