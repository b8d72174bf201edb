"""direct_url.json (PEP 610): its contents, written with the hash of the installed archive."""

from puffin.types import Any

_OPEN = '"archive_info": {}'


def with_hash(text: str, sha256: str) -> str:
    """Return the text of a direct_url.json with the archive's hash, where it has none from its pin.

    The record of a source distribution is returned as it is: *sha256* is of the wheel, not of what the URL names.
    """
    if _OPEN not in text or not _names_wheel(text):
        return text
    return _filled(text, sha256)


def with_source(text: str, source: "tuple[Any, ...] | None") -> str:
    """Return the text of a direct_url.json with the hash of the archive that was built, where its pin has none.

    *source* is what ``puffin.stages.build.task.fetch_source`` returned: its second part is the hash, if there is one.
    """
    return _filled(text, source[1]) if source and source[1] and _OPEN in text else text


def _filled(text: str, sha256: str) -> str:
    return text.replace(
        _OPEN, f'"archive_info": {{"hash": "sha256={sha256}", "hashes": {{"sha256": "{sha256}"}}}}', 1
    )


def _names_wheel(text: str) -> bool:
    return direct_url_of(text).partition("?")[0].lower().endswith(".whl")


def origin_of(text: str) -> "tuple[str, bool, str, str]":
    """Return the deciding parts of a direct_url.json: URL, editable or not, commit, and subdirectory."""
    record = _record_in(text)
    try:
        info, vcs = record.get("dir_info") or {}, record.get("vcs_info") or {}
        inner = str(record.get("subdirectory") or "")
        return record.get("url") or "", info.get("editable") is True, vcs.get("commit_id") or "", inner
    except AttributeError:
        return "", False, "", ""


def direct_url_of(text: str) -> str:
    """Return the URL in the text of a direct_url.json, ``""`` where there is none."""
    url = _record_in(text).get("url", "")
    return url if isinstance(url, str) else ""


def _record_in(text: str) -> "dict[str, Any]":
    if not text:
        return {}
    import json

    try:
        record = json.loads(text)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}
