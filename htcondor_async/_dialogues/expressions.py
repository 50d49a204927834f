"""User-given constraints and projections as they go over the wire: in old ClassAd syntax, and known to parse."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeAlias

from htcondor_async.classad import ClassAd, ClassAdException, ExprTree
from htcondor_async.errors import HTCondorTypeError, HTCondorValueError

__all__ = [
    "Constraint",
    "attribute_name",
    "attribute_pairs",
    "constraint_text",
    "projection_names",
    "string_literal",
    "value_text",
]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")

_LITERAL = re.compile(r"(?:-?(?:0|[1-9]\d{0,17})|\"[^\"\\\x00-\x1f]*\")\Z", re.ASCII)  # what stands for itself
_INT64 = 1 << 63

Constraint: TypeAlias = "str | ExprTree | bool | None"


def string_literal(text: str) -> str:
    """Return ``text`` as a string of old ClassAd syntax, whose only escape is that of the quote.

    Raises
    ------
    HTCondorValueError
        The syntax cannot express the text: it holds NUL or ends in a backslash.
    """
    if "\0" in text or text.endswith("\\"):
        raise HTCondorValueError(f"{text!r} cannot be sent as a ClassAd string: NUL, or a backslash at its end")
    return '"' + text.replace('"', '\\"') + '"'


def constraint_text(constraint: Constraint, *, default: str = "true") -> str:
    """Return a constraint in old syntax; None and the empty string mean ``default``.

    Raises
    ------
    HTCondorValueError
        The constraint does not parse. Daemons close the connection on such a one without saying why,
        so it is found here.
    """
    if constraint is None:
        return default
    if isinstance(constraint, bool):
        return "true" if constraint else "false"
    if isinstance(constraint, str):
        if not constraint.strip():
            return default
        constraint = _parsed(constraint, "constraint {} does not parse", 'quote strings, as in Owner == "alice"')
    if not isinstance(constraint, ExprTree):
        raise HTCondorTypeError(f"a constraint is a string, an ExprTree or a bool, not {type(constraint).__name__}")
    return constraint.old()


def projection_names(projection: Iterable[str] | None) -> list[str]:
    """Return the names of a projection; one name given as a plain string counts as a list of one.

    Raises
    ------
    HTCondorTypeError
        An item is not a string.
    HTCondorValueError
        An item is not an attribute name: separators in it would change the meaning of the others.
    """
    if projection is None:
        return []
    names = [projection] if isinstance(projection, str) else list(projection)
    for name in names:
        if not isinstance(name, str):
            raise HTCondorTypeError(f"a projection holds attribute names, not {type(name).__name__}")
        if not name or any(c in ' ,\t\r\n\0"' for c in name):
            raise HTCondorValueError(f"{name!r} in the projection is not an attribute name")
    return names


def attribute_name(name: str) -> str:
    """Return ``name`` if it is an attribute name; the job-queue protocol takes no others."""
    if not isinstance(name, str):
        raise HTCondorTypeError(f"an attribute name is text, not {type(name).__name__}")
    if not _NAME.match(name):
        raise HTCondorValueError(f"{name!r} is not an attribute name")
    return name


def value_text(value: object) -> str:
    """Return the value of an attribute as an expression in old syntax; text is an expression already.

    Raises
    ------
    HTCondorValueError
        The text does not parse. A schedd would store ``undefined`` without a word.
    """
    if type(value) is int and -_INT64 <= value < _INT64:
        return str(value)
    if isinstance(value, str):
        if _LITERAL.match(value):
            return value
        value = _parsed(value, "value {} is not an expression", "a string needs quotes of its own, as in '\"text\"'")
    if isinstance(value, ExprTree):
        return value.old()
    try:
        line = ClassAd({"x": value}).wire_items()[0]
    except (ClassAdException, TypeError) as error:
        raise HTCondorTypeError(f"a {type(value).__name__} cannot be an attribute's value") from error
    return line.partition(b"=")[2].strip().decode("utf-8", "surrogateescape")


def attribute_pairs(ad: ClassAd) -> list[tuple[str, str]]:
    """Return the attributes of an ad as names and expressions in old syntax; all of them are known to parse.

    Raises
    ------
    HTCondorValueError
        A value does not parse, or a name is none of an attribute of a job.
    """
    pairs = []
    try:
        ad.print_old()  # an ad that came as text is parsed where it is looked at
        lines = ad.wire_items()
    except ClassAdException as error:
        raise HTCondorValueError(f"the ad cannot be sent: {error}") from error
    for line in lines:
        name, _, text = line.decode("utf-8", "surrogateescape").partition("=")
        pairs.append((attribute_name(name.strip()), text.strip()))
    return pairs


def _parsed(text: str, what: str, hint: str) -> ExprTree:
    try:
        return ExprTree(text)
    except ClassAdException as error:
        problem = error.args[0] if error.args else error
        raise HTCondorValueError(f"the {what.format(_shortened(text))}: {problem}", hint=hint) from error


def _shortened(text: str) -> str:
    shown = repr(text)
    return shown if len(shown) <= 200 else shown[:190] + "...'"
