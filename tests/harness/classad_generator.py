"""Random ClassAd expressions by a grammar, with arguments that lie near the edges of what functions take."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from . import classad_samples as samples
from .classad_samples import ADS, TARGETS

__all__ = ["ADS", "NAMES", "TARGETS", "Generator"]

NAMES = tuple(samples.FUNCTIONS)
"""The functions that can be asked for by name."""

_MAKES_LIST = re.compile("split|evalInEach|argsToList", re.IGNORECASE)
"""Selecting from the lists these make reads freed memory in HTCondor's v1 module: no answer to compare with."""


class Generator:
    """Makes expressions; the same seed makes the same ones.

    Names are those of :data:`ADS` and :data:`TARGETS`, and some that nothing has.  What depends on the time of day or
    on chance is left out.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self._kinds: dict[str, Callable[[int], str]] = {
            "any": self.expression,
            "name": lambda depth: self.pick(samples.NAMES),
            "integer": lambda depth: self.pick(samples.INTEGERS),
            "number": self._number,
            "numberish": lambda depth: self._number(depth) if self.chance(0.6) else self._list(depth, self._number),
            "numbers": lambda depth: self._list(depth, self._number),
            "list": lambda depth: self._list(depth, self.expression),
            "strings": lambda depth: self._list(depth, lambda _: self.quoted(samples.STRINGS)),
            "ads": self._ads,
            "contextual": self._contextual,
            "string": lambda depth: self.quoted(
                samples.STRINGS + samples.LISTS if self.chance(0.7) else samples.VERSIONS + samples.ARGUMENTS
            ),
            "slist": lambda depth: self.quoted(samples.LISTS),
            "delimiters": lambda depth: self.quoted(samples.DELIMITERS),
            "version": lambda depth: self.quoted(samples.VERSIONS),
            "version12": lambda depth: self.pick(("1", "2", "0", "3", "4294967297")),
            "pattern": lambda depth: self.quoted(samples.PATTERNS),
            "options": lambda depth: self.quoted(samples.OPTIONS),
            "template": lambda depth: self.quoted(samples.TEMPLATES),
            "time": lambda depth: self.pick(samples.TIMES),
            "timeformat": lambda depth: self.quoted(samples.TIME_FORMATS),
            "comparison": lambda depth: self.quoted(samples.COMPARISONS),
            "arguments": lambda depth: self.quoted(samples.ARGUMENTS),
            "environment": lambda depth: self.quoted(samples.ENVIRONMENTS),
        }

    def pick(self, choices: Sequence[str]) -> str:
        """Return one of the choices."""
        return self.random.choice(choices)

    def chance(self, probability: float) -> bool:
        """Return True with this probability."""
        return self.random.random() < probability

    def quoted(self, choices: Sequence[str]) -> str:
        """Return one of the choices as a string literal."""
        return f'"{self.pick(choices)}"'

    def expression(self, depth: int = 3) -> str:
        """Return an expression of at most about ``depth`` levels."""
        kind = self.random.random()
        if depth <= 0 or kind < 0.22:
            return self._leaf()
        if kind < 0.58:
            return self.call(depth)
        if kind < 0.80:
            return f"({self.expression(depth - 1)} {self.pick(samples.BINARY)} {self.expression(depth - 1)})"
        if kind < 0.86:
            return f"{self.pick(['-', '!', '~', '+'])}({self.expression(depth - 1)})"
        if kind < 0.91:
            tests = [self.expression(depth - 1) for _ in range(3)]
            return f"({tests[0]} ? {tests[1]} : {tests[2]})"
        if kind < 0.95:
            return self._list(depth, self.expression)
        if kind < 0.97:
            return f"({self.expression(depth - 1)})[{self.expression(depth - 2)}]"
        base = self.expression(depth - 1)
        if _MAKES_LIST.search(base):
            base = self._leaf()
        return f"({base}).{self.pick(['i', 'v', 'Hours', 'nosuch', 'Seconds'])}"

    def call(self, depth: int, name: str | None = None) -> str:
        """Return a call of a function (of any if no name is given), mostly with arguments it takes."""
        name = name or self.pick(list(samples.FUNCTIONS))
        arguments: list[str] = []
        optional = False
        kinds = samples.FUNCTIONS[name].split()
        for kind in kinds:
            if kind == "?":
                optional = True
            elif optional and self.chance(0.45):
                break
            elif kind == "...":
                arguments += [self._argument(kinds[-2], depth) for _ in range(self.random.randrange(4))]
            else:
                arguments.append(self._argument(kind, depth))
        if self.chance(0.03):
            arguments.append(self._leaf())
        elif self.chance(0.02) and arguments and name not in samples.WITH_THE_CLOCK:
            arguments.pop()
        spelled = name if self.chance(0.95) else self.pick([name.lower(), name.upper()])
        return f"{spelled}({','.join(arguments)})"

    def _argument(self, kind: str, depth: int) -> str:
        return self.expression(depth - 1) if self.chance(0.12) else self._kinds[kind](depth - 1)

    def _leaf(self) -> str:
        makers: list[Callable[[], str]] = [
            lambda: self.pick(samples.INTEGERS),
            lambda: self.pick(samples.REALS),
            lambda: self.quoted(samples.STRINGS),
            lambda: self.pick(samples.NAMES),
            lambda: self.pick(["true", "false", "undefined", "error"]),
            lambda: self.pick(samples.TIMES),
            lambda: self.pick(['real("NaN")', 'real("INF")', 'real("-INF")', "{1,2,3}", "{}", '{"a","b"}', "[a=1]"]),
        ]
        return self.random.choice(makers)()

    def _number(self, depth: int) -> str:
        return self.pick(
            samples.INTEGERS + samples.REALS + ["true", "undefined", '"3"', '"5abc"', "i", "r", "relTime(90)"]
        )

    def _list(self, depth: int, item: Callable[[int], str]) -> str:
        return "{" + ",".join(item(depth - 1) for _ in range(self.random.randrange(4))) + "}"

    def _ads(self, depth: int) -> str:
        choices = [
            "{[x=1;t=true],[x=2;t=false],[x=3]}",
            "{[x=i],undefined,[y=2],5}",
            "{}",
            "nested",
            "TARGET.gs",
            "gs",
            "n",
        ]
        return self.pick([*choices, "{n}", "{n,[i=1]}", "{[c=i+1],[c=lim]}"])

    def _contextual(self, depth: int) -> str:
        return self.pick(
            ["x>1", "x", "c", "TARGET.c", "MY.x", "g", "i", "v", "i>2", "nosuch", "name", "strcat(x,i)", "c>lim", "k"]
        )
