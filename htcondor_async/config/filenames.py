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
    whole = f"{quote}{name}{quote}"
    begin, end = _range(whole, letters)
    return _requoted(whole, begin, end, quote) if quote else whole[begin:end]


def _range(name: str, letters: str) -> tuple[int, int]:
    """Return where the selected part begins and ends; quotes count as part of the name."""
    base = name.rfind("/") + 1
    # A dot that begins the name begins no extension.
    dot = name.rfind(".", base + 1)
    extension = dot if dot > base else len(name)
    bare = "b" in letters
    want_n, want_x, want_p, directories = "n" in letters, "x" in letters, "p" in letters, letters.count("d")
    if not base and (want_n or want_x):
        want_p, directories = False, 0
    directory_end = base - 1 if bare and base else base
    if directories and not base:
        return 1, 1
    if directories or want_p:
        begin = _directories_begin(name, directories) if directories else 0
        if want_x:
            return begin, len(name)
        return begin, extension if want_n else directory_end
    if want_n:
        return base, len(name) if want_x else extension
    if want_x:
        return (extension + 1 if bare and extension < len(name) else extension), len(name)
    return 0, len(name)


def _requoted(name: str, begin: int, end: int, quote: str) -> str:
    """Return ``name[begin:end]`` with quotes around it again, in the way of HTCondor.

    The quote in front takes the place of the character before the part, or of the part's own quote; so an empty part
    at either end of the name gives a single quote only.
    """
    characters = [*name, "", ""]
    if characters[begin] != quote:
        begin -= 1
        characters[begin] = quote
    if end > 1 and characters[end - 1] == quote:
        end -= 1
    characters[end] = quote
    return "".join(characters[begin : end + 1])


def _directories_begin(name: str, count: int) -> int:
    starts = []
    position = 0
    if name.startswith("\\\\"):
        position = 4 if name.startswith(".\\", 2) else 2
        starts.append(position)
    starts += [match.end() for match in _SEPARATOR.finditer(name, position)]
    remaining = starts[: max(0, len(starts) - count)]
    return remaining[-1] if remaining else 0
