"""``puffin pip sync``."""

import os

from puffin.cli.commands.observe import Observed, dashboard_port
from puffin.cli.config.layers import configured
from puffin.cli.config.settings import (
    CacheDirectory,
    check_choice,
    check_extras,
    executor_of,
    jobs,
    moment,
    normalised,
    package_names,
    shared_settings,
)
from puffin.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from puffin.cli.screen.console import Console
    from puffin.pipeline.request.settings import Settings


def sync(options: "dict[str, Any]", console: "Console", started: float) -> int:
    """Make an environment hold exactly what requirements files pin."""
    from puffin.pipeline.commands.pip_sync import sync as run

    options = configured("sync", options, console, os.environ)
    with CacheDirectory(options) as cache_dir, Observed("pip sync", options, console, cache_dir, started):
        run(settings(options, cache_dir), console, os.environ, started=started)
    return 0


def _bytecode_mode(environ: "Mapping[str, str]") -> str:
    """Return the mode of bytecode that ``PYC_INVALIDATION_MODE`` names, as ``kind_of`` takes it.

    Names are those of ``py_compile``, in any case, or of ``compileall``. Raises :class:`UsageError` for another.
    """
    given = environ.get("PYC_INVALIDATION_MODE", "")
    modes = {"": "", "TIMESTAMP": "", "CHECKED_HASH": "checked", "UNCHECKED_HASH": "unchecked"}
    name = given.upper().replace("-", "_")
    if name not in modes:
        hints = ("use one of `TIMESTAMP`, `CHECKED_HASH`, `UNCHECKED_HASH`",)
        raise UsageError(text=f"`{given}` is not a valid value for `PYC_INVALIDATION_MODE`", hints=hints)
    return modes[name]


def settings(options: "dict[str, Any]", cache_dir: str) -> "Settings":
    """Return the settings in *options*; :class:`UsageError` for values that cannot be."""
    names = (
        "system", "target", "prefix", "require_hashes", "reinstall", "link_mode", "compile_bytecode", "path_conflict",
        "dry_run", "allow_empty_requirements", "break_system_packages", "constraint", "no_build", "extra", "all_extras",
        "group", "no_verify_hashes", "strict", "dashboard_linger", "remove_seeds",
    )  # fmt: skip
    check_choice(options, "link_mode", ("clone", "hardlink", "copy", "symlink"))
    executor, remote = executor_of(options, os.environ)
    check_choice(options, "path_conflict", ("warn", "error"))
    check_extras(options)
    if options["require_hashes"] and options["no_verify_hashes"]:
        raise UsageError(
            text="`--require-hashes` cannot be used with `--no-verify-hashes`", hints=("leave out one of them",)
        )
    if options["link_mode"] == "symlink" and options["no_cache"]:
        raise UsageError(text="`--link-mode symlink` needs a cache that stays, and `--no-cache` has none")
    if options["compile_bytecode"] and options["python_version"]:
        raise UsageError(
            text="`--compile-bytecode` cannot be used with `--python-version`: its interpreter would have to compile"
        )
    return shared_settings(
        options,
        cache_dir,
        files=tuple(options["arguments"]),
        bytecode_mode=_bytecode_mode(os.environ) if options["compile_bytecode"] else "",
        executor=executor,
        remote=remote,
        target_version=options["python_version"],
        target_platform=options["python_platform"],
        jobs=jobs(str(options["jobs"])),
        dashboard=dashboard_port({**options, "executor": executor}),
        reinstall_package=normalised(options["reinstall_package"]),
        no_binary=package_names(options["no_binary"]),
        only_binary=package_names(options["only_binary"]),
        exclude_newer=moment(options["exclude_newer"]),
        **{name: options[name] for name in names},
    )
