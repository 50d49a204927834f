"""Tokens and their files: parsing, signing, choosing."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from htcondor_async._secret import Secret
from htcondor_async._security.credentials import (
    CallableTokens,
    Credentials,
    ExplicitTokens,
    SigningKeys,
    TokenDirectory,
    TokenFile,
)
from htcondor_async._security.settings import SecuritySettings
from htcondor_async._security.tokens import (
    descramble,
    describe_time,
    mint,
    parse_token,
    password_in,
    pool_signing_key,
    sign,
    verify,
    why_not,
)
from htcondor_async.errors import HTCondorException, HTCondorValueError
from tests.helpers.security_world import KEY, KEYS, NOW, TOKENS, File, Machine, Side, give_pool_key, give_token


def run(steps: object, machine: Machine, uid: int = 1000) -> object:
    side = Side(steps, machine, uid)  # type: ignore[arg-type]
    side.step()
    if side.error is not None:
        raise side.error
    assert side.done
    return side.result


def select(machine: Machine, credentials: Credentials, **fields: object) -> object:
    values = {"trust_domain": "testpool", "issuer_keys": ("POOL",), "now": NOW, **fields}
    return credentials.choose(run(credentials.all_tokens(), machine), **values)  # type: ignore[arg-type]


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("claims", [{}, {"sub": "a@b", "exp": 5, "scope": "condor:/READ"}])
def test_a_signed_token_is_read_back_and_verified(algorithm: str, claims: dict[str, object]) -> None:
    token = sign(claims, KEY, algorithm=algorithm)
    again = parse_token(token.text(), "x")
    assert again.claims == claims and again.algorithm == algorithm
    assert verify(again, KEY) and not verify(again, Secret(b"other"))


def test_unknown_algorithms_are_refused() -> None:
    with pytest.raises(HTCondorValueError, match="RS256"):
        sign({}, KEY, algorithm="RS256")


@given(st.text(max_size=200) | st.binary(max_size=100).map(lambda b: base64.urlsafe_b64encode(b).decode() + ".e30.e30"))
def test_anything_else_is_a_clear_error_without_the_text(text: str) -> None:
    marker = "SECRETMARKER" + text
    try:
        parse_token(Secret(marker), "the file")
    except HTCondorValueError as error:
        assert "SECRETMARKER" not in str(error) and "the file" in str(error)
    else:
        raise AssertionError("a header that is no JSON was accepted")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "1 parts"),
        ("a.b", "2 parts"),
        ("a.b.c.d", "4 parts"),
        ("!.e30.e30", "base64url"),
        ("W10.e30.e30", "not a JSON object"),
        ("e30.W10.e30", "not a JSON object"),
        ("e30.e30.", "no signature"),
        ("e30.e30.a", "base64url"),
        ("x" * 70_000, "65536 are allowed"),
    ],
)
def test_malformed_tokens(text: str, match: str) -> None:
    with pytest.raises(HTCondorValueError, match=match):
        parse_token(Secret(text))


@pytest.mark.parametrize("exp", [1e999, float("nan"), 10**400, "soon", True, None])
def test_strange_expiries(exp: object) -> None:
    payload = base64.urlsafe_b64encode(json.dumps({"exp": exp}).encode()).rstrip(b"=").decode()
    try:
        token = parse_token(Secret(f"e30.{payload}.e30"))
    except HTCondorValueError:
        return
    assert isinstance(token.expired(NOW), bool)
    assert describe_time(token.expires or 0)


def test_mint() -> None:
    token = mint(
        KEY, issuer="pool", subject="a@b", now=NOW, token_id="ff", lifetime=60, scopes=("READ", "condor:/WRITE")
    )
    assert token.claims == {
        "iat": int(NOW),
        "iss": "pool",
        "jti": "ff",
        "sub": "a@b",
        "exp": int(NOW) + 60,
        "scope": "condor:/READ condor:/WRITE",
    }
    assert token.expired(NOW + 60) and not token.expired(NOW + 59)


def test_what_a_server_refuses() -> None:
    good = {"issuer": "p", "subject": "a", "now": NOW, "token_id": "1"}
    assert why_not(mint(KEY, **good), now=NOW) is None  # type: ignore[arg-type]
    assert "no issuer" in str(why_not(mint(KEY, **{**good, "issuer": ""}), now=NOW))  # type: ignore[arg-type]
    assert "older" in str(why_not(mint(KEY, **good), now=NOW + 100, max_age=99))  # type: ignore[arg-type]


@given(st.binary(max_size=300))
def test_scrambling_is_its_own_inverse(data: bytes) -> None:
    assert descramble(descramble(Secret(data))).reveal() == data


def test_keys_in_files() -> None:
    machine = Machine()
    give_pool_key(machine, Secret(b"abc\0def"))
    machine.files[f"{KEYS}/OTHER"] = File(descramble(Secret(b"xyz")).reveal())
    machine.files[f"{KEYS}/.hidden"] = File(b"x")
    keys = SigningKeys(KEYS, f"{KEYS}/POOL")
    assert run(keys.names(), machine) == ("POOL", "OTHER")
    assert run(keys.key("POOL"), machine) == Secret(b"abc\0defabc\0def")
    assert run(keys.key("OTHER"), machine) == Secret(b"xyz")
    for name in ("MISSING", "../POOL", ".hidden", "a/b", "", "x" * 300):
        assert run(keys.key(name), machine) is None
    assert pool_signing_key(descramble(Secret(b"abc\0def")), is_password=True).reveal() == b"abcabc"
    nul_in_file = Secret(descramble(Secret(b"abcd")).reveal() + b"\0" + b"more")
    assert pool_signing_key(nul_in_file, is_password=True).reveal() == b"abcdabcd"
    assert len(pool_signing_key(nul_in_file).reveal()) == 2 * 9
    assert password_in(nul_in_file).reveal() == b"abcd"


def test_order_of_the_sources() -> None:
    machine = Machine()
    for name in ("b", "a", "TOOL_auto_generated_token", "z~", "c.rpmsave", ".d", "#e"):
        give_token(machine, name, token_id=f"{name:0>32}")
    given_token = mint(Secret(KEY.reveal() * 2), issuer="testpool", subject="a", now=NOW, token_id="given").text()
    credentials = Credentials.from_settings(SecuritySettings(), tokens=(ExplicitTokens((given_token,)),))
    found = run(credentials.all_tokens(), machine)
    names = [token.token_id.lstrip("0") for token in found.tokens]  # type: ignore[attr-defined]
    assert names == ["given", "TOOL_auto_generated_token", "a", "b"]


def test_root_reads_the_tokens_of_the_system() -> None:
    machine = Machine()
    give_token(machine, "mine")
    machine.files["/etc/condor/tokens.d/system"] = File(machine.files[f"{TOKENS}/mine"].content, uid=0)
    found = run(Credentials.from_settings(SecuritySettings()).all_tokens(), machine, 0)
    assert [token.origin for token in found.tokens] == ["/etc/condor/tokens.d/system"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"uid": 1001}, "belongs to user number 1001"),
        ({"mode": 0o644}, "is open to others (mode 644)"),
        ({"content": b"# nothing\n"}, "contains no token"),
        ({"content": b"nonsense\n"}, "parts between dots"),
    ],
)
def test_files_that_are_passed_over_have_a_reason(change: dict[str, object], reason: str) -> None:
    machine = Machine()
    give_token(machine)
    for name, value in change.items():
        setattr(machine.files[f"{TOKENS}/pool"], name, value)
    selection = select(machine, Credentials((TokenDirectory("~/.condor/tokens.d"),)))
    assert selection.token is None  # type: ignore[attr-defined]
    ((origin, said),) = selection.reasons  # type: ignore[attr-defined]
    assert origin == f"{TOKENS}/pool" and reason in said


def test_a_file_may_hold_several_tokens() -> None:
    machine = Machine()
    other = give_token(machine, issuer="other")
    mine = give_token(machine)
    machine.files[f"{TOKENS}/pool"].content = f"# tokens\n{other}\n\n{mine}\n".encode()
    selection = select(machine, Credentials((TokenDirectory("~/.condor/tokens.d"),)))
    assert selection.token.issuer == "testpool"  # type: ignore[attr-defined]


def test_an_unchanged_file_is_not_read_again_and_a_replaced_one_is() -> None:
    machine = Machine()
    give_token(machine)
    credentials = Credentials((TokenDirectory("~/.condor/tokens.d"), TokenFile(f"{TOKENS}/pool")))
    select(machine, credentials)
    select(machine, credentials)
    assert machine.reads == 2
    give_token(machine, token_id="ef" * 16)
    machine.files[f"{TOKENS}/pool"].mtime = 2
    assert select(machine, credentials).token.token_id == "ef" * 16  # type: ignore[attr-defined]
    assert machine.reads == 4
    del machine.files[f"{TOKENS}/pool"]
    assert select(machine, credentials).token is None  # type: ignore[attr-defined]


def test_a_function_gives_tokens() -> None:
    machine = Machine()
    text = give_token(machine)
    for given_value in (text, Secret(text)):
        selection = select(machine, Credentials((CallableTokens(lambda value=given_value: value),)))
        assert selection.token.subject == "alice@testpool"  # type: ignore[attr-defined]
    for bad, reason in ((None, "gave no token"), (5, "gave a int instead of a token")):
        selection = select(machine, Credentials((CallableTokens(lambda value=bad: value),)))  # type: ignore[misc,arg-type]
        assert selection.reasons == (("the application's token provider", reason),)  # type: ignore[attr-defined]


def test_what_a_function_raises_comes_out() -> None:
    def fail() -> str:
        raise HTCondorException("the vault is closed")

    with pytest.raises(HTCondorException, match="vault"):
        select(Machine(), Credentials((CallableTokens(fail),)))


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({}, True),
        ({"trust_domain": None, "issuer_keys": ()}, True),
        ({"trust_domain": "other"}, False),
        ({"issuer_keys": ("OTHER",)}, False),
        ({"issuer_keys": ("OTHER", "POOL")}, True),
    ],
)
def test_a_token_must_fit_the_daemon(fields: dict[str, object], found: bool) -> None:
    machine = Machine()
    give_token(machine)
    selection = select(machine, Credentials((TokenDirectory("~/.condor/tokens.d"),)), **fields)
    assert (selection.token is not None) is found  # type: ignore[attr-defined]
