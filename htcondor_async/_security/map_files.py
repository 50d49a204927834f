r"""The file that says which user a name is that a method has authenticated: CERTIFICATE_MAPFILE.

A line is ``METHOD PRINCIPAL USER``; fields with blanks stand in double quotes, ``#`` begins a comment. PRINCIPAL is a
regular expression that is searched for, whose groups USER can name as ``\1``; with CERTIFICATE_MAPFILE_ASSUME_HASH_KEYS
it is a literal name unless it stands between slashes (``/PATTERN/i``). ``@include PATH`` brings in a file, or the files
of a directory; those can include no others. The first line that fits counts, and what cannot be read is passed over
(``condor_utils/MapFile.cpp``, ``condor_io/authentication.cpp``).
"""

from __future__ import annotations

import posixpath
from collections.abc import Generator
from typing import Any

import attrs

from htcondor_async._secret import Secret
from htcondor_async._security.credentials import is_leftover
from htcondor_async._security.effects import Effect, FileKind, ListDirectory, ReadFile, StatFile
from htcondor_async.classad.functions._user_maps import Entry, Include, Syntax, UserMap, read_line

__all__ = ["MapFile", "load_map_file", "parse_map_file", "split_user"]

MAX_FILE = 1 << 22
MAX_FILES = 100
MAX_ENTRIES = 100_000


@attrs.frozen
class MapFile:
    """A map that was read.

    Parameters
    ----------
    entries
        Its lines, in order.
    """

    entries: tuple[Entry, ...] = attrs.field(default=(), repr=False)

    def find(self, method: str, principal: str) -> str | None:
        """Return the user that a principal is, None if no line fits.

        Parameters
        ----------
        method
            ``"SSL"``, ``"SCITOKENS"``, ``"KERBEROS"``, ``"FS"`` ...; upper and lower case do not matter.
        principal
            What the method authenticated: a certificate's subject, ``ISSUER,SUBJECT``, a Kerberos principal.
        """
        return UserMap(self.entries, False).find(method, principal)


def parse_map_file(text: str, *, literal_names: bool = False) -> list[Entry | Include]:
    """Return what the lines of a text say, in order.

    Parameters
    ----------
    text
        The file.
    literal_names
        CERTIFICATE_MAPFILE_ASSUME_HASH_KEYS: the second field is a name unless it stands between slashes.
    """
    syntax = Syntax.NAMES if literal_names else Syntax.PATTERNS
    found = (read_line(line.removesuffix("\r"), syntax) for line in text.split("\n"))
    return [line for line in found if line is not None][:MAX_ENTRIES]


def load_map_file(path: str, *, literal_names: bool = False) -> Generator[Effect, Any, MapFile | None]:
    """Give the map in a file and those it includes; None if the file itself cannot be read."""
    text = yield from _read(path)
    if text is None:
        return None
    entries: list[Entry] = []
    left = MAX_FILES
    for line in parse_map_file(text, literal_names=literal_names):
        if isinstance(line, Entry):
            entries.append(line)
            continue
        for name in (yield from _included(posixpath.join(posixpath.dirname(path), line.path)))[:left]:
            left -= 1
            included = yield from _read(name)
            found = parse_map_file(included or "", literal_names=literal_names)
            entries += [entry for entry in found if isinstance(entry, Entry)]
    return MapFile(tuple(entries[:MAX_ENTRIES]))


def _read(path: str) -> Generator[Effect, Any, str | None]:
    try:
        content: Secret[bytes] = yield ReadFile(path, MAX_FILE)
    except OSError:
        return None
    return content.reveal().decode("utf-8", "surrogateescape")


def _included(path: str) -> Generator[Effect, Any, list[str]]:
    info = yield StatFile(path)
    if info is None or info.kind is not FileKind.DIRECTORY:
        return [path]
    try:
        names = yield ListDirectory(path)
    except OSError:
        return []
    return [f"{path}/{name}" for name in sorted(names) if not is_leftover(name)]


def split_user(user: str, uid_domain: str | None) -> str:
    """Return ``user@domain`` for the result of a map, which may lack the domain."""
    return user if "@" in user or not uid_domain else f"{user}@{uid_domain}"
