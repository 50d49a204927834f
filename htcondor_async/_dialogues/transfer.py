"""The file-transfer session in which sandboxes travel, in both roles.

Sender: a final flag and the size of all, then for each file a command, its name and its content, at the end a report;
the receiver answers with its own. Before the first content each side tells the other to go ahead. A file that the
sender cannot read goes as "missing", one that the receiver cannot write is taken and thrown away: the session stays in
step, and the reports say what failed (``condor_utils/file_transfer.cpp``: uploadFileList, DoDownload, the GoAhead
functions and the transfer ack).
"""

from __future__ import annotations

import enum
from collections.abc import Generator
from typing import Any

import attrs

from htcondor_async._cedar.effects import Receive, Send
from htcondor_async._cedar.files import get_file_with_permissions, put_file_with_permissions
from htcondor_async._cedar.limits import Limits
from htcondor_async._dialogues.codec import Codec
from htcondor_async._dialogues.delegation import accept_delegation, delegate
from htcondor_async.classad import ClassAd
from htcondor_async.errors import DaemonError, ProtocolError

__all__ = [
    "BeginFile",
    "EndFile",
    "FileKind",
    "LocalFailure",
    "MakeFolder",
    "NextFile",
    "Outgoing",
    "Patience",
    "TransferReport",
    "receive_sandbox",
    "send_sandbox",
]

_MAX_MESSAGE = 1 << 20
_ALIVE = 300
_SLOP = 20
_MAX_WAIT = 24 * 3600  # seconds that a peer may announce between two signs of life
_GO_ALWAYS = 2
_UPLOAD_ERROR, _DOWNLOAD_ERROR = 13, 12
_MAX_SIZE = 1 << 62


class _Command(enum.IntEnum):
    FINISHED = 0
    FILE = 1
    ENCRYPTED_FILE = 2
    CLEAR_FILE = 3
    PROXY = 4
    URL = 5
    FOLDER = 6
    OTHER = 999


class FileKind(enum.Enum):
    """What is sent."""

    FILE = "file"
    FOLDER = "folder"
    PROXY = "proxy"


@attrs.frozen
class Outgoing:
    """The next thing to send: its name on the wire, its size and permission bits; ``mode`` None: it cannot be read."""

    kind: FileKind
    name: str
    size: int = 0
    mode: int | None = 0


@attrs.frozen
class NextFile:
    """Sender: what comes next? Result: ``Outgoing``, or None after the last. The content is asked for by ReadChunk."""


@attrs.frozen
class BeginFile:
    """Receiver: content of this file follows as WriteChunk. Result: None, whether or not it can be written."""

    name: str


@attrs.frozen
class EndFile:
    """Receiver: the file is complete. ``mode``: permission bits, 0 if not known, None: the sender could not read it."""

    mode: int | None


@attrs.frozen
class MakeFolder:
    """Receiver: make a folder. Result: None, whether or not it can be made."""

    name: str
    mode: int


@attrs.frozen
class LocalFailure:
    """What went wrong on this side so far? Result: (text, errno), or None."""


@attrs.frozen
class Patience:
    """The peer may be silent for so many seconds from here on; None: as long as usual. Result: None."""

    seconds: float | None


@attrs.frozen
class TransferReport:
    """How a session ended: ``own`` and ``peer`` are the failures of the two sides, empty if there was none."""

    own: str
    peer: str
    files: int
    size: int

    @property
    def failed(self) -> bool:
        """Whether anything is amiss."""
        return bool(self.own or self.peer)


Steps = Generator[Any, Any, TransferReport]


# -- go-ahead


def _await_go_ahead(codec: Codec) -> Generator[Any, Any, tuple[bool, int]]:
    """Wait until the peer lets the transfer begin; return whether for all files, and the bytes it takes (-1: any)."""
    yield Send(codec.writer().int(_ALIVE).getvalue())
    patience = float(_ALIVE + _SLOP)
    while True:
        yield Patience(patience)
        reader = codec.reader((yield Receive(_MAX_MESSAGE)))
        ad = reader.ad()
        reader.expect_end()
        result = ad.get("Result")
        if type(result) is not int:
            raise ProtocolError("a go-ahead without Result came")
        seconds = ad.get("Timeout")
        if type(seconds) is int and 0 < seconds <= _MAX_WAIT:
            patience = float(seconds + _SLOP)
        if result == 0:
            continue
        yield Patience(None)
        if result < 0:
            reason = ad.get("HoldReason")
            raise DaemonError(
                "the daemon does not take part in the transfer",
                code=result,
                error_stack=[reason] if isinstance(reason, str) else [],
                hint="it may be tried again later" if ad.get("TryAgain") is True else None,
            )
        limit = ad.get("MaxTransferBytes")
        return result >= _GO_ALWAYS, limit if type(limit) is int else -1


def _give_go_ahead(codec: Codec, *, receiving: bool) -> Generator[Any, Any, None]:
    """Let the peer begin, for all files."""
    reader = codec.reader((yield Receive(_MAX_MESSAGE)))
    reader.int()
    reader.expect_end()
    ad = {"Result": str(_GO_ALWAYS)} | ({"MaxTransferBytes": "-1"} if receiving else {})
    yield Send(codec.writer().ad(ad).getvalue())


# -- reports


def _report(codec: Codec, failure: tuple[str, int] | None, code: int, files: int, size: int) -> bytes:
    stats = ClassAd({"CedarFilesCount": files, "CedarSizeBytes": size, "Protocols": "cedar"})
    ad = ClassAd({"Result": 0 if failure is None else -1, "TransferStats": stats})
    if failure is not None:
        text, number = failure
        ad.update({"HoldReasonCode": code, "HoldReasonSubCode": number, "HoldReason": text.replace("\n", " ")})
    return codec.writer().ad(ad).getvalue()


def _read_report(codec: Codec, message: bytes) -> str:
    reader = codec.reader(message)
    ad = reader.ad()
    reader.expect_end()
    result = ad.get("Result")
    if type(result) is not int:
        raise ProtocolError("the report of a transfer has no Result")
    if result == 0:
        return ""
    reason = ad.get("HoldReason")
    return reason if isinstance(reason, str) and reason else "the peer reports a failure without a reason"


# -- the two roles


def send_sandbox(codec: Codec, *, aes: bool, final: bool, total: int) -> Steps:
    """Send the files of one job.

    Parameters
    ----------
    aes
        Whether the connection is sealed with AES.
    final
        Whether this is the way back, from the daemon.
    total
        Bytes in all.
    """
    yield Send(codec.writer().int(int(final)).ad({"SandboxSize": str(total)}).getvalue())
    peer_goes = own_goes = False
    allowed = -1
    files = sent = 0
    refused: tuple[str, int] | None = None
    while (item := (yield NextFile())) is not None:
        command = {FileKind.FOLDER: _Command.FOLDER, FileKind.PROXY: _Command.PROXY}.get(item.kind, _Command.FILE)
        yield Send(codec.writer().int(command).getvalue())
        yield Send(codec.writer().str(item.name).getvalue())
        if not peer_goes:
            peer_goes, allowed = yield from _await_go_ahead(codec)
        if not own_goes:
            yield from _give_go_ahead(codec, receiving=False)
            own_goes = True
        if item.kind is FileKind.FOLDER:
            yield Send(codec.writer().int(item.mode or 0).getvalue())
            continue
        if item.kind is FileKind.PROXY:
            yield from delegate(codec)
        elif 0 <= allowed < sent + item.size:
            refused = (f"the files have more than the {allowed} bytes that the receiver takes", 27)
            yield from put_file_with_permissions(0, None, aes=aes)
        else:
            yield from put_file_with_permissions(item.size, item.mode, aes=aes)
            sent += item.size
        files += 1
    yield Send(codec.writer().int(_Command.FINISHED).getvalue())
    failure: tuple[str, int] | None = refused or (yield LocalFailure())
    yield Send(_report(codec, failure, _UPLOAD_ERROR, files, sent))
    yield Patience(float(_ALIVE))  # the receiver writes to disk what it has
    peer = _read_report(codec, (yield Receive(_MAX_MESSAGE)))
    yield Patience(None)
    return TransferReport(failure[0] if failure else "", peer, files, sent)


def receive_sandbox(codec: Codec, *, aes: bool, limits: Limits, max_size: int = _MAX_SIZE) -> Steps:
    """Receive the files of one job.

    Parameters
    ----------
    aes
        Whether the connection is sealed with AES.
    limits
        Bounds the messages.
    max_size
        The most bytes that are taken in all.
    """
    reader = codec.reader((yield Receive(_MAX_MESSAGE)))
    reader.int()
    reader.ad()
    reader.expect_end()
    peer_goes = own_goes = False
    files = taken = 0
    while True:
        reader = codec.reader((yield Receive(_MAX_MESSAGE)))
        number = reader.int()
        reader.expect_end()
        if number == _Command.FINISHED:
            break
        command = _known(number)
        if command is _Command.ENCRYPTED_FILE and not aes:
            raise ProtocolError("a file was announced as encrypted on a connection without a key")
        reader = codec.reader((yield Receive(_MAX_MESSAGE)))
        name = reader.str()
        reader.expect_end()
        if not own_goes:
            yield from _give_go_ahead(codec, receiving=True)
            own_goes = True
        if not peer_goes:
            peer_goes, _ = yield from _await_go_ahead(codec)
        if command is _Command.FOLDER:
            reader = codec.reader((yield Receive(_MAX_MESSAGE)))
            mode = reader.int()
            reader.expect_end()
            yield MakeFolder(name, mode & 0o777)
            continue
        yield BeginFile(name)
        if command is _Command.PROXY:
            yield from accept_delegation(codec)
            yield EndFile(0o600)
        else:
            size, bits = yield from get_file_with_permissions(aes=aes, max_size=max_size - taken, limits=limits)
            yield EndFile(bits)
            taken += size
        files += 1
    peer = _read_report(codec, (yield Receive(_MAX_MESSAGE)))
    failure: tuple[str, int] | None = yield LocalFailure()
    if failure is None and peer:
        yield Send(_report(codec, (f"the sender failed: {peer}", 0), _DOWNLOAD_ERROR, files, taken))
    else:
        yield Send(_report(codec, failure, _DOWNLOAD_ERROR, files, taken))
    return TransferReport(failure[0] if failure else "", peer, files, taken)


def _known(number: int) -> _Command:
    """Return a command that this side can follow; the others need plugins, which a sandbox session does not use."""
    try:
        command = _Command(number)
    except ValueError:
        raise ProtocolError(f"{number} is no command of a file transfer") from None
    if command in (_Command.URL, _Command.OTHER):
        raise ProtocolError(f"the file transfer goes on with {command.name}, which spooled files do not need")
    return command
