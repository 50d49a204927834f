"""``token``: the tokens of this client, requests for new ones, and their approval."""

from __future__ import annotations

import argparse
import sys
import time

from htcondor_async.cli.codes import Exit
from htcondor_async.cli.common import common_options, make_client, run_async, seconds
from htcondor_async.cli.output import print_json, print_table
from htcondor_async.client import Client
from htcondor_async.tokens import (
    PendingRequest,
    Token,
    TokenRequest,
    approve_token_request,
    create_token,
    list_token_requests,
    list_tokens,
)

__all__ = ["HELP", "add_arguments", "run"]

HELP = "List, request, approve and create tokens."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="the tokens that this client would use; never their text")
    actions.add_parser("requests", help="requests that wait for an approval")
    request = actions.add_parser("request", help="ask the pool for a token, and wait until it is approved")
    create = actions.add_parser("create", help="make a token with the pool's signing key")
    for sub in (request, create):
        sub.add_argument("--identity", default="", help="whom it is to stand for, user@domain")
        sub.add_argument(
            "--scope", action="append", metavar="LEVEL", help="limit it to READ, WRITE ...; may be repeated"
        )
        sub.add_argument("--lifetime", type=int, metavar="SECONDS", help="how long it is good; for ever by default")
        sub.add_argument(
            "--file", metavar="NAME", help="write it to this file of SEC_TOKEN_DIRECTORY; else it is printed"
        )
    request.add_argument(
        "--wait", type=seconds, default=3600.0, metavar="SECONDS", help="how long to wait (default: 3600)"
    )
    create.add_argument("--key", default="POOL", help="the name of the signing key (default: POOL)")
    approve = actions.add_parser("approve", help="approve a request")
    approve.add_argument("request_id", help="the number that the requester was shown")
    approve.add_argument("--client-id", help="which client asks; by default looked up among the waiting requests")
    for action in actions.choices.values():
        common_options(action, nested=True)


async def _list(client: Client, arguments: argparse.Namespace) -> int:
    found = await list_tokens(client=client)
    rows = [_row(token) for token in found.tokens]
    if arguments.json:
        passed_over = [{"file": file, "reason": reason} for file, reason in found.passed_over]
        print_json({"tokens": rows, "passed_over": passed_over})
        return Exit.OK
    names = ("subject", "issuer", "key", "scopes", "expires", "file")
    print_table([name.upper() for name in names], [[row[name] or "-" for name in names] for row in rows])
    for file, reason in found.passed_over:
        print(f"token: {file} is passed over: {reason}", file=sys.stderr)
    return Exit.OK


def _row(token: Token) -> dict[str, object]:
    expires = token.expires
    return {
        "subject": token.subject,
        "issuer": token.issuer,
        "key": token.key_id,
        "scopes": " ".join(token.scopes),
        "expires": time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(expires)) if expires is not None else None,
        "file": token.origin,
    }


async def _give(token: Token, client: Client, arguments: argparse.Namespace) -> int:
    if arguments.file:
        path = await token.write(arguments.file, client=client)
        if arguments.json:
            print_json({"file": path})
        else:
            print(f"written to {path}")
    elif arguments.json:
        print_json({"token": token.reveal()})
    else:
        print(token.reveal())
    return Exit.OK


async def _request(client: Client, arguments: argparse.Namespace) -> int:
    request = TokenRequest(arguments.identity, arguments.scope, arguments.lifetime, client=client)
    await request.submit(timeout=arguments.timeout)
    if not await request.done(timeout=arguments.timeout):
        print(f"token: waiting for the approval of request {request.request_id}", file=sys.stderr)
    return await _give(await request.wait(arguments.wait), client, arguments)


async def _create(client: Client, arguments: argparse.Namespace) -> int:
    made = await create_token(arguments.identity, arguments.scope, arguments.lifetime, key=arguments.key, client=client)
    return await _give(made, client, arguments)


async def _requests(client: Client, arguments: argparse.Namespace) -> int:
    rows = [_pending(request) for request in await list_token_requests(client=client, timeout=arguments.timeout)]
    if arguments.json:
        print_json(rows)
    else:
        columns = ("request_id", "client_id", "requested_identity", "peer")
        print_table([name.upper() for name in columns], [[row[name] or "-" for name in columns] for row in rows])
    return Exit.OK


def _pending(request: PendingRequest) -> dict[str, object]:
    return {
        "request_id": request.request_id,
        "client_id": request.client_id,
        "requested_identity": request.requested_identity,
        "peer": request.peer_location,
    }


async def _approve(client: Client, arguments: argparse.Namespace) -> int:
    client_id = arguments.client_id
    if client_id is None:
        waiting = await list_token_requests(request_id=arguments.request_id, client=client, timeout=arguments.timeout)
        if not waiting:
            print(f"token: no request {arguments.request_id} waits", file=sys.stderr)
            return Exit.NOT_FOUND
        client_id = waiting[0].client_id
    await approve_token_request(arguments.request_id, client_id, client=client, timeout=arguments.timeout)
    if arguments.json:
        print_json({"approved": arguments.request_id})
    else:
        print(f"approved request {arguments.request_id}")
    return Exit.OK


_ACTIONS = {"list": _list, "request": _request, "requests": _requests, "approve": _approve, "create": _create}


async def _act(client: Client, arguments: argparse.Namespace) -> int:
    return await _ACTIONS[arguments.action](client, arguments)


def run(arguments: argparse.Namespace) -> int:
    """Do what is asked."""
    return run_async(_act, make_client(arguments), arguments)
