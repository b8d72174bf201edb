"""direct_url.json as it is written: with the hash of what was really installed (PEP 610)."""

_OPEN = '"archive_info": {}'


def with_hash(text: str, sha256: str) -> str:
    """Return the text of a direct_url.json with the archive's hash, where it has none from its pin."""
    return text.replace(
        _OPEN, f'"archive_info": {{"hash": "sha256={sha256}", "hashes": {{"sha256": "{sha256}"}}}}', 1
    )
