"""printf formats of ``$INT``, ``$REAL`` and ``$STRING``: any text with exactly one conversion of the right kind."""

from __future__ import annotations

import re
from collections.abc import Callable

from .stream import SourceError

__all__ = ["format_integer", "format_real", "format_string"]

_CONVERSION = re.compile(r"%(?:%|([-+ #0']*)([0-9]*)(?:(\.)([0-9]*))?(hh|h|ll|l|L|q|j|z|t)?([A-Za-z]))")
_MAX_WIDTH = 1000
_BITS = {"hh": 8, "h": 16, None: 32}


def _format(form: str, kinds: str, name: str, convert: Callable[[re.Match[str]], str]) -> str:
    """Return ``form`` with its conversion, at most one, replaced; ``%%`` stands for a percent sign."""
    pieces: list[str] = []
    position = count = 0
    while (percent := form.find("%", position)) >= 0:
        match = _CONVERSION.match(form, percent)
        if match is None or (match[6] is not None and match[6] not in kinds):
            raise SourceError(f"{name}(): {form[:80]!r} is not a valid format")
        for digits in (match[2] or "", match[4] or ""):
            if len(digits) > 4 or int(digits or "0") > _MAX_WIDTH:
                raise SourceError(f"{name}(): the format asks for more than {_MAX_WIDTH} characters")
        count += match[6] is not None
        pieces += [form[position:percent], "%" if match[6] is None else convert(match)]
        position = match.end()
    if count > 1:
        raise SourceError(f"{name}(): {form[:80]!r} has more than one conversion")
    if not count:
        raise SourceError(f"{name}(): {form[:80]!r} is not a valid format: it has no conversion")
    return "".join(pieces) + form[position:]


def _specification(match: re.Match[str], kind: str, flags: str | None = None) -> str:
    precision = f".{match[4] or '0'}" if match[3] else ""
    return f"%{(match[1] if flags is None else flags).replace(chr(39), '')}{match[2]}{precision}{kind}"


def _integer_text(number: int, match: re.Match[str]) -> str:
    bits = _BITS.get(match[5], 64)
    kind = match[6]
    unsigned = number & ((1 << bits) - 1)
    if kind == "c":
        # A NUL ends the text, as it does in C.
        character = bytes([unsigned & 0xFF]).decode("utf-8", "surrogateescape")
        return _specification(match, "s") % ("" if character == "\0" else character)
    # With a precision C pads no integer with zeros.
    plain = match[1].replace("0", "") if match[3] else match[1]
    if kind in "di":
        return _specification(match, "d", plain) % (unsigned - (1 << bits) if unsigned >> (bits - 1) else unsigned)
    text = _specification(match, "d" if kind == "u" else kind, re.sub(r"[+ ]", "", plain))
    # C writes 0 in front of an octal number where Python writes 0o, and nothing in front of zero.
    return (
        (text if unsigned or kind == "u" else text.replace("#", "")) % unsigned
        if kind != "o"
        else (text % unsigned).replace("0o", "0")
    )


def format_integer(number: int, form: str) -> str:
    """Return ``number`` printed as C does; without a length it is taken as 32 bits wide, as printf reads it."""
    return _format(form, "diouxXc", "$INT", lambda match: _integer_text(number, match))


def _real_text(number: float, match: re.Match[str]) -> str:
    if match[6] in "aA":
        return _hexadecimal(number, match)
    return _specification(match, match[6]) % number


def _hexadecimal(number: float, match: re.Match[str]) -> str:
    """Return what C's ``%a`` gives, which is without trailing zeros unless a precision is asked for."""
    sign, _, digits = float.hex(number).rpartition("0x")
    if not digits:
        return _specification(match, "f", match[1].replace("0", "")) % number
    mantissa, _, exponent = digits.partition("p")
    whole, _, fraction = mantissa.partition(".")
    fraction = fraction.rstrip("0")
    if match[3]:
        places = int(match[4] or "0")
        if len(fraction) > places:
            scaled = int(whole + fraction, 16)
            unit = 16 ** (len(fraction) - places)
            quotient, rest = divmod(scaled, unit)
            quotient += 2 * rest > unit or (2 * rest == unit and quotient % 2)
            text = f"{quotient:0{places + 1}x}"
            whole, fraction = text[: len(text) - places], text[len(text) - places :]
        fraction = fraction.ljust(places, "0")
    sign = sign or next((flag for flag in "+ " if flag in match[1]), "")
    body = f"{whole}{'.' if fraction or '#' in match[1] else ''}{fraction}p{exponent}"
    width = int(match[2] or "0") - len(sign) - 2
    if "-" not in match[1]:
        body = body.rjust(width, "0") if "0" in match[1] else body
    text = f"{sign}0x{body}"
    text = text.ljust(width + len(sign) + 2) if "-" in match[1] else text.rjust(width + len(sign) + 2)
    return text.upper() if match[6] == "A" else text


def format_real(number: float, form: str) -> str:
    """Return ``number`` printed as C does."""
    return _format(form, "aAeEfFgG", "$REAL", lambda match: _real_text(number, match))


def format_string(text: str, form: str) -> str:
    """Return ``text`` printed as C does, widths counted in bytes."""
    data = text.encode("utf-8", "surrogateescape")

    def convert(match: re.Match[str]) -> str:
        return (_specification(match, "s").encode() % data).decode("utf-8", "surrogateescape")

    return _format(form, "s", "$STRING", convert)
