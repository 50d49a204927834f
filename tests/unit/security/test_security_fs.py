"""FS: which directories a client makes, and which a server believes."""

from __future__ import annotations

import attrs
import pytest

from htcondor_async._cedar.values import Writer
from htcondor_async._security.methods import METHODS
from htcondor_async._security.methods.base import MethodFailed
from htcondor_async._security.methods.fs import bound_address
from htcondor_async._security.settings import SecuritySettings
from tests.helpers.security_world import Machine, Side, World, join


def client_for(name: str, *, enforce: bool = True, machine: Machine | None = None) -> Side:
    context = attrs.evolve(World().request().context(), settings=SecuritySettings(fs_enforce_channel_binding=enforce))
    side = Side(METHODS["FS"].client(context), machine or Machine())
    side.step()
    side.connection.feed(side.connection.__class__().send_message(Writer(False).str(name).getvalue()))
    side.step()
    return side


def answer(side: Side, result: int) -> None:
    side.connection.feed(side.connection.__class__().send_message(Writer(False).int(result).getvalue()))
    side.step()


@pytest.mark.parametrize(
    ("name", "enforce", "made", "said"),
    [
        ("/tmp/FS_10.0.0.1_5_XXXab_", True, "/tmp/FS_10.0.0.1_5_XXXab_127.0.0.1:9618", "127.0.0.1:9618"),
        ("/tmp/FS_127.0.0.1_9618_XXXab", True, "/tmp/FS_127.0.0.1_9618_XXXab", None),
        ("/tmp/FS_XXXab", False, "/tmp/FS_XXXab", None),
    ],
)
def test_directories_that_are_made(name: str, enforce: bool, made: str, said: str | None) -> None:
    side = client_for(name, enforce=enforce)
    assert side.machine.made == [made]
    assert side.machine.directories[made] == (1000, 0o700)
    expected = Writer(False).int(0)
    assert side.sent == [(expected if said is None else expected.str(said)).getvalue()]
    answer(side, 0)
    assert side.error is None and not side.machine.directories


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/tmp/FS_XXXab",
        "/tmp/FS_10.0.0.1_5_XXXab",
        "/etc/FS_127.0.0.1_9618_XXX_",
        "/tmp/../etc/FS_XXX_",
        "/tmp/other_",
        "/tmp/FS_a/b_",
        "FS_127.0.0.1_9618_XXX_",
        "/tmp/FS_$(x)_",
        "/tmp/FS_" + "x" * 300 + "_",
        "/tmp/FS_\n_",
    ],
)
def test_directories_that_are_refused(name: str) -> None:
    side = client_for(name)
    assert not side.machine.made
    assert side.sent == [Writer(False).int(-1).getvalue()]
    answer(side, -1)
    assert isinstance(side.error, MethodFailed)


def test_a_directory_that_exists_is_not_taken_over() -> None:
    machine = Machine(directories={"/tmp/FS_1_XXX_127.0.0.1:9618": (1001, 0o700)})
    side = client_for("/tmp/FS_1_XXX_", machine=machine)
    assert side.sent == [Writer(False).int(-1).getvalue()]
    answer(side, -1)
    assert "File exists" in str(side.error)
    assert machine.directories, "somebody else's directory stays"


@pytest.mark.parametrize("end", ["refusal", "closed"])
def test_the_directory_goes_whatever_happens(end: str) -> None:
    side = client_for("/tmp/FS_1_XXX_")
    assert side.machine.directories
    if end == "refusal":
        answer(side, -1)
        assert "another machine" in str(side.error)
    else:
        side.connection.feed_eof()
        side.step()
    assert side.error is not None and not side.machine.directories


def test_a_cancelled_conversation_can_still_remove_its_directory() -> None:
    side = client_for("/tmp/FS_1_XXX_")
    side.interrupt(RuntimeError("cancelled"))
    assert isinstance(side.error, RuntimeError) and not side.machine.directories


def test_a_closed_conversation_asks_for_nothing_more() -> None:
    side = client_for("/tmp/FS_1_XXX_")
    side.conversation.close()


def serve(result: int, *values: str, machine: Machine | None = None, **fields: object) -> Side:
    settings = SecuritySettings(uid_domain="example.org", **fields)  # type: ignore[arg-type]
    context = attrs.evolve(World().request().context(), settings=settings, entropy=lambda n: bytes(n))
    side = Side(METHODS["FS"].server(context), machine or Machine(), uid=0)
    side.step()
    writer = Writer(False).int(result)
    for value in values:
        writer.str(value)
    side.connection.feed(side.connection.__class__().send_message(writer.getvalue()))
    side.step()
    return side


NAME = "/tmp/FS_127.0.0.1_9618_XXX000000000000_"


@pytest.mark.parametrize(
    ("extension", "owner", "believed"),
    [
        ("127.0.0.1:9618", (1000, 0o700), True),
        ("127.0.0.1:9618?sock=collector", (1000, 0o700), True),
        ("127.0.0.1:9619", (1000, 0o700), False),
        ("127.0.0.1:9618/../x", (1000, 0o700), False),
        ("127.0.0.1:9618", (1000, 0o755), False),
        ("127.0.0.1:9618", (4242, 0o700), False),
        ("127.0.0.1:9618", None, False),
    ],
)
def test_what_a_server_believes(extension: str, owner: tuple[int, int] | None, believed: bool) -> None:
    machine = Machine(directories={} if owner is None else {NAME + extension: owner})
    side = serve(0, extension, machine=machine)
    assert (side.error is None) is believed
    if believed:
        assert side.result.identity == "alice@example.org"
    assert side.sent[-1] == Writer(False).int(0 if believed else -1).getvalue()


def test_a_client_from_before_the_binding_is_believed() -> None:
    side = serve(0, machine=Machine(directories={NAME: (1000, 0o700)}))
    assert side.result.identity == "alice@example.org"


def test_root_becomes_the_condor_user() -> None:
    machine = Machine(directories={NAME + "127.0.0.1:9618": (0, 0o700)})
    assert serve(0, "127.0.0.1:9618", machine=machine).result.identity == "condor@example.org"
    side = serve(0, "127.0.0.1:9618", machine=machine, fs_root_to_condor=False)
    assert side.result.identity == "root@example.org"


def test_a_server_in_the_middle_is_found_out() -> None:
    """The client is connected to an attacker at port 5, who passes everything on to the real server."""
    world = World()
    world.share_machine()
    context = world.request().context()
    client = Side(METHODS["FS"].client(attrs.evolve(context, server_address=("127.0.0.1", 5))), world.client_machine)
    server = Side(METHODS["FS"].server(context), world.server_machine, uid=0)
    join(client, server)
    assert isinstance(client.error, MethodFailed) and isinstance(server.error, MethodFailed)
    assert "another connection" in str(server.error)


def test_addresses() -> None:
    assert bound_address(("10.0.0.1", 5)) == "10.0.0.1:5"
    assert bound_address(("::1", 5)) == "[::1]:5"
