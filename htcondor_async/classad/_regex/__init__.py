r"""The regular expressions of the language: PCRE patterns, run by Python's ``re``.

A pattern is parsed by the rules of PCRE2 10.32 in byte mode, and written anew for ``re`` where that has the same
meaning.  Where it has not, :class:`UnsupportedPattern` is raised; ``regexp()`` and its family then give ``Error`` and
warn with :class:`ClassAdRegexWarning`, which names the construct.  A pattern that PCRE refuses gives ``Error`` without
a warning.

========================================================================  =============================================
Construct                                                                 Support
========================================================================  =============================================
literals, ``.``, ``[...]``, ``[[:alpha:]]``, ``[[:<:]]``                  yes
``\d \s \w \h \v \N \C \R`` and their negations                           yes (bytes; ASCII letters)
``\a \e \f \n \r \t \cX \0dd \ddd \o{...} \xhh \x{hh}``                   yes
``\p{..}``, ``\P{..}``                                                    general categories, ``Any``, ``L&``
``\Q...\E``, ``(?#...)``, ``\K`` (once, outside looks)                    yes
``* + ? {n} {n,} {n,m}``, lazy and possessive                             yes
``(...)``, ``(?:...)``, ``(?<n>...)``, ``(?'n'...)``, ``(?P<n>...)``      yes
``(?|...)``, ``(?>...)``                                                  yes (atomic: not inside a look behind)
``(?=...) (?!...) (?<=...) (?<!...)``                                     yes (behind: each alternative of fixed length)
``\1 \g1 \g{-1} \k<n> (?P=n)``                                            to a group that is closed
``(?(1)...)``, ``(?(<n>)...)``, ``(?(?=...)...)``, ``(?(DEFINE)...)``     yes (a look without groups)
``(?1) (?&n) (?P>n) \g<1>``                                               yes, without recursion or references inside
``(?imsxnUJ-imsx)``, ``(?i:...)``, ``(?^)``, ``(?xx)``                    yes
``^ $ \A \Z \z \b \B``                                                    yes
``\G``                                                                    yes, at the first match
``(*FAIL)``, ``(*MARK:..)``, ``(?C1)``                                    yes (marks and callouts do nothing)
``(?R)`` and other recursion                                              no
``\X``, scripts and other properties, ``(*UTF)``, ``(*UCP)``              no
parentheses nested more than 80 deep                                      no
``(*ACCEPT) (*COMMIT) (*PRUNE) (*SKIP) (*THEN)``, ``(*CRLF)`` and so on   no
========================================================================  =============================================

``re`` cannot be interrupted, so a search whose worst case is more than :data:`MAX_STEPS` steps on the subject at hand
is refused: :class:`PatternLimitError`, ``Error`` and a warning.  (PCRE gives up after 10 000 000 steps, also with
``Error``.)
"""

from __future__ import annotations

import functools
import re
import warnings

import attrs

from ._cost import MAX_STATES, MAX_STEPS, Automaton, build, polynomial_bound, steps
from ._parse import Options, parse
from ._tree import Node, PatternError, UnsupportedPattern
from ._write import Written, resolve_calls, write

__all__ = [
    "MAX_STATES",
    "MAX_STEPS",
    "ClassAdRegexWarning",
    "Match",
    "Options",
    "Pattern",
    "PatternError",
    "PatternLimitError",
    "UnsupportedPattern",
    "compile_pattern",
    "replace",
    "warn",
]


class ClassAdRegexWarning(UserWarning):
    """A valid regular expression was not run: it has a construct without an equal, or would take too long."""


class PatternLimitError(ValueError):
    """The search would take too many steps at worst, or the pattern is too large."""


@attrs.frozen(slots=True)
class Match:
    """A match: ``start`` and ``end`` in the subject, and the text of each group that PCRE would report."""

    start: int
    end: int
    groups: tuple[bytes, ...]


@attrs.define(slots=True)
class Pattern:
    """A compiled pattern; made by :func:`compile_pattern`."""

    _tree: Node
    _bodies: dict[int, Node]
    _written: Written
    _plain: re.Pattern[bytes]
    _safe_length: int
    _nonempty: tuple[re.Pattern[bytes], Written] | None = None
    _automaton: Automaton | None = None

    def search(self, subject: bytes, start: int = 0, *, nonempty_here: bool = False) -> Match | None:
        """Find the first match at or after ``start``.

        Parameters
        ----------
        subject
            The text; what is before ``start`` can be seen by looks behind.
        start
            Where to begin, in bytes.
        nonempty_here
            Only a match that begins at ``start`` and is not empty.

        Raises
        ------
        PatternLimitError
            It would take too many steps.
        UnsupportedPattern
            The pattern has ``\\G`` and this is not the first search.
        """
        if start and self._written.search_start:
            raise UnsupportedPattern(r"\G after the first match")
        self._check_cost(subject[start:])
        if nonempty_here:
            compiled, written = self._nonempty_pattern()
            found = compiled.match(subject, start)
        else:
            written = self._written
            found = self._plain.search(subject, start)
        return None if found is None else _result(found, written)

    def search_nonempty(self, subject: bytes) -> bool:
        """Return whether some match is not empty."""
        self._check_cost(subject)
        return self._nonempty_pattern()[0].search(subject) is not None

    def _nonempty_pattern(self) -> tuple[re.Pattern[bytes], Written]:
        """The pattern, which must not end where it began: the rest behind it is not the rest seen at its start."""
        if self._nonempty is None:
            shifted = write(self._tree, self._bodies, groups_before=1)
            text = b"(?=(?P<rest>[\\x00-\\xff]*))(?:" + shifted.text + b")(?!(?P=rest)\\Z)"
            self._nonempty = re.compile(text), shifted
        return self._nonempty

    def _check_cost(self, subject: bytes) -> None:
        length = len(subject)
        if length <= self._safe_length or _is_cheap(self._tree, length):
            return
        if self._automaton is None:
            try:
                self._automaton = build(self._tree)
            except UnsupportedPattern as error:
                raise PatternLimitError(str(error)) from None
        if steps(self._automaton, subject) is None:
            raise PatternLimitError(f"more than {MAX_STEPS} steps on a text of {length} bytes")


def _is_cheap(tree: Node, length: int) -> bool:
    return polynomial_bound(tree, length) * (length + 1) <= MAX_STEPS


def _safe_length(tree: Node) -> int:
    """Return a length up to which no search needs a closer look."""
    length = 16
    while length < 1 << 20 and _is_cheap(tree, length * 2):
        length *= 2
    return length if _is_cheap(tree, length) else 0


def _result(found: re.Match[bytes], written: Written) -> Match:
    start = found.start()
    if written.keep is not None and found.start(written.keep) >= 0:
        start = found.start(written.keep)
    groups = [found.string[start : found.end()]]
    highest = 0
    for number in range(1, max(written.groups, default=0) + 1):
        texts = [text for index in written.groups.get(number, ()) if (text := found.group(index)) is not None]
        groups.append(texts[-1] if texts else b"")
        if texts:
            highest = number
    return Match(start, found.end(), tuple(groups[: highest + 1]))


@functools.lru_cache(maxsize=512)
def _compile(pattern: bytes, options: Options) -> Pattern | PatternError | UnsupportedPattern:
    try:
        parsed = parse(pattern, options)
        tree = resolve_calls(parsed.tree, parsed.bodies)
        written = write(tree, parsed.bodies)
        return Pattern(tree, parsed.bodies, written, re.compile(written.text), _safe_length(tree))
    except (PatternError, UnsupportedPattern) as error:
        return error.with_traceback(None)
    except (re.error, OverflowError) as error:
        return UnsupportedPattern(f"a combination that Python refuses: {error}")


def compile_pattern(pattern: bytes, options: Options) -> Pattern:
    """Compile a pattern; the last 512 are kept.

    Raises
    ------
    PatternError
        PCRE refuses the pattern, too.
    UnsupportedPattern
        The pattern has a construct that ``re`` has no equal for; the message names it.
    """
    compiled = _compile(pattern, options)
    if isinstance(compiled, Pattern):
        return compiled
    raise type(compiled)(*compiled.args)


def warn(pattern: bytes, error: UnsupportedPattern | PatternLimitError) -> None:
    """Warn that a pattern gave ``Error`` though PCRE may know it."""
    text = pattern.decode("utf-8", "backslashreplace")
    what = "needs too many steps" if isinstance(error, PatternLimitError) else "is not supported"
    warnings.warn(f"regular expression {text!r} {what}: {error}", ClassAdRegexWarning, stacklevel=2)


def replace(pattern: Pattern, subject: bytes, template: bytes, *, every: bool, whole: bool) -> bytes | None:
    r"""Return the replacement of the first match or of all, as ``regexps()`` gives it; None where that is ``Error``.

    Parameters
    ----------
    pattern, subject
        What to find, and where.
    template
        The replacement; ``\0`` to ``\9`` stand for groups.
    every
        Replace all matches, not only the first.
    whole
        Give the whole subject with the replacements in it, not only the replacements.
    """
    output = bytearray()
    at = 0
    after_empty = False
    while True:
        found = pattern.search(subject, at, nonempty_here=after_empty)
        if found is None and after_empty:
            # After an empty match one byte is copied.  At the end of the subject there is none, and HTCondor's next
            # search begins beyond the end, which is an error.
            if at >= len(subject):
                return None
            output.append(subject[at])
            at += 1
            after_empty = False
            continue
        if found is None:
            break
        if whole:
            output += subject[at : found.start]
        expanded = _expand(template, found.groups)
        if expanded is None:
            return None
        output += expanded
        at = found.end
        # Once a match was empty, all later ones are looked for in the careful way.
        after_empty = after_empty or found.start == found.end
        if not every:
            break
    return bytes(output + subject[at:]) if whole else bytes(output)


def _expand(template: bytes, groups: tuple[bytes, ...]) -> bytes | None:
    output = bytearray()
    escaped = False
    for byte in template:
        if escaped:
            escaped = False
            if 0x30 <= byte <= 0x39:
                if byte - 0x30 >= len(groups):
                    return None
                output += groups[byte - 0x30]
                continue
            output.append(0x5C)
        if byte == 0x5C:
            escaped = True
        else:
            output.append(byte)
    if escaped:
        output.append(0x5C)
    return bytes(output)
