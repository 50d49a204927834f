"""What all parts of the schedd's handle share."""

from __future__ import annotations

from htcondor_async._handle import DaemonHandle
from htcondor_async.enums import DaemonTypes

__all__ = ["ScheddBase"]


class ScheddBase(DaemonHandle):
    """A handle on one schedd; see :class:`~htcondor_async.Schedd`."""

    _kind = DaemonTypes.Schedd
    _word = "schedd"
