"""What an EXTERNALLY-MANAGED file has to say (PEP 668)."""

import configparser
import locale

_DEFAULT = "It is managed by another package manager, which does not say how to add packages to it."


def marker_text(path: str) -> str:
    """Return the message for the user in the marker at *path*, in the language of the locale if it has that."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(path, encoding="utf-8")
        section = parser["externally-managed"]
    except (OSError, UnicodeDecodeError, configparser.Error, KeyError):
        return _DEFAULT
    language = locale.getlocale(getattr(locale, "LC_MESSAGES", locale.LC_CTYPE))[0] or ""
    keys = (f"Error-{language}", f"Error-{language.partition('_')[0]}", "Error")
    return next((section[key] for key in keys if section.get(key)), _DEFAULT)
