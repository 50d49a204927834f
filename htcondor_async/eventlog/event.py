"""One event of a job event log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from htcondor_async.enums import JobEventType

from ._text import HIDDEN, Attributes, BodyError, Lines
from ._times import Clock, EventTime, FormatOptions, local_text, parse_time
from .bodies import FIRST_EP, kind_of
from .write import format_text

__all__ = ["JobEvent", "body_text", "event_from_text", "event_from_values"]

_TYPES = {number: JobEventType(number) for number in range(1000)}
_NUL = "\N{REPLACEMENT CHARACTER}"


class JobEvent(Mapping[str, Any]):
    """An event: its kind, its job, its time; and, as a mapping that ignores the case of names, what else it says.

    Attributes have the names and values of the v1 bindings. Two events are equal only if they are the same object.
    """

    __slots__ = ("_body", "_clock", "_head", "_table", "_values", "_when", "cluster", "number", "offset", "proc")

    cluster: int
    """The number of the cluster (of the slot, for the events of an execution point)."""
    proc: int
    """The number of the job in its cluster, -1 for an event of the whole cluster."""
    number: int
    """The number of the kind of event."""
    offset: int
    """Where in its file the event begins, in bytes."""

    def __init__(
        self,
        number: int,
        cluster: int,
        proc: int,
        head: tuple[bytes, bytes],
        body: bytes,
        clock: Clock,
        offset: int = 0,
        values: Attributes | None = None,
    ) -> None:
        # head: the third part of the job's number, and the time, both as they are written
        self.number = number
        self.cluster = cluster
        self.proc = proc
        self.offset = offset
        self._head = head
        self._body = body
        self._clock = clock
        self._values = values
        self._table: dict[str, tuple[str, Any]] | None = None
        self._when: EventTime | None = None

    @property
    def type(self) -> JobEventType:
        """The kind of event."""
        return _TYPES[self.number]

    @property
    def subproc(self) -> int:
        """The third part of the job's number: 0, or -1 for none."""
        return int(self._head[0])

    @property
    def time(self) -> float:
        """When it happened, in seconds since 1970, with the fraction that the log tells."""
        when = self._time()
        return when.seconds + when.micros / 1_000_000

    @property
    def timestamp(self) -> int:
        """When it happened, in whole seconds since 1970."""
        return self._time().seconds

    def _time(self) -> EventTime:
        when = self._when
        if when is None:
            when = self._when = parse_time(self._head[1], self._clock) or EventTime(0)
        return when

    def _body_values(self) -> Attributes:
        """Return what the body says, parsed at the first look."""
        values = self._values
        if values is None:
            values = self._values = kind_of(self.number).read(Lines(body_text(self._body)))
        return values

    def _index(self) -> dict[str, tuple[str, Any]]:
        table = self._table
        if table is None:
            values = self._body_values()
            table = {name.lower(): (name, value) for name, value in values.items() if name[:1] != HIDDEN}
            for name, value in self._common():
                table[name.lower()] = (name, value)
            self._table = table
        return table

    def _common(self) -> Iterator[tuple[str, Any]]:
        yield "EventTypeNumber", self.number
        yield "MyType", kind_of(self.number).my_type
        yield "EventTime", local_text(self._time(), self._clock)
        if self.number >= FIRST_EP:
            ids: tuple[tuple[str, int], ...] = (("SlotId", self.cluster or -1), ("DSlotId", self.proc or -1))
        else:
            ids = (("Cluster", self.cluster), ("Proc", self.proc), ("Subproc", self.subproc))
        for name, value in ids:
            if value >= 0:
                yield name, value

    def __getitem__(self, name: str) -> Any:
        """Return an attribute; raises KeyError."""
        if self._values is None:
            peek = kind_of(self.number).peek.get(name)
            match = peek[0].match(self._body) if peek is not None else None
            if peek is not None and match is not None:
                return peek[1](match[1])
        found = self._index().get(name.lower()) if isinstance(name, str) else None
        if found is None:
            raise KeyError(name)
        return found[1]

    def __contains__(self, name: object) -> bool:
        """Return whether there is an attribute of that name."""
        return isinstance(name, str) and name.lower() in self._index()

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the attributes."""
        return iter([name for name, _value in self._index().values()])

    def __len__(self) -> int:
        """Return the number of attributes."""
        return len(self._index())

    def __eq__(self, other: object) -> bool:
        """Return whether it is the same object."""
        return self is other

    def __hash__(self) -> int:
        """Return a hash of the identity."""
        return object.__hash__(self)

    def __str__(self) -> str:
        """Return the event as the log has it, with an ISO date and without the final dots."""
        try:
            return self.text()
        except BodyError:
            return repr(self)

    def __repr__(self) -> str:
        """Return ``JobEvent(type=..., cluster=..., proc=..., timestamp=...)``."""
        return f"JobEvent(type={self.number}, cluster={self.cluster}, proc={self.proc}, timestamp={self.timestamp})"

    def text(self, options: FormatOptions | None = None) -> str:
        """Return the event formatted anew, without the final dots.

        Raises ``BodyError`` for an event read from XML or JSON that lacks what its text cannot do without.
        """
        ids = (self.cluster, self.proc, self.subproc)
        values = self._body_values()
        return format_text(self.number, ids, self._time(), values, self._clock, options or FormatOptions())


def body_text(body: bytes) -> str:
    """Return the text of a body; a NUL byte, which no attribute can hold, becomes the replacement character."""
    return body.decode("utf-8", "surrogateescape").replace("\0", _NUL)


def event_from_text(
    number: int, cluster: int, proc: int, head: tuple[bytes, bytes], body: bytes, clock: Clock, offset: int
) -> JobEvent:
    """Return the event of a body that is parsed when it is looked at, if it is sure to parse, else now.

    Raises ``BodyError``.
    """
    event = JobEvent(number, cluster, proc, head, body, clock, offset)
    check = kind_of(number).check
    if check is None or check.match(body) is None:
        event._body_values()
    return event


def event_from_values(
    number: int, ids: tuple[int, int, int], time: bytes, values: Attributes, clock: Clock, offset: int
) -> JobEvent:
    """Return the event of an ad in XML or JSON."""
    whole = {**kind_of(number).defaults, **values}
    return JobEvent(number, ids[0], ids[1], (b"%d" % ids[2], time), b"", clock, offset, whole)
