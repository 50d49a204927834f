"""Random PCRE patterns, right and wrong ones, and texts to search."""

from __future__ import annotations

import random

__all__ = ["RegexGenerator"]

_ATOMS = (
    *"abcx12_.-^$,# AB",
    *(
        "[ab]",
        "[^a]",
        "[a-c]",
        "[[:alpha:]]",
        "[]a]",
        "[^]a]",
        "[a\\-c]",
        "[\\d-]",
        "[--a]",
        "[a-c-e]",
        "[\\b]",
        "[\\w-z]",
    ),
    *("[[:^digit:]]", "[a", "a]", "{", "}", "{1", "{,2}", "é"),
    *(
        "\\d",
        "\\w",
        "\\s",
        "\\b",
        "\\B",
        "\\A",
        "\\z",
        "\\Z",
        "\\x61",
        "\\n",
        "\\.",
        "\\1",
        "\\2",
        "\\R",
        "\\h",
        "\\N",
        "\\e",
    ),
    *("\\Qa.b\\E", "\\K", "\\G", "\\g{-1}", "\\p{Lu}", "\\07", "\\12", "\\8", "\\0"),
    *(
        "(?i)",
        "(?-i)",
        "(?x) ",
        "(?=a)",
        "(?!b)",
        "(?<=a)",
        "(?<!b)",
        "(?#c)",
        "(*F)",
        "(?R)",
        "(?1)",
        "(?s)",
        "(?m)",
        "(?U)",
    ),
    "(?s-i:.)",
)
_QUANTIFIERS = (
    "*",
    "+",
    "?",
    "{2}",
    "{1,2}",
    "{0}",
    "{1,}",
    "*?",
    "+?",
    "??",
    "*+",
    "++",
    "?+",
    "{1,2}?",
    "{1,2}+",
    "**",
)
_GROUPS = ("(", "(?:", "(?>", "(?=", "(?!", "(?<=", "(?<n>", "(?|", "(?<!", "(?i:", "(?(1)", "(?P<m>", "(?^:", "(?<=a|")
_SUBJECTS = (
    *("", "a", "b", "ab", "abc", "aab", "aaa", "Aab", "a b", "a1b2", "é", "\n", "a\n", "a\nb", "ba-a", "a.b", "a,b,c"),
    *("\n\n", "aXbXc", "  ", "abababab", "11", "a_1", "A B", "{,2}", "#a"),
)
_TEMPLATES = ("", "x", "[\\0]", "<\\1>", "\\2", "a\\", "\\\\", "\\x", "\\1\\0")
_OPTIONS = ("", "", "", "i", "m", "s", "x", "im", "f", "g", "fg", "xi", "gi")


class RegexGenerator:
    """Makes calls of ``regexp`` and its family; the same seed makes the same ones."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def pattern(self, depth: int = 0) -> str:
        """Return a pattern; about half are not valid."""
        kind = self.random.random()
        if depth > 3 or kind < 0.4:
            return self.random.choice(_ATOMS)
        if kind < 0.6:
            return self.pattern(depth + 1) + self.pattern(depth + 1)
        if kind < 0.72:
            return self.random.choice(_GROUPS) + self.pattern(depth + 1) + ")"
        if kind < 0.8:
            return self.pattern(depth + 1) + "|" + self.pattern(depth + 1)
        return self.pattern(depth + 1) + self.random.choice(_QUANTIFIERS)

    def subject(self) -> str:
        """Return a text to search in."""
        if self.random.random() < 0.3:
            return "".join(self.random.choice("aab \n1AB-.") for _ in range(self.random.randrange(10)))
        return self.random.choice(_SUBJECTS)

    def call(self) -> str:
        """Return a call with constant arguments."""
        name = self.random.choice(("regexp", "regexps", "replace", "replaceAll"))
        arguments = [self.pattern(), self.subject()]
        if name != "regexp":
            arguments.append(self.random.choice(_TEMPLATES))
        arguments.append(self.random.choice(_OPTIONS))
        return f"{name}({','.join(map(_quoted, arguments))})"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
