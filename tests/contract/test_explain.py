"""Explaining a permission: phase by phase, without secrets."""

from __future__ import annotations

import json

import pytest

from htcondor_async import HTCondorEnumError, explain_permission


def test_allowed(pool, make_client, run):
    client = make_client(SEC_CLIENT_AUTHENTICATION="REQUIRED")
    found = run(explain_permission, f"<{pool.collector}>", "WRITE", client=client)
    assert found.allowed
    assert found.error is None
    text = str(found)
    for expected in ("TOKEN succeeded", "alice@testpool", "cipher AES", "DC_NOP_WRITE is allowed", "key POOL"):
        assert expected in text
    assert [step.name for step in found.steps] == [
        "address",
        "offered",
        "connected",
        "chosen",
        "authenticated",
        "authorized",
    ]
    token = pool.token()
    assert token.split(".")[2] not in text
    assert json.loads(json.dumps(found.as_dict()))["allowed"] is True


def test_methods_that_cannot_be_had_are_named(pool, make_client, run):
    client = make_client(methods="NTSSPI, IDTOKENS", SEC_CLIENT_AUTHENTICATION="REQUIRED")
    found = run(explain_permission, f"<{pool.collector}>", "READ", client=client)
    assert found.allowed
    for step in (found.steps[1], found.steps[4]):
        assert "NTSSPI" in " ".join(step.lines)
        assert "not supported by this package; it exists on Windows only" in " ".join(step.lines)


def test_not_allowed(pool, make_client, run):
    client = make_client(token=pool.token(scopes=["READ"]), SEC_CLIENT_AUTHENTICATION="REQUIRED")
    found = run(explain_permission, f"<{pool.collector}>", "ADMINISTRATOR", client=client)
    assert not found.allowed
    assert (found.steps[-1].name, found.steps[-1].ok) == ("authorized", False)
    assert "NOT allowed" in str(found)
    assert found.advice


@pytest.mark.parametrize(
    ("options", "said"),
    [({"issuer": "elsewhere"}, "elsewhere"), ({"lifetime": -100.0}, "EXPIRED"), ({"key": b"wrong" * 9}, "TOKEN")],
)
def test_tokens_that_do_not_work(pool, make_client, run, options, said):
    client = make_client(token=pool.token(**options), SEC_CLIENT_AUTHENTICATION="REQUIRED")
    found = run(explain_permission, f"<{pool.collector}>", "READ", client=client)
    assert not found.allowed
    assert said in str(found)
    assert any(step.name == "authenticated" and step.ok is False for step in found.steps)
    assert found.advice


def test_nobody_there(make_client, run, closed_port):
    found = run(explain_permission, f"<127.0.0.1:{closed_port}>", client=make_client(), timeout=5)
    assert not found.allowed
    assert (found.steps[-1].name, found.steps[-1].ok) == ("connected", False)
    assert "refused" in str(found)


def test_no_such_command(make_client, run):
    with pytest.raises(HTCondorEnumError):
        run(explain_permission, "<127.0.0.1:9618>", "NOTHING", client=make_client())
