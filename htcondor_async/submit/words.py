"""Splitting and joining as HTCondor does it: lists, paths, URLs, names."""

from __future__ import annotations

import re

__all__ = [
    "absolute_path",
    "basename",
    "collapse_slashes",
    "contains_fold",
    "is_url",
    "split_commas",
    "split_list",
    "strip_quotes",
    "url_scheme",
    "wildcard_match",
]

_BLANKS = " \t\n\v\f\r"
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*(?=://.)", re.DOTALL)
_SLASHES = re.compile(r"([/\\])[/\\]+")
_LIST = re.compile(r"[^, \t\n\v\f\r]+")


def split_list(text: str) -> list[str]:
    """Return the words of a list separated by commas and blanks."""
    return _LIST.findall(text)


def split_commas(text: str) -> list[str]:
    """Return the entries of a list separated by commas alone, trimmed, without the empty ones."""
    if "," not in text:
        text = text.strip(_BLANKS)
        return [text] if text else []
    return [entry for entry in (part.strip(_BLANKS) for part in text.split(",")) if entry]


def strip_quotes(text: str) -> str:
    """Return ``text`` trimmed and without one pair of double quotes around it."""
    text = text.strip(_BLANKS)
    if len(text) > 1 and text[0] == '"' and text[-1] == '"':
        return text[1:-1]
    return text


def collapse_slashes(path: str) -> str:
    """Return a path without repeated slashes."""
    return _SLASHES.sub(r"\1", path) if "//" in path or "\\" in path else path


def absolute_path(directory: str, name: str) -> str:
    """Return ``name`` as seen from ``directory``; ``.`` and ``..`` stay as they are."""
    return collapse_slashes(f"/{name}" if name.startswith("/") else f"/{directory}/{name}")


def basename(path: str) -> str:
    """Return what follows the last slash."""
    return path[max(path.rfind("/"), path.rfind("\\")) + 1 :]


def is_url(text: str) -> bool:
    """Return whether ``text`` begins like ``scheme://x``."""
    return "://" in text and _URL.match(text) is not None


def url_scheme(text: str) -> str:
    """Return the scheme of a URL, the last part of one like ``chtc+https``; "" if it is none."""
    match = _URL.match(text)
    if match is None:
        return ""
    return re.split(r"[+.\-]", match[0])[-1]


def contains_fold(names: list[str], name: str) -> bool:
    """Return whether ``name`` is among ``names``, without regard to case."""
    lower = name.lower()
    return any(entry.lower() == lower for entry in names)


def wildcard_match(pattern: str, text: str) -> bool:
    """Return whether ``text`` matches ``pattern`` without case; one ``*`` at the start, the end, both or inside."""
    pattern, text = pattern.lower(), text.lower()
    if "*" not in pattern:
        return pattern == text
    if pattern == "*":
        return True
    if len(pattern) > 1 and pattern[0] == "*" and pattern[-1] == "*":
        return pattern[1:-1] in text
    head, _, tail = pattern.partition("*")
    return len(text) >= len(head) + len(tail) and text.startswith(head) and text.endswith(tail)
