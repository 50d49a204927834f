"""Enumerations as v1 has them: subclasses of ``int`` that print as their bare names."""

from __future__ import annotations

from typing import Any, ClassVar

__all__ = ["BoostEnum"]


class BoostEnum(int):
    """Base of v1's enumerations.

    A subclass names its members, and the module that its ``repr`` shows::

        class JobAction(BoostEnum, members={"Hold": 1, "Release": 2}, shown_in="htcondor.htcondor"): ...

    Members are attributes of the class; ``names`` maps names to members and ``values`` integers to members (of two
    with one value, the last).  As in v1 any integer makes a value, which is not the member of that number and has no
    name; operators give plain integers; neither can the class be iterated nor subscripted.  A pickled or copied member
    loses its name.
    """

    __slots__ = ()

    names: ClassVar[dict[str, Any]] = {}
    values: ClassVar[dict[int, Any]] = {}
    _shown_in: ClassVar[str] = ""

    def __init_subclass__(cls, members: dict[str, int] | None = None, shown_in: str = "", **kwargs: Any) -> None:
        """Make the members."""
        super().__init_subclass__(**kwargs)
        cls._shown_in = shown_in or cls.__module__
        cls.names, cls.values = {}, {}
        for name, number in (members or {}).items():
            member = int.__new__(cls, number)
            cls.names[name] = member
            cls.values[number] = member
            setattr(cls, name, member)

    def _label(self) -> str | None:
        for name, member in type(self).names.items():
            if member is self:
                return name
        return None

    @property
    def name(self) -> str:
        """The name of this member; raises AttributeError for a value that was made from an integer."""
        label = self._label()
        if label is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute 'name'", name="name", obj=self)
        return label

    def __repr__(self) -> str:
        """Return ``module.Class.Name``, or ``module.Class(number)``."""
        label = self._label()
        shown = f"({int.__repr__(self)})" if label is None else "." + label
        return f"{self._shown_in}.{type(self).__name__}{shown}"

    def __str__(self) -> str:
        """Return the name."""
        return self._label() or repr(self)
