"""What commands print: tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from htcondor_async.classad import ClassAd

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["have_rich", "plain_table", "print_json", "print_json_ads", "print_table", "rich_table"]


def have_rich() -> bool:
    """Return whether the package ``rich`` (extra ``cli``) is installed."""
    try:
        import rich  # noqa: F401
    except ImportError:
        return False
    return True


def clean(cell: object) -> str:
    """Return a cell as text on one line, without what a terminal would obey."""
    return "".join(character if character.isprintable() else "?" for character in str(cell))


def plain_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table as text: columns as wide as they need, numbers to the right."""
    cells = [[clean(cell) for cell in row] for row in rows]
    right = [bool(cells) and all(_is_number(row[index]) for row in cells) for index in range(len(columns))]
    widths = [max([len(name), *(len(row[index]) for row in cells)]) for index, name in enumerate(columns)]
    lines = []
    for row in [list(columns), *cells]:
        aligned = [
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, right, strict=True)
        ]
        lines.append("  ".join(aligned).rstrip())
    return "\n".join(lines)


def _is_number(cell: str) -> bool:
    return cell.lstrip("-").replace(".", "", 1).isdigit()


def rich_table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str | None = None) -> Table:
    """Return a table for ``rich``."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, box=None, pad_edge=False, header_style="bold")
    cells = [[clean(cell) for cell in row] for row in rows]
    for index, name in enumerate(columns):
        numbers = bool(cells) and all(_is_number(row[index]) for row in cells)
        table.add_column(name, justify="right" if numbers else "left", overflow="fold", no_wrap=index == 0)
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))  # as text: ads of others contain no markup of ours
    return table


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str | None = None) -> None:
    """Print a table: by ``rich`` on a terminal if it is installed, else as plain text."""
    if sys.stdout.isatty() and have_rich():
        from rich.console import Console

        Console().print(rich_table(columns, rows, title))
        return
    if title:
        print(title)
    print(plain_table(columns, rows))


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    json.dump(value, sys.stdout, indent=2, default=str)
    sys.stdout.write("\n")


async def print_json_ads(ads: AsyncIterator[ClassAd] | Iterable[ClassAd]) -> int:
    """Print ads as one JSON list, each as it comes, as HTCondor writes ads in JSON; return how many."""
    found = 0
    if isinstance(ads, AsyncIterator):
        async for ad in ads:
            _print_item(ad, found)
            found += 1
    else:
        for found, ad in enumerate(ads, 1):
            _print_item(ad, found - 1)
    sys.stdout.write("\n]\n" if found else "[]\n")
    return found


def _print_item(ad: ClassAd, position: int) -> None:
    sys.stdout.write(("[\n" if position == 0 else ",\n") + ad.print_json(indent=False).strip())
