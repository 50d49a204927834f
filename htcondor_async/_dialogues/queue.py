"""The job-queue protocol of a schedd (``QMGMT``): requests, replies, and what their failures mean.

A request is one message ``int op, arguments``, its reply one message ``int rval [, int errno] ...``. A set request
with the flag ``NO_ACK`` has no reply: its failure shows at the commit. A transaction is open from the start; closing
the connection without commit aborts it (``condor_schedd.V6/qmgmt_constants.h``, ``qmgmt_receivers.cpp``,
``qmgmt_send_stubs.cpp``).
"""

from __future__ import annotations

import enum
import os

import attrs

from htcondor_async._cedar.values import Reader, Writer
from htcondor_async.classad import ClassAd
from htcondor_async.errors import DaemonError

__all__ = [
    "IDLE_LIMIT",
    "NO_ACK",
    "ONLY_MY_JOBS",
    "CommitReply",
    "Op",
    "QueueError",
    "Reply",
    "read_ad_or_end",
    "read_commit",
    "read_reply",
]

IDLE_LIMIT = 20.0
"""Seconds after which a schedd gives up a transaction in which nothing happens (``qmgmt_receivers.cpp``)."""

NO_ACK = 0x02
SET_DIRTY = 0x04
SHOULD_LOG = 0x08
ONLY_MY_JOBS = 0x10


class Op(enum.IntEnum):
    """Numbers of the operations."""

    NewCluster = 10002
    NewProc = 10003
    DestroyProc = 10005
    SetAttribute = 10006
    CommitNoFlags = 10007
    GetAttributeFloat = 10008
    GetAttributeInt = 10009
    GetAttributeString = 10010
    GetAttributeExpr = 10011
    DeleteAttribute = 10012
    GetNextJob = 10013
    GetJobAd = 10018
    GetJobByConstraint = 10019
    GetNextJobByConstraint = 10020
    SetAttributeByConstraint = 10021
    BeginTransaction = 10023
    AbortTransaction = 10024
    SetTimerAttribute = 10025
    GetAllJobsByConstraint = 10026
    SetAttribute2 = 10027
    CloseSocket = 10028
    SetEffectiveOwner = 10030
    Commit = 10031
    SetAttributeByConstraint2 = 10032
    SetAllowProtectedAttrChanges = 10035
    GetCapabilities = 10036
    SetJobFactory = 10037
    SendMaterializeData = 10039
    SendJobQueueAd = 10040


class QueueError(DaemonError):
    """The schedd refused one operation on its queue; ``errno`` is the system's number it gave, ``code`` its rval."""

    def __init__(self, what: str = "", *, code: int = 0, number: int = 0, **fields: object) -> None:
        super().__init__(what, code=code, **fields)
        self.errno = number


@attrs.frozen
class Reply:
    """A plain reply: the value returned, and where it is negative the errno and perhaps an ad that explains it."""

    rval: int
    errno: int = 0
    ad: ClassAd | None = None

    @property
    def reason(self) -> str:
        """The daemon's own words, else the text of the errno."""
        if self.ad is not None:
            text = self.ad.get("ErrorReason")
            if isinstance(text, str) and text:
                return text
        return os.strerror(abs(self.errno)) if self.errno else ""


def read_reply(reader: Reader) -> Reply:
    """Read a reply that has no further data when it succeeds."""
    rval = reader.int()
    if rval >= 0:
        reader.expect_end()
        return Reply(rval)
    number = reader.int() if not reader.at_end else 0
    ad = reader.ad() if not reader.at_end else None
    reader.expect_end()
    return Reply(rval, number, ad)


@attrs.frozen
class CommitReply:
    """What a commit came to; ``warnings`` are the daemon's texts about a commit that succeeded."""

    reply: Reply
    warnings: tuple[str, ...] = ()


def read_commit(reader: Reader) -> CommitReply:
    """Read the reply of a commit: an ad follows where the schedd knows this client's version."""
    rval = reader.int()
    number = reader.int() if rval < 0 and not reader.at_end else 0
    ad = reader.ad() if not reader.at_end else None
    reader.expect_end()
    warning = ad.get("WarningReason") if ad is not None else None
    warnings = tuple(warning.splitlines()) if isinstance(warning, str) and warning else ()
    return CommitReply(Reply(rval, number, ad), warnings)


def read_ad_or_end(reader: Reader) -> ClassAd | None:
    """Read a reply that is an ad, or the end of a scan."""
    rval = reader.int()
    if rval < 0:
        return None
    ad = reader.ad()
    reader.expect_end()
    return ad


def set_attribute(writer: Writer, cluster: int, proc: int, name: str, value: str, flags: int) -> bytes:
    """Return the request that sets one attribute of one job (proc -1: of the cluster) to an expression."""
    if flags == 0:
        return writer.int(Op.SetAttribute).int(cluster).int(proc).str(value).str(name).getvalue()
    return writer.int(Op.SetAttribute2).int(cluster).int(proc).str(value).str(name).byte(flags).getvalue()


def set_by_constraint(writer: Writer, constraint: str, name: str, value: str, flags: int) -> bytes:
    """Return the request that sets one attribute of all jobs that match. It is always answered."""
    if flags == 0:
        return writer.int(Op.SetAttributeByConstraint).str(constraint).str(value).str(name).getvalue()
    return writer.int(Op.SetAttributeByConstraint2).str(constraint).str(value).str(name).byte(flags).getvalue()


def commit(writer: Writer, flags: int) -> bytes:
    """Return the request to commit; of the flags only NONDURABLE means something here."""
    if flags == 0:
        return writer.int(Op.CommitNoFlags).getvalue()
    return writer.int(Op.Commit).int(flags).getvalue()
