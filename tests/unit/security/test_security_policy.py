"""Levels, lookups and what two policies come to."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from htcondor_async._security.policy import (
    Action,
    Level,
    SecurityPolicy,
    canonical_method,
    lookup,
    reconcile_levels,
    reconcile_lists,
)
from htcondor_async._security.settings import SecuritySettings
from htcondor_async.errors import ConfigError

# Rows and columns: REQUIRED, PREFERRED, OPTIONAL, NEVER.
TABLE = {
    Level.REQUIRED: "YES YES YES FAIL",
    Level.PREFERRED: "YES YES YES NO",
    Level.OPTIONAL: "YES YES NO NO",
    Level.NEVER: "FAIL NO NO NO",
}
ORDER = [Level.REQUIRED, Level.PREFERRED, Level.OPTIONAL, Level.NEVER]


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("REQUIRED", Level.REQUIRED),
        ("yes", Level.REQUIRED),
        ("True", Level.REQUIRED),
        ("p", Level.PREFERRED),
        ("optional", Level.OPTIONAL),
        (" never", Level.NEVER),
        ("FALSE", Level.NEVER),
    ],
)
def test_levels_are_read_by_their_first_letter(text: str, level: Level) -> None:
    assert Level.parse(text, "KNOB") is level


@pytest.mark.parametrize("text", ["", "  ", "maybe", "1"])
def test_other_levels_are_errors_that_name_the_knob(text: str) -> None:
    with pytest.raises(ConfigError, match="SEC_CLIENT_ENCRYPTION is"):
        Level.parse(text, "SEC_CLIENT_ENCRYPTION")


@pytest.mark.parametrize(("one", "other"), list(itertools.product(ORDER, ORDER)))
def test_levels_come_to_the_documented_table(one: Level, other: Level) -> None:
    assert reconcile_levels(one, other) is Action(TABLE[one].split()[ORDER.index(other)])


def test_lookup_goes_from_the_context_to_the_default() -> None:
    config = {
        "SEC_DEFAULT_ENCRYPTION": "REQUIRED",
        "SEC_CLIENT_INTEGRITY": "NEVER",
        "SEC_DEFAULT_INTEGRITY": "REQUIRED",
    }
    assert lookup(config, "ENCRYPTION", "CLIENT") == ("SEC_DEFAULT_ENCRYPTION", "REQUIRED")
    assert lookup(config, "INTEGRITY", "client") == ("SEC_CLIENT_INTEGRITY", "NEVER")
    assert lookup(config, "AUTHENTICATION", "CLIENT") is None
    assert lookup({"SEC_CLIENT_INTEGRITY": "  "} | config, "INTEGRITY", "READ") == ("SEC_DEFAULT_INTEGRITY", "REQUIRED")


def test_advertising_falls_back_to_daemon_first() -> None:
    config = {"SEC_DAEMON_AUTHENTICATION": "REQUIRED", "SEC_DEFAULT_AUTHENTICATION": "NEVER"}
    assert SecurityPolicy.from_config(config, "ADVERTISE_STARTD").authentication is Level.REQUIRED
    assert SecurityPolicy.from_config(config, "READ").authentication is Level.NEVER


def test_defaults() -> None:
    policy = SecurityPolicy.from_config({})
    assert (policy.authentication, policy.encryption, policy.integrity) == (Level.OPTIONAL,) * 3
    assert policy.negotiation is Level.PREFERRED and policy.negotiates
    assert policy.authentication_methods == ("FS", "TOKEN", "KERBEROS", "SCITOKENS", "SSL")
    assert policy.crypto_methods == ("AES", "BLOWFISH", "3DES")
    assert (policy.session_duration, policy.session_lease, policy.authentication_timeout) == (60, 3600, 20.0)
    assert SecurityPolicy.from_config({}, daemon=True).session_duration == 86400


def test_methods_that_cannot_be_had_are_kept_and_named() -> None:
    """A configuration that is shared with Windows names NTSSPI; that alone is no error."""
    policy = SecurityPolicy.from_config({"SEC_CLIENT_AUTHENTICATION_METHODS": "NTSSPI, FS, KERBEROS"})
    assert policy.authentication_methods == ("NTSSPI", "FS", "KERBEROS")
    assert policy.unsupported == (("NTSSPI", "not supported by this package; it exists on Windows only"),)
    assert SecurityPolicy(authentication_methods=("FS", "TELEPATHY")).unsupported == (
        ("TELEPATHY", "not a method of HTCondor"),
    )


def test_values_are_read() -> None:
    policy = SecurityPolicy.from_config(
        {
            "SEC_CLIENT_AUTHENTICATION_METHODS": "idtokens, FS scitoken,IDTOKENS",
            "SEC_DEFAULT_CRYPTO_METHODS": "AES,TRIPLEDES",
            "SEC_DEFAULT_SESSION_DURATION": "7",
            "SEC_CLIENT_SESSION_LEASE": "0",
            "SEC_DEFAULT_AUTHENTICATION_TIMEOUT": "3",
            "SEC_CLIENT_NEGOTIATION": "OPTIONAL",
        }
    )
    assert policy.authentication_methods == ("TOKEN", "FS", "SCITOKENS")
    assert policy.crypto_methods == ("AES", "3DES")
    assert (policy.session_duration, policy.session_lease, policy.authentication_timeout) == (7, 0, 3.0)
    assert not policy.negotiates


@pytest.mark.parametrize(
    ("knob", "value"),
    [
        ("SEC_CLIENT_AUTHENTICATION_METHODS", "FS, PASWORD"),
        ("SEC_CLIENT_CRYPTO_METHODS", "ROT13"),
        ("SEC_DEFAULT_SESSION_DURATION", "soon"),
        ("SEC_DEFAULT_SESSION_LEASE", "-1"),
        ("SEC_DEFAULT_SESSION_LEASE", "99999999999"),
        ("SEC_DEFAULT_INTEGRITY", "sometimes"),
    ],
)
def test_wrong_values_are_named(knob: str, value: str) -> None:
    with pytest.raises(ConfigError, match=knob):
        SecurityPolicy.from_config({knob: value})


@pytest.mark.parametrize(
    ("knob", "value"), [("SEC_TOKEN_MAX_AGE", "old"), ("SEC_FS_ENFORCE_CHANNEL_BINDING", "perhaps")]
)
def test_wrong_settings_are_named(knob: str, value: str) -> None:
    with pytest.raises(ConfigError, match=knob):
        SecuritySettings.from_config({knob: value})


def test_settings_are_read() -> None:
    settings = SecuritySettings.from_config(
        {"UID_DOMAIN": "example.org", "SEC_FS_ENFORCE_CHANNEL_BINDING": "False", "SEC_PASSWORD_DIRECTORY": "/p"}
    )
    assert settings.trust_domain == "example.org"
    assert not settings.fs_enforce_channel_binding
    assert settings.password_file == settings.pool_signing_key_file == "/p/POOL"


@given(*(st.sampled_from(Level) for _ in range(4)))
def test_levels_are_made_consistent(
    authentication: Level, encryption: Level, integrity: Level, negotiation: Level
) -> None:
    try:
        policy = SecurityPolicy(authentication, encryption, integrity, negotiation)
    except ConfigError:
        crypto = max(encryption, integrity)
        assert (authentication is Level.NEVER and crypto is Level.REQUIRED) or (
            negotiation is Level.NEVER and Level.REQUIRED in (authentication, encryption, integrity)
        )
        return
    assert policy.authentication is authentication, "the newer level is sent as it is configured"
    assert policy.legacy_authentication >= max(policy.encryption, policy.integrity)
    assert policy.negotiation >= policy.legacy_authentication
    assert Level.REQUIRED not in (encryption, integrity) or policy.legacy_authentication is Level.REQUIRED


def test_no_cipher_means_no_encryption() -> None:
    policy = SecurityPolicy(encryption=Level.PREFERRED, crypto_methods=())
    assert policy.encryption is policy.integrity is Level.NEVER
    with pytest.raises(ConfigError, match="CRYPTO_METHODS"):
        SecurityPolicy(encryption=Level.REQUIRED, crypto_methods=())


def test_method_lists_keep_the_servers_order_and_the_clients_spelling() -> None:
    assert reconcile_lists(["IDTOKENS", "FS", "SSL"], ["ssl", "Fs", "TOKEN"]) == ("TOKEN", "Fs", "ssl")
    assert reconcile_lists(["TOKEN"], ["IDTOKENS"]) == (), "only the server's aliases are known"
    assert reconcile_lists(["FS"], ["FS", "fs"]) == ("FS", "fs")


@pytest.mark.parametrize("name", ["TOKENS", "idtoken", "IdTokens", " token "])
def test_aliases(name: str) -> None:
    assert canonical_method(name) == "TOKEN"
