"""How tightly the operators of the language bind."""

from __future__ import annotations

__all__ = ["BINARY", "CANONICAL", "DEFAULT", "UNARY", "spelled"]

BINARY = {
    "||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6, "is": 6, "isnt": 6,
    "<": 7, "<=": 7, ">": 7, ">=": 7, "<<": 8, ">>": 8, ">>>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10,
}  # fmt: skip
"""The binary operators in the spelling in which they are printed; a conditional binds less than all of them."""
UNARY = 11
DEFAULT = 12
"""The default operator ``?:``, which binds as tightly as an index."""
CANONICAL = {"=?=": "is", "=!=": "isnt"}
"""Other spellings of operators."""


def spelled() -> dict[str, int]:
    """Return the binary operators in all spellings, with how tightly they bind."""
    table = {**BINARY, **{other: BINARY[op] for other, op in CANONICAL.items()}}
    for word in ("is", "isnt"):
        for mask in range(1, 1 << len(word)):
            spelling = "".join([char.upper() if mask >> place & 1 else char for place, char in enumerate(word)])
            table[spelling] = BINARY[word]
            CANONICAL[spelling] = word
    return table
