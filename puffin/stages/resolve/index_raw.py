"""Reading what a page was cut into (see :mod:`~puffin.stages.resolve.index_groups`)."""

from puffin.stages.resolve.index_page import FileLink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Rows = tuple[tuple[Any, ...], ...]

HTML, JSON = "html", "json"
_UPLOAD = tuple(FileLink.__annotations__).index("upload_time")


def rows(stored: "Any") -> "Rows | None":
    """Return the files in a value of ``Groups.files``, the fields of :class:`FileLink`; None if it is none."""
    if type(stored) is not tuple:
        return None
    if len(stored) != 3 or stored[0] not in (HTML, JSON):
        return stored
    kind, base, raw = stored
    if kind == HTML:
        from puffin.stages.resolve.index_anchor import html_rows

        return html_rows(base, raw)
    return _json_rows(base, raw)


def _json_rows(base: str, files: "list[Any]") -> "Rows":
    from puffin.stages.resolve.index_href import Collector
    from puffin.stages.resolve.index_json import add_file
    from puffin.value import astuple

    collector = Collector(base)
    for file in files:
        add_file(collector, file)
    return tuple([astuple(link) for link in collector.files])


def first_upload(stored: "Any") -> str:
    """Return the earliest upload time in a value of ``Groups.files``; texts of one index sort as times do."""
    if len(stored) == 3 and stored[0] == HTML:
        from puffin.stages.resolve.index_anchor import upload_times

        times = upload_times(stored[2])
    elif len(stored) == 3 and stored[0] == JSON:
        times = [file.get("upload-time") for file in stored[2]]
    else:
        times = [row[_UPLOAD] for row in stored]
    return min([time for time in times if time and isinstance(time, str)], default="")
