"""Build environments from a remote cache: the files that build requirements resolve to, as signed lists.

A list is named by the request that it answers, as answers are in the local cache
(:func:`~puffin.stages.resolve.universe.kept.request_name`). Its value is ``{"files": [...], "pages": [...]}``: the
fields of artifacts, and the index pages that they were chosen from: package, time of the fetch, seconds that it lasts.
A list holds as long as all of these pages may be used. So the index still decides what is current.
"""

import json
import os
import re
from typing import Any

from puffin.artifact.artifact import SDIST, WHEEL, Artifact, expected_sha256
from puffin.artifact.urls import digest, is_http, strip_credentials
from puffin.cache.atomic import write
from puffin.names import is_name, normalise
from puffin.stages.remote.store import RemoteQuestion, store_of
from puffin.stages.remote.values import ABSENT, LISTS, STALE, UNSIGNED, RemoteCache, Told
from puffin.stages.resolve.index.config import Scope, may_be_used
from puffin.stages.resolve.index.page import is_wheel

_FIELDS = ("name", "version", "filename", "url", "source", "hashes", "size", "yanked", "requires_python")
_LIST = "list-"
_SOURCE = re.compile(r"index/[0-9a-f]{8,64}")
_SHA256 = re.compile(r"sha256:[0-9a-f]{64}")
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+!-]*")
_MOST = 500  # files of an environment

Pages = tuple[tuple[str, float, int], ...]

_taken: "dict[tuple[str, str], tuple[Artifact, ...]]" = {}  # by the room of a run and the name of the list


def take_list(
    remote: "tuple[Any, ...]", network: "tuple[Any, ...]", name: str, scope: Scope
) -> "tuple[tuple[Artifact, ...], Told | None]":
    """Return the files of the list with this *name*, none if there is none that holds, and what the cache told.

    That is None for a list that this process took in the same run: a resolution and its builds want the same ones.
    """
    store = store_of(remote, network)
    place = (store.settings.room, name)
    if place in _taken:
        return _taken[place], None
    question, worst = RemoteQuestion(store, LISTS), ABSENT
    for value, reason in store.entries(LISTS, name):
        found, pages = (files_in_list(value), listed_pages(value)) if value is not None else ((), ())
        if found and all(scope.trusts(*page) for page in pages):
            _taken[place] = found
            return found, question.told("")
        why = reason or (STALE if found else UNSIGNED)
        worst = why if why != ABSENT else worst
    return (), question.told(worst)


def keep_list(settings: RemoteCache, name: str, found: "tuple[Artifact, ...]", pages: Pages) -> None:
    """Put a list into the room of the run, to be uploaded at its end, if other machines can use it."""
    if not (settings.write and settings.room and found and pages and all(is_listable(each) for each in found)):
        return
    rows = [[getattr(each, field) for field in _FIELDS] for each in found]
    text = json.dumps([name, {"files": rows, "pages": pages}])
    try:
        os.makedirs(settings.room, exist_ok=True)
        write(f"{settings.room}/{_LIST}{digest(name)}", text.encode())
    except OSError:
        pass  # it is not uploaded then


def kept_lists(room: str) -> "list[tuple[str, dict[str, Any]]]":
    """Return the names and the values of the lists in a room."""
    try:
        names = [name for name in sorted(os.listdir(room)) if name.startswith(_LIST)]
    except OSError:
        return []
    found = []
    for name in names:
        with open(f"{room}/{name}", "rb") as file:
            found.append(tuple(json.load(file)))
    return found


def is_listable(artifact: Artifact) -> bool:
    """Tell whether an artifact is a file of an index, with nothing in it that leads elsewhere or is secret."""
    return bool(
        artifact.kind in (WHEEL, SDIST)
        and is_http(artifact.url)
        and artifact.url == strip_credentials(artifact.url)
        and expected_sha256(artifact)
        and all(_SHA256.fullmatch(each) for each in artifact.hashes)
        and _SOURCE.fullmatch(artifact.source)
        and is_name(artifact.name)
        and artifact.name == normalise(artifact.name)
        and all(_PLAIN.fullmatch(each) for each in (artifact.version, artifact.filename))
        and not (artifact.direct_url or artifact.subdirectory or artifact.editable)
    )


def files_in_list(value: "dict[str, Any]") -> "tuple[Artifact, ...]":
    """Return the files of a list; none if any of them is not valid."""
    rows = value.get("files")
    if not isinstance(rows, list) or len(rows) > _MOST or not listed_pages(value):
        return ()
    found = [_artifact(row) for row in rows]
    valid = [each for each in found if each is not None and is_listable(each)]
    return tuple(valid) if len(valid) == len(rows) else ()


def _artifact(row: object) -> "Artifact | None":
    if not isinstance(row, list) or len(row) != len(_FIELDS):
        return None
    fields = dict(zip(_FIELDS, row, strict=True))
    texts = [each for name, each in fields.items() if name not in ("hashes", "size", "yanked")]
    hashes, yanked = fields["hashes"], fields["yanked"]
    if not isinstance(hashes, list) or type(fields["size"]) is not int or fields["size"] < 0:
        return None
    if not all(isinstance(each, str) for each in (*texts, *hashes, yanked or "")):
        return None
    fields["hashes"] = tuple(hashes)
    return Artifact(**fields, kind=WHEEL if is_wheel(fields["filename"]) else SDIST)


def listed_pages(value: "dict[str, Any]") -> Pages:
    """Return the pages of a list; none if any of them is not valid."""
    rows = value.get("pages")
    if not isinstance(rows, list):
        return ()
    for row in rows:
        if not isinstance(row, list) or len(row) != 3 or not isinstance(row[0], str):
            return ()
        if type(row[1]) not in (int, float) or type(row[2]) is not int:
            return ()
    return tuple([(name, since, lasts) for name, since, lasts in rows])


def list_holds(value: "dict[str, Any]", now: float) -> bool:
    """Tell whether a list is valid, and all its pages may be used at a time, in seconds since the epoch."""
    pages = listed_pages(value)
    return bool(files_in_list(value)) and all(may_be_used(since, lasts, now) for _, since, lasts in pages)
