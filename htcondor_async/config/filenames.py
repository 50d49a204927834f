"""Parts of file names: what ``$F...()``, ``$BASENAME()`` and ``$DIRNAME()`` select."""

from __future__ import annotations

import re

__all__ = ["select_parts"]

_SEPARATOR = re.compile(r"[/\\]")


def _unquote(text: str, quote: str) -> str:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1]
    # A quote that is left on one side, or a second pair, goes as well when the text is copied.
    if text and (text[0] == '"' or text[0] == quote):
        first, text = text[0], text[1:]
        if text.endswith(first):
            text = text[:-1]
    return text


def _full_path(path: str, cwd: str | None, separator: str) -> str:
    if path.startswith("/") or not cwd:
        return path
    if len(path) > 2 and path[0] == "." and (path[1] == "/" or path[1] == separator):
        path = path[2:]
    delimiter = separator or "/"
    if cwd.endswith("/") or (separator and cwd.endswith(separator)):
        cwd = cwd[:-1]
    return f"{cwd}{delimiter}{path}"


def select_parts(value: str, letters: str, cwd: str | None) -> str:
    """Return the parts of a file name that the letters of ``$F...()`` ask for.

    Parameters
    ----------
    value
        The file name; outer quotes are not part of it.
    letters
        Any of: ``f`` make it a full path; ``p`` directory with its final ``/``; ``d`` last directory, twice for the
        last two, and so on; ``n`` name without extension; ``x`` extension with its dot; ``b`` bare, without that ``/``
        or dot; ``q`` in double quotes, with ``a`` in single quotes; ``u``, ``w`` change separators to ``/`` or ``\\``.
    cwd
        The directory that ``f`` puts in front of a relative name.
    """
    quote = ("'" if "a" in letters else '"') if "q" in letters else ""
    separator = ("\\" if letters.rfind("w") > letters.rfind("u") else "/") if "w" in letters or "u" in letters else ""
    name = _unquote(value, quote)
    if "f" in letters:
        name = _full_path(name, cwd, separator)
    if separator:
        name = name.replace("/" if separator == "\\" else "\\", separator)
    return f"{quote}{_cut(name, letters)}{quote}"


def _cut(name: str, letters: str) -> str:
    base = name.rfind("/") + 1
    # A dot that begins the name begins no extension.
    dot = name.rfind(".", base + 1)
    extension = dot if dot > base else len(name)
    bare = "b" in letters
    want_n, want_x, want_p, directories = "n" in letters, "x" in letters, "p" in letters, letters.count("d")
    if not base and (want_n or want_x):
        want_p, directories = False, 0
    if directories:
        if not base:
            return ""
        begin = _directories_begin(name, directories)
        if want_n:
            return name[begin:] if want_x else name[begin:extension]
        if want_x:
            return name[begin:]
        return name[begin : base - 1 if bare else base]
    if want_p:
        if want_n:
            return name if want_x else name[:extension]
        if want_x:
            return name
        return name[: base - 1 if bare and base else base]
    if want_n:
        return name[base:] if want_x else name[base:extension]
    if want_x:
        return name[extension + 1 :] if bare else name[extension:]
    return name


def _directories_begin(name: str, count: int) -> int:
    starts = []
    position = 0
    if name.startswith("\\\\"):
        position = 4 if name.startswith(".\\", 2) else 2
        starts.append(position)
    starts += [match.end() for match in _SEPARATOR.finditer(name, position)]
    remaining = starts[: max(0, len(starts) - count)]
    return remaining[-1] if remaining else 0
