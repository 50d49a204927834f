"""The configuration of the authentication methods, read once."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from htcondor_async._security.ads import split_list
from htcondor_async._security.effects import TlsSettings, TrustDecision
from htcondor_async._security.kerberos import DEFAULT_SERVICE
from htcondor_async.errors import ConfigError

__all__ = ["SecuritySettings"]

_TRUTH = {"true": True, "yes": True, "t": True, "y": True, "1": True}
_TRUTH.update({"false": False, "no": False, "f": False, "n": False, "0": False})


def _truth(config: Mapping[str, str], knob: str, default: bool) -> bool:
    text = (config.get(knob) or "").strip().lower()
    if not text:
        return default
    if text not in _TRUTH:
        raise ConfigError(f"{knob} is {text!r}; expected true or false")
    return _TRUTH[text]


def _text(config: Mapping[str, str], knob: str) -> str | None:
    return (config.get(knob) or "").strip() or None


@attrs.frozen
class SecuritySettings:
    """What the methods are told beside the policy. The names are those of the knobs.

    Parameters
    ----------
    trust_domain
        Issuer of this pool's tokens.
    uid_domain
        Domain of users that a method knows by name only.
    fs_local_dir, fs_remote_dir
        Where FS and FS_REMOTE make their directories.
    fs_enforce_channel_binding
        Refuse directory names that do not bind the connection. Daemons of 23.x need it off.
    claimtobe_user, claimtobe_include_domain
        The name CLAIMTOBE claims, and whether with a domain.
    token_directory, token_system_directory
        Where tokens are looked for; without the first, in ``~/.condor/tokens.d``.
    password_directory, password_file, pool_signing_key_file, pool_signing_key_is_password
        Where signing keys and the pool password are.
    client_tls, server_tls
        Settings of SSL and SCITOKENS for both roles.
    skip_host_check
        Whether a client of SSL accepts a certificate of another host.
    known_hosts, system_known_hosts
        Files of hosts whose certificates are trusted one by one: the first for everybody if it is set; else the second
        for processes of root, and ``~/.condor/known_hosts`` for others.
    bootstrap_trust
        Trust, at the first contact, a certificate that no authority answers for, and remember it.
    trust_server
        Decides that instead, host by host; nobody is asked at a terminal.
    scitokens_file
        File of the token that SCITOKENS presents.
    scitokens_audiences
        Names of a server in bearer tokens that are made for it alone.
    map_file, map_file_literal
        Where a server looks up who an authenticated name is, and whether names there are literal ones.
    token_max_age
        SEC_TOKEN_MAX_AGE in seconds, None for no limit.
    kerberos_service, kerberos_server_principal, kerberos_server_user
        The service that clients ask tickets for, and which principals are the daemons' own user.
    kerberos_client_keytab, kerberos_server_keytab
        Where keys are read from; a client does without, a server has the system's own keytab.
    kerberos_map_file
        File of the realms that are let in, and their domains; without it every realm is a domain.
    authentication_ip_check
        Whether a server refuses a ticket that is limited to other addresses than the client's.
    """

    trust_domain: str | None = None
    uid_domain: str | None = None
    fs_local_dir: str = "/tmp"
    fs_remote_dir: str = "/tmp"
    fs_enforce_channel_binding: bool = True
    fs_root_to_condor: bool = True
    claimtobe_user: str | None = None
    claimtobe_include_domain: bool = True
    token_directory: str | None = None
    token_system_directory: str | None = "/etc/condor/tokens.d"
    password_directory: str | None = "/etc/condor/passwords.d"
    password_file: str | None = "/etc/condor/passwords.d/POOL"
    pool_signing_key_file: str | None = "/etc/condor/passwords.d/POOL"
    pool_signing_key_is_password: bool = False
    client_tls: TlsSettings = attrs.field(factory=lambda: TlsSettings(server=False))
    server_tls: TlsSettings | None = None
    skip_host_check: bool = False
    known_hosts: str | None = None
    system_known_hosts: str = "/etc/condor/known_hosts"
    bootstrap_trust: bool = False
    trust_server: TrustDecision | None = attrs.field(default=None, repr=False)
    scitokens_file: str | None = None
    scitokens_audiences: tuple[str, ...] = ()
    map_file: str | None = None
    map_file_literal: bool = False
    token_max_age: float | None = None
    kerberos_service: str = DEFAULT_SERVICE
    kerberos_server_principal: str | None = None
    kerberos_server_user: str | None = None
    kerberos_client_keytab: str | None = None
    kerberos_server_keytab: str | None = None
    kerberos_map_file: str | None = None
    authentication_ip_check: bool = True

    @classmethod
    def from_config(cls, config: Mapping[str, str]) -> SecuritySettings:
        """Read the settings from expanded values by knob, upper case.

        Raises
        ------
        ConfigError
            A value cannot be read.
        """
        uid_domain = _text(config, "UID_DOMAIN")
        directory = _text(config, "SEC_PASSWORD_DIRECTORY") or "/etc/condor/passwords.d"
        password_file = _text(config, "SEC_PASSWORD_FILE") or f"{directory}/POOL"
        age = _text(config, "SEC_TOKEN_MAX_AGE")
        if age is not None and not age.lstrip("-").isdigit():
            raise ConfigError(f"SEC_TOKEN_MAX_AGE is {age!r}; expected a number of seconds")
        server_certificate = _text(config, "AUTH_SSL_SERVER_CERTFILE")
        return cls(
            trust_domain=_text(config, "TRUST_DOMAIN") or uid_domain,
            uid_domain=uid_domain,
            fs_local_dir=_text(config, "FS_LOCAL_DIR") or "/tmp",
            fs_remote_dir=_text(config, "FS_REMOTE_DIR") or "/tmp",
            fs_enforce_channel_binding=_truth(config, "SEC_FS_ENFORCE_CHANNEL_BINDING", True),
            fs_root_to_condor=_truth(config, "FS_ROOT_TO_CONDOR", True),
            claimtobe_user=_text(config, "SEC_CLAIMTOBE_USER"),
            claimtobe_include_domain=_truth(config, "SEC_CLAIMTOBE_INCLUDE_DOMAIN", True),
            token_directory=_text(config, "SEC_TOKEN_DIRECTORY"),
            token_system_directory=_text(config, "SEC_TOKEN_SYSTEM_DIRECTORY") or "/etc/condor/tokens.d",
            password_directory=directory,
            password_file=password_file,
            pool_signing_key_file=_text(config, "SEC_TOKEN_POOL_SIGNING_KEY_FILE") or password_file,
            pool_signing_key_is_password=_truth(config, "SEC_TOKEN_POOL_SIGNING_KEY_IS_PASSWORD", False),
            client_tls=TlsSettings(
                server=False,
                certificate_file=_text(config, "AUTH_SSL_CLIENT_CERTFILE"),
                key_file=_text(config, "AUTH_SSL_CLIENT_KEYFILE"),
                ca_file=_text(config, "AUTH_SSL_CLIENT_CAFILE"),
                ca_directory=_text(config, "AUTH_SSL_CLIENT_CADIR"),
                default_authorities=_truth(config, "AUTH_SSL_CLIENT_USE_DEFAULT_CAS", True),
            ),
            server_tls=None
            if server_certificate is None
            else TlsSettings(
                server=True,
                certificate_file=server_certificate,
                key_file=_text(config, "AUTH_SSL_SERVER_KEYFILE"),
                ca_file=_text(config, "AUTH_SSL_SERVER_CAFILE"),
                ca_directory=_text(config, "AUTH_SSL_SERVER_CADIR"),
                default_authorities=_truth(config, "AUTH_SSL_SERVER_USE_DEFAULT_CAS", True),
                verify=_truth(config, "AUTH_SSL_REQUIRE_CLIENT_CERTIFICATE", False),
            ),
            skip_host_check=_truth(config, "SSL_SKIP_HOST_CHECK", False),
            known_hosts=_text(config, "SEC_KNOWN_HOSTS"),
            system_known_hosts=_text(config, "SEC_SYSTEM_KNOWN_HOSTS") or "/etc/condor/known_hosts",
            bootstrap_trust=_truth(config, "BOOTSTRAP_SSL_SERVER_TRUST", False),
            scitokens_file=_text(config, "SCITOKENS_FILE"),
            scitokens_audiences=tuple(split_list(_text(config, "SCITOKENS_SERVER_AUDIENCE") or "")),
            map_file=_text(config, "CERTIFICATE_MAPFILE"),
            map_file_literal=_truth(config, "CERTIFICATE_MAPFILE_ASSUME_HASH_KEYS", False),
            token_max_age=float(age) if age is not None and int(age) > 0 else None,
            kerberos_service=_text(config, "KERBEROS_SERVER_SERVICE") or DEFAULT_SERVICE,
            kerberos_server_principal=_text(config, "KERBEROS_SERVER_PRINCIPAL"),
            kerberos_server_user=_text(config, "KERBEROS_SERVER_USER"),
            kerberos_client_keytab=_text(config, "KERBEROS_CLIENT_KEYTAB"),
            kerberos_server_keytab=_text(config, "KERBEROS_SERVER_KEYTAB"),
            kerberos_map_file=_text(config, "KERBEROS_MAP_FILE"),
            authentication_ip_check=not _truth(config, "DISABLE_AUTHENTICATION_IP_CHECK", False),
        )
