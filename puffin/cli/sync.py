"""``puffin pip sync``."""

import os

from puffin.cache.layout import default_root
from puffin.cli.config import configured
from puffin.cli.config_settings import check_choice, check_extras, executor_of, located, moment
from puffin.cli.observe import Observed, dashboard_port
from puffin.errors import UsageError
from puffin.pipeline.plan_settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from puffin.cli.console import Console
    from puffin.pipeline.plan_target import Where


def sync(options: "dict[str, Any]", console: "Console", started: float) -> int:
    """Make an environment hold exactly what requirements files pin."""
    from puffin.pipeline.plan_sync import sync as run

    options = configured("sync", options, console, os.environ)
    with CacheDirectory(options) as cache_dir, Observed("pip sync", options, console, cache_dir, started):
        run(settings(options, cache_dir), console, os.environ, started=started)
    return 0


def settings(options: "dict[str, Any]", cache_dir: str) -> Settings:
    """Return the settings in *options*; :class:`UsageError` for values that cannot be."""
    names = (
        "python", "system", "target", "prefix", "require_hashes", "reinstall", "refresh", "link_mode",
        "compile_bytecode", "path_conflict", "dry_run", "allow_empty_requirements", "break_system_packages",
        "constraint", "no_build", "extra", "all_extras", "group", "no_build_isolation", "config_setting",
        "build_constraint", "no_verify_hashes", "strict", "dashboard_linger",
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
    return Settings(
        files=tuple(options["arguments"]),
        cache_dir=cache_dir,
        executor=executor,
        remote=remote,
        target_version=options["python_version"],
        target_platform=options["python_platform"],
        jobs=jobs(str(options["jobs"])),
        dashboard=dashboard_port({**options, "executor": executor}),
        reinstall_package=_normalised(options["reinstall_package"]),
        refresh_package=_normalised(options["refresh_package"]),
        no_binary=package_names(options["no_binary"]),
        only_binary=package_names(options["only_binary"]),
        no_build_isolation_package=_normalised(options["no_build_isolation_package"]),
        exclude_newer=moment(options["exclude_newer"]),
        **{name: options[name] for name in names},
        **located(options, os.environ),
    )


def jobs(text: str) -> int:
    """Return the number of jobs, 0 where none is given."""
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 1024):
        raise UsageError(text=f"`{text}` is not a number of jobs", hints=("give `--jobs` a number from 1 up",))
    return int(text)


def _normalised(names: "tuple[str, ...]") -> tuple[str, ...]:
    return tuple(normalise(name) for name in names)


def package_names(values: "Sequence[str]") -> tuple[str, ...]:
    """Return the packages of ``--no-binary`` and ``--only-binary``: commas separate, ``:none:`` starts anew."""
    names: list[str] = []
    for value in values:
        for word in value.split(","):
            name = word.strip()
            if name == ":none:":
                names.clear()
            elif name:
                names.append(name if name == ":all:" else normalise(name))
    return tuple(dict.fromkeys(names))


def normalise(name: str) -> str:
    """Return a project name in its normal form (PEP 503)."""
    parts = name.lower().replace("_", "-").replace(".", "-").split("-")
    return "-".join(part for part in parts if part) or name


def where_of(options: "dict[str, Any]") -> "Where":
    """Return what *options* say of where to work."""
    from puffin.pipeline.plan_target import Where

    return Where(**{name: options[name] for name in ("python", "system", "target", "prefix")})


class CacheDirectory:
    """The cache directory of a command; with ``--no-cache`` one that goes at the end of the ``with`` block."""

    def __init__(self, options: "dict[str, Any]") -> None:
        self._options = options
        self._temporary = ""

    def __enter__(self) -> str:
        if self._options.get("no_cache"):
            import tempfile

            self._temporary = tempfile.mkdtemp(prefix="puffin-cache-")
            return self._temporary
        chosen = self._options.get("cache_dir")
        return os.path.abspath(os.path.expanduser(chosen)) if chosen else default_root(os.environ)

    def __exit__(self, *error: object) -> None:
        if self._temporary:
            from puffin.cache.atomic import remove_tree

            remove_tree(self._temporary)
