"""printf formats of ``$INT``, ``$REAL`` and ``$STRING``: any text with exactly one conversion of the right kind."""

from __future__ import annotations

import re

from .stream import SourceError

__all__ = ["format_integer", "format_real", "format_string"]

_CONVERSION = re.compile(r"%([-+ #0']*)([0-9]*)(?:(\.)([0-9]*))?(hh|h|ll|l|L|q|j|z|t)?([A-Za-z])")
_MAX_WIDTH = 1000
_BITS = {"hh": 8, "h": 16, None: 32}


def _parse(form: str, kinds: str, name: str) -> tuple[str, re.Match[str], str]:
    match = _CONVERSION.search(form)
    if match is None or match[6] not in kinds or "%" in form[: match.start()]:
        raise SourceError(f"{name}(): {form[:80]!r} is not a valid format")
    if "%" in form[match.end() :].replace("%%", ""):
        raise SourceError(f"{name}(): {form[:80]!r} has more than one conversion")
    for digits in (match[2], match[4] or ""):
        if len(digits) > 4 or int(digits or "0") > _MAX_WIDTH:
            raise SourceError(f"{name}(): the format asks for more than {_MAX_WIDTH} characters")
    return form[: match.start()], match, form[match.end() :].replace("%%", "%")


def _specification(match: re.Match[str], kind: str) -> str:
    precision = f".{match[4] or '0'}" if match[3] else ""
    return f"%{match[1].replace(chr(39), '')}{match[2]}{precision}{kind}"


def format_integer(number: int, form: str) -> str:
    """Return ``number`` printed as C does; without a length it is taken as 32 bits wide, as printf reads it."""
    before, match, after = _parse(form, "diouxXc", "$INT")
    bits = _BITS.get(match[5], 64)
    kind = match[6]
    unsigned = number & ((1 << bits) - 1)
    if kind == "c":
        return before + _specification(match, "c") % chr(unsigned & 0x7F) + after
    if kind in "di":
        value = unsigned - (1 << bits) if unsigned >> (bits - 1) else unsigned
        return before + _specification(match, "d") % value + after
    flags = re.sub(r"[+ ]", "", match[1])
    text = _specification(match, "d" if kind == "u" else kind)
    text = text.replace(match[1].replace("'", ""), flags, 1) if match[1] else text
    if kind == "o":
        # C writes 0 in front where Python writes 0o.
        return before + (text % unsigned).replace("0o", "0") + after
    return before + text % unsigned + after


def format_real(number: float, form: str) -> str:
    """Return ``number`` printed as C does."""
    before, match, after = _parse(form, "eEfFgG", "$REAL")
    return before + _specification(match, match[6]) % number + after


def format_string(text: str, form: str) -> str:
    """Return ``text`` printed as C does."""
    before, match, after = _parse(form, "s", "$STRING")
    return before + _specification(match, "s") % text + after
