"""FS and FS_REMOTE: a directory made in a shared file system proves who its owner is.

The server names a directory, the client makes it, the server looks whose it is. Newer servers leave the end of the
name to the client, which puts the address it is connected to there: a server in the middle that passes the name on
gets a directory of the wrong name (``condor_io/condor_auth_fs.cpp``).
"""

from __future__ import annotations

import re

from htcondor_async._security.effects import FileKind, MakeDirectory, RemoveDirectory, StatFile, UserNameOf
from htcondor_async._security.methods.base import (
    Method,
    MethodContext,
    MethodFailed,
    MethodResult,
    SocketAddress,
    Steps,
    receive,
    receive_int,
    say,
)

__all__ = ["FileSystem", "RemoteFileSystem", "bound_address"]

_NAME = re.compile(r"[A-Za-z0-9_.:\[\]-]{1,200}\Z")


def bound_address(address: SocketAddress) -> str:
    """Return ``IP:PORT`` with an IPv6 address in brackets, the form that ends a directory's name."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class FileSystem(Method):
    """FS: the directory is on this machine."""

    name = "FS"
    bit = 4
    prefix = "FS_"

    def directory(self, ctx: MethodContext) -> str:
        """Return where directories are made, without a slash at the end."""
        return ctx.settings.fs_local_dir.rstrip("/") or "/"

    def available(self, ctx: MethodContext) -> Steps[str | None]:
        """Always possible to try: whether the file system is shared shows in the attempt."""
        yield from ()
        return None

    def _path(self, ctx: MethodContext, name: str) -> tuple[str, str | None]:
        """Return the path to make and the part this side added to it; raises MethodFailed with the reason."""
        directory, _, base = name.rpartition("/")
        expected = self.directory(ctx)
        if directory != expected.rstrip("/") or not base.startswith(self.prefix) or not _NAME.match(base):
            raise MethodFailed(f"the daemon asked for a directory that is not a {self.prefix} name in {expected}")
        if base.endswith("_"):
            extension = bound_address(ctx.server_address)
            return name + extension, extension
        host, port = ctx.server_address
        if base.startswith(f"{self.prefix}{host}_{port}_") or not ctx.settings.fs_enforce_channel_binding:
            return name, None
        raise MethodFailed(
            "the daemon does not bind the directory to the connection, as those before 24.0 do not; "
            "set SEC_FS_ENFORCE_CHANNEL_BINDING = false to accept that"
        )

    def client(self, ctx: MethodContext) -> Steps[MethodResult]:
        """Make the directory that the server names."""
        reader = yield from receive(ctx)
        name = reader.str()
        reader.expect_end()
        path, extension, made, failure = "", None, False, "the daemon could not name a directory"
        if name:
            try:
                path, extension = self._path(ctx, name)
                yield MakeDirectory(path, 0o700)
                made = True
            except MethodFailed as error:
                failure = str(error)
            except OSError as error:
                failure = f"the directory {path} cannot be made: {error.strerror or error}"
        try:
            if not made:
                yield from say(-1)
            else:
                yield from say(0) if extension is None else say(0, extension)
            result = yield from receive_int(ctx)
        except GeneratorExit:
            raise  # nothing may be requested any more
        except BaseException:
            if made:
                yield from _remove(path)
            raise
        if made:
            yield from _remove(path)
        if not made:
            raise MethodFailed(failure)
        if result != 0:
            raise MethodFailed(f"the daemon did not accept the directory {path}; is it on another machine?")
        return MethodResult()

    def server(self, ctx: MethodContext) -> Steps[MethodResult]:
        """Name a directory and look whose it is."""
        random = ctx.entropy(6).hex()
        directory = self.directory(ctx).rstrip("/")
        host, port = ctx.server_address
        if ctx.settings.fs_enforce_channel_binding:
            name = f"{directory}/{self.prefix}{host}_{port}_XXX{random}_"
        else:
            name = f"{directory}/{self.prefix}XXX{random}"
        yield from say(name)
        reader = yield from receive(ctx)
        made = reader.int()
        extension = None if reader.at_end else reader.str()
        reader.expect_end()
        failure, user = "the client did not make the directory", None
        if made == 0:
            bound = bound_address(ctx.server_address)
            if extension is not None and "/" not in extension and extension.partition("?")[0] == bound:
                failure, user = yield from self._owner(name + extension)
            elif extension is None:
                # A client from before the binding; the danger is its own.
                failure, user = yield from self._owner(name)
            else:
                failure = "the client bound the directory to another connection"
        yield from say(-1 if user is None else 0)
        if user is None:
            raise MethodFailed(failure)
        if user == "root" and ctx.settings.fs_root_to_condor:
            user = "condor"
        domain = ctx.settings.uid_domain
        return MethodResult(identity=f"{user}@{domain}" if domain else user, authenticated_name=user)

    def _owner(self, path: str) -> Steps[tuple[str, str | None]]:
        try:
            info = yield StatFile(path, follow=False)
        except OSError as error:
            return f"{path} cannot be looked at: {error.strerror or error}", None
        if info is None:
            return f"{path} does not exist", None
        if info.kind is not FileKind.DIRECTORY or info.links not in (1, 2) or info.mode & 0o7777 != 0o700:
            return f"{path} is not a private directory", None
        user = yield UserNameOf(info.uid)
        return f"{path} belongs to user number {info.uid}, who has no name here", user


def _remove(path: str) -> Steps[None]:
    try:
        yield RemoveDirectory(path)
    except OSError:
        # The verdict has been given; an empty directory that somebody else removed, or that stays, changes nothing.
        return


class RemoteFileSystem(FileSystem):
    """FS_REMOTE: the directory is in a file system that several machines share."""

    name = "FS_REMOTE"
    bit = 8
    prefix = "FS_REMOTE_"

    def directory(self, ctx: MethodContext) -> str:
        """Return where directories are made, without a slash at the end."""
        return ctx.settings.fs_remote_dir.rstrip("/") or "/"
