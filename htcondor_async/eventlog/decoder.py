"""Bytes of a job event log to events, whatever the pieces they come in."""

from __future__ import annotations

import re
from collections.abc import Iterator

import attrs

from ._ads import AdScanner, event_of_ad
from ._text import BodyError
from ._times import DATE, Clock
from .event import JobEvent, event_from_text
from .write import LogFormat

__all__ = ["BadRecord", "EventDecoder", "Limits"]

_IDS = rb" \((-?[0-9]{1,18})\.(-?[0-9]{1,18})\.(-?[0-9]{1,18})\) "
_HEADER = re.compile(rb"([0-9]{3})" + _IDS + rb"(" + DATE + rb") ")
_LINE_HEADER = re.compile(rb"^[01][0-9]{2}" + _IDS + DATE + rb" ", re.MULTILINE)
_BETWEEN = re.compile(rb"(?:[ \t\r,\[\]]*\n|\.\.\.\r?\n|[ \t\r,\[\]]+(?=[{<])|<\?[^<>]*>|<![^<>]*>|</?classads>)+")
_AD_LINE = re.compile(rb"\n(?=\{|<c>)")
_NOTHING = re.compile(rb"[\s\0]*(?:\.\.\.\s*)?")
_KEPT = 1024
"""Bytes before the next event that are kept, by which a file is known again: an event or more, as all end alike."""
_HEADER_SIZE = 160
"""No header is longer."""
_TOO_LONG = "it is too long"
_RECORD, _STRAY, _JSON, _XML = "record", "stray", "json", "xml"


@attrs.frozen
class Limits:
    """Bounds on a log: the bytes of one record."""

    max_record: int = 4 << 20


@attrs.frozen
class BadRecord:
    """Bytes that are no event: those from ``offset`` up to ``end`` of the file. Reading goes on after them."""

    offset: int
    end: int
    reason: str


class EventDecoder:
    """Takes the bytes of one file from its start, or from an earlier ``offset``, and gives its events.

    What it gives does not depend on the pieces in which the bytes come. Each event may have another form: HTCondor
    begins a global log of JSON with a header in text. An event that lacks its final dots ends where a line begins with
    the header of another. Blank lines and lone dots between events are passed over; anything else there is a
    :class:`BadRecord`.

    Parameters
    ----------
    clock
        Where local time comes from.
    offset
        Where in the file the bytes begin that are fed first.
    tail
        The bytes before them, as far as they are known.
    limits
        What a hostile or broken file may make it keep.
    """

    def __init__(self, clock: Clock, *, offset: int = 0, tail: bytes = b"", limits: Limits | None = None) -> None:
        self._clock = clock
        self._max_record = (limits if limits is not None else Limits()).max_record
        # so long without an end: a header, or dots, that have begun cannot make it short enough any more
        self._max_pending = self._max_record + _HEADER_SIZE
        self._data = tail
        self._base = offset - len(tail)
        self._pos = len(tail)
        self._looked = self._pos
        """Up to where in the data there is no end of the record that begins at ``_pos``."""
        self._skipped_from = -1
        """Where in the file a record began that has grown too long, while it is passed over."""
        self._skipped = _STRAY
        self._scanner: AdScanner | None = None
        """What was seen of an ad whose end is not here."""

    @property
    def offset(self) -> int:
        """Where in the file the next event begins, or will begin: reading can be resumed there."""
        return self._base + self._pos

    @property
    def end(self) -> int:
        """Where in the file the bytes begin that are to be fed next."""
        return self._base + len(self._data)

    def tail(self) -> bytes:
        """Return the last bytes before :attr:`offset`, as far as they are known."""
        return self._data[max(0, self._pos - _KEPT) : self._pos]

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the file."""
        keep = max(0, self._pos - _KEPT)
        self._data = self._data[keep:] + data
        self._base += keep
        self._pos -= keep
        self._looked = max(self._pos, self._looked - keep)

    def next(self, at_end: bool = False) -> JobEvent | BadRecord | None:
        """Return the next event or bad record, or None: more bytes are needed.

        With ``at_end`` nothing follows, for now: dots without a line break end an event then.
        """
        if self._skipped_from >= 0:
            return self._skip()
        data = self._data
        header = _HEADER.match(data, self._pos)
        if header is not None:
            return self._record(header, at_end)
        between = _BETWEEN.match(data, self._pos)
        if between is not None:
            self._advance(between.end())
            header = _HEADER.match(data, self._pos)
            if header is not None:
                return self._record(header, at_end)
        if data.startswith(b"{", self._pos):
            return self._ad(LogFormat.JSON)
        if data.startswith(b"<c>", self._pos):
            return self._ad(LogFormat.XML)
        return self._stray()

    def __iter__(self) -> Iterator[JobEvent | BadRecord]:
        """Yield what is here."""
        while (found := self.next()) is not None:
            yield found

    def close(self) -> BadRecord | None:
        """Return what is left at the end of a file that will not grow any more, if it is more than blanks."""
        begin, end = self.offset if self._skipped_from < 0 else self._skipped_from, self.end
        rest = self._data[self._pos :]
        nothing = self._skipped_from < 0 and _NOTHING.fullmatch(rest) is not None
        self._advance(len(self._data))
        self._skipped_from = -1
        return None if nothing else BadRecord(begin, end, "the file ends within a record")

    def _advance(self, pos: int) -> None:
        self._pos = self._looked = pos

    # -- text

    def _record(self, header: re.Match[bytes], at_end: bool) -> JobEvent | BadRecord | None:
        """Return the event whose header is here, once its end is."""
        data = self._data
        begin, start = self._pos, header.end()
        end, after = self._end_of_record(self._looked if self._looked > start else start, at_end)
        if end < 0:
            self._looked = max(start, len(data) - _HEADER_SIZE)
            if len(data) - begin > self._max_pending:
                self._give_up(_RECORD, start)
            return None
        self._pos = self._looked = after
        offset = self._base + begin
        if after - begin > self._max_record:
            return BadRecord(offset, self._base + after, _TOO_LONG)
        number, cluster, proc, subproc, time = header.groups()
        try:
            return event_from_text(
                int(number), int(cluster), int(proc), (subproc, time), data[start:end], self._clock, offset
            )
        except BodyError as error:
            return self._broken(start, end, BadRecord(offset, self._base + after, str(error)))

    def _end_of_record(self, start: int, at_end: bool) -> tuple[int, int]:
        """Return where the body ends, at dots or at a line that is a header, and where reading goes on; or -1."""
        data = self._data
        end, after = self._dots(start, at_end)
        stop = end if end >= 0 else len(data)
        start = max(0, start - 1)
        if data.find(b"\n0", start, stop) >= 0 or data.find(b"\n1", start, stop) >= 0:
            found = _LINE_HEADER.search(data, start + 1, stop)
            if found is not None:
                return found.start() - 1, found.start()
        return end, after

    def _dots(self, start: int, at_end: bool) -> tuple[int, int]:
        data = self._data
        found = data.find(b"\n...", start)
        while found >= 0:
            rest = data[found + 4 : found + 6]
            if rest[:1] == b"\n":
                return found, found + 5
            if rest == b"\r\n":
                return found, found + 6
            if at_end and rest in (b"", b"\r"):
                return found, len(data)
            found = data.find(b"\n...", found + 4)
        return -1, -1

    def _broken(self, start: int, end: int, record: BadRecord) -> BadRecord:
        """Return a record that does not parse; if another event begins within one of its lines, only up to that.

        Only broken records are searched so: the reason of a hold could quote an event.
        """
        other = _HEADER.search(self._data, start, end)
        if other is None:
            return record
        self._advance(other.start())
        return attrs.evolve(record, end=self._base + other.start())

    def _stray(self) -> BadRecord | None:
        """Pass over what is no beginning of an event, up to the next one or behind the next line of dots."""
        stop = self._end_of_stray(max(self._pos, self._looked - _HEADER_SIZE))
        if stop < 0:
            self._looked = len(self._data)
            if len(self._data) - self._pos > self._max_pending:
                self._give_up(_STRAY, self._pos)
            return None
        offset = self.offset
        self._advance(stop)
        reason = _TOO_LONG if self.offset - offset > self._max_record else "no event begins like this"
        return BadRecord(offset, self.offset, reason)

    def _end_of_stray(self, start: int) -> int:
        """Return where reading goes on: at a header, at a line that begins an ad, or behind a line of dots; or -1."""
        found = [match.end() for match in (_AD_LINE.search(self._data, start),) if match is not None]
        found += [match.start() for match in (_HEADER.search(self._data, start),) if match is not None]
        end, after = self._dots(start, False)
        if end >= 0:
            found.append(after)
        return min(found, default=-1)

    # -- XML and JSON

    def _ad(self, form: LogFormat) -> JobEvent | BadRecord | None:
        """Return the event of the ad that begins here, once its end is here."""
        scanner = self._scanner
        if scanner is None:
            scanner = self._scanner = AdScanner(form)
        data, begin = self._data, self._pos
        end, whole = scanner.end(data, begin)
        if end < 0 and len(data) - begin <= self._max_pending:
            return None
        self._scanner = None
        if end < 0 or (whole and end - begin > self._max_record):
            self._give_up(_JSON if form is LogFormat.JSON else _XML, begin + 1)
            return self._skip()
        self._advance(end)
        offset = self._base + begin
        if not whole:
            return BadRecord(offset, self.offset, _TOO_LONG if end - begin > self._max_record else "the ad has no end")
        try:
            return event_of_ad(data[begin:end], form, self._clock, offset)
        except BodyError as error:
            return BadRecord(offset, self.offset, str(error))

    # -- what is too long

    def _give_up(self, kind: str, start: int) -> None:
        """Pass over a record that has grown too long, as its bytes come; its end is looked for from ``start`` on."""
        self._skipped_from, self._skipped = self.offset, kind
        self._advance(start)

    def _skip(self) -> BadRecord | None:
        """Return the record that is passed over, once its end is here."""
        data, start = self._data, self._pos
        if self._skipped == _RECORD:
            stop = self._end_of_record(start, False)[1]
        elif self._skipped == _STRAY:
            stop = self._end_of_stray(start)
        else:
            stop = data.find(b"\n{" if self._skipped == _JSON else b"\n<c>", start) + 1 or -1
        if stop < 0:
            # enough is kept to see a header, or dots, that begin within what is here
            self._advance(max(start, len(data) - _HEADER_SIZE))
            return None
        self._advance(stop)
        record = BadRecord(self._skipped_from, self.offset, _TOO_LONG)
        self._skipped_from = -1
        return record
