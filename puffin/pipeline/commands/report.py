"""The installation report of an install, in pip's format."""

from typing import Any

from puffin import __version__
from puffin.cache.layout import Cache
from puffin.pipeline.change.report import ReportItem, archived_metadata, report
from puffin.pipeline.commands.install import Installed
from puffin.pipeline.tasks.supply import Supply
from puffin.stages.resolve.solve.request import Resolved
from puffin.stages.resolve.solve.universe import Metadata


def report_of(done: Installed, cache: Cache) -> dict[str, Any]:
    """Return the report: what came in, or would have, by name."""
    packages = {each.name: each for each in done.resolution.packages}
    items = [_item(each, packages[each.artifact.name], done, cache) for each in done.supplies]
    return report(items, dict(done.environment.interpreter.markers), __version__)


def _item(supply: Supply, package: Resolved, done: Installed, cache: Cache) -> ReportItem:
    artifact = supply.artifact
    hashes = (f"sha256:{supply.archive}",) if supply.archive else artifact.hashes
    return ReportItem(
        name=artifact.name,
        version=artifact.version,
        url=artifact.url,
        hashes=hashes,
        is_direct=bool(artifact.direct_url),
        is_yanked=artifact.yanked is not None,
        requested=package.direct,
        requested_extras=package.extras if package.direct else (),
        metadata=archived_metadata(cache, supply.archive) or _written(done.metadata[artifact.name]),
        direct_url=artifact.direct_url,
    )


def _written(metadata: Metadata) -> bytes:
    """Return what resolution knew, as METADATA: a dry run fetches no wheel that could be asked."""
    lines = ["Metadata-Version: 2.1", f"Name: {metadata.name}", f"Version: {metadata.version}"]
    lines += [f"Requires-Python: {metadata.requires_python}"] if metadata.requires_python else []
    lines += [f"Requires-Dist: {each}" for each in metadata.requires_dist]
    lines += [f"Provides-Extra: {each}" for each in metadata.provides_extras]
    return "\n".join((*lines, "")).encode()
