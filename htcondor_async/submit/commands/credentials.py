"""X.509 proxies, SciTokens, OAuth services, and the ports of container services."""

from __future__ import annotations

import re

import attrs

from htcondor_async.submit.job import JobBuilder
from htcondor_async.submit.macros import MacroTable
from htcondor_async.submit.problems import SubmitError
from htcondor_async.submit.settings import Settings
from htcondor_async.submit.values import parse_bool
from htcondor_async.submit.words import split_list

__all__ = [
    "OAuthRequest",
    "oauth_requests",
    "oauth_services",
    "set_container_services",
    "set_oauth",
    "set_scitokens",
    "set_x509_proxy",
]

_LIFETIME = re.compile(r"\s*[+-]?\d{1,18}")
_OAUTH = re.compile(r"_oauth_(permissions|resource|options)", re.IGNORECASE)


def set_x509_proxy(job: JobBuilder) -> None:
    """Write the path of the job's X.509 proxy, after looking at it."""
    name = job.param("x509userproxy")
    wanted = job.bool_param("use_x509userproxy")
    if name is None and wanted:
        name = job.environment.environ.get("X509_USER_PROXY")
        if name is None:
            user = job.environment.current_user()
            if user is None:
                raise job.error("the X.509 proxy cannot be found", "use_x509userproxy", "true", "x509userproxy = file")
            name = f"/tmp/x509up_u{user.uid}"
    if name is not None:
        path = job.full_path(name)
        _check_proxy(job, path)
        job.set("x509userproxy", path)
    text = job.param("delegate_job_gsi_credentials_lifetime", "DelegateJobGSICredentialsLifetime")
    if text is not None:
        if _LIFETIME.fullmatch(text) is None:
            key = "delegate_job_gsi_credentials_lifetime"
            raise job.error(f"invalid integer setting {key} = {text}", key, text, "seconds")
        job.set("DelegateJobGSICredentialsLifetime", int(text))


def _check_proxy(job: JobBuilder, path: str) -> None:
    expected = "a proxy certificate with its key"
    try:
        data = job.environment.read_file(path)
    except OSError as error:
        raise job.error(
            f"unable to read proxy file {path}: {error.strerror or error}", "x509userproxy", path, expected
        ) from error
    expiration = _expiration(data)
    if expiration is None:
        raise job.error(f"unable to read proxy file {path}: it is no proxy", "x509userproxy", path, expected)
    if expiration < job.qdate:
        raise job.error(f"proxy {path} has expired", "x509userproxy", path)
    if expiration < job.qdate + job.settings.integer("CRED_MIN_TIME_LEFT", 120):
        raise job.error(f"proxy lifetime too short: {path} ends in {expiration - job.qdate} s", "x509userproxy", path)


def _expiration(data: bytes) -> int | None:
    """Return when the first certificate of a chain to end does so, or None if this is no chain with a key."""
    from cryptography import x509

    if b"PRIVATE KEY" not in data:
        return None
    try:
        certificates = x509.load_pem_x509_certificates(data)
    except ValueError:
        return None
    ends = []
    for certificate in certificates:
        end = getattr(certificate, "not_valid_after_utc", None)
        if end is None:
            import datetime

            end = certificate.not_valid_after.replace(tzinfo=datetime.timezone.utc)
        ends.append(int(end.timestamp()))
    return min(ends)


def set_scitokens(job: JobBuilder) -> None:
    """Write the path of the job's token file."""
    use = job.param("use_scitokens", "use_scitoken")
    name = job.param("scitokens_file", "ScitokensFile")
    variable = job.environment.environ.get("BEARER_TOKEN_FILE")
    wanted: bool | None = name is not None
    if use is not None:
        wanted = bool(name or variable) if use.lower() == "auto" else parse_bool(use)
        if wanted is None:
            raise job.error(f"use_scitokens={use} is invalid", "use_scitokens", use, "true, false, or auto")
    if not wanted:
        return
    name = name if name is not None else variable
    if name is None:
        raise job.error(
            "there is no token file", "use_scitokens", use, "scitokens_file, or the variable BEARER_TOKEN_FILE"
        )
    job.set("ScitokensFile", job.full_path(name))


def oauth_services(macros: MacroTable) -> list[str]:
    """Return the services that a description needs tokens of, as ``service`` or ``service*handle``, sorted."""
    raw = macros.lookup("use_oauth_services")
    if raw is None:
        raw = macros.lookup("UseOAuthServices")
    text = macros.expand(raw) if raw else ""
    enabled = {name.lower(): name for name in reversed(split_list(text))}
    names: dict[str, str] = {}
    with_handles = set()
    for key in macros:
        match = None if key.lower().startswith("my.") else _OAUTH.search(key)
        if match is None or not enabled:
            continue
        service = key[: match.start()]
        if service.lower() not in enabled:
            continue
        macros.used.add(key.lower())
        if key[match.end() :]:
            with_handles.add(service.lower())
            service += "*" + key[match.end() + 1 :]
        names.setdefault(service.lower(), service)
    for lower, name in enabled.items():
        if lower not in with_handles:
            names.setdefault(lower, name)
    return [names[lower] for lower in sorted(names)]


@attrs.frozen
class OAuthRequest:
    """One token that a job needs: service, handle, scopes, audience and options; "" for what is not asked."""

    service: str
    handle: str
    scopes: str
    audience: str
    options: str


def oauth_requests(macros: MacroTable, settings: Settings) -> list[OAuthRequest]:
    """Return the tokens that a description needs.

    Raises
    ------
    SubmitError
        The configuration of a service wants a key that the description does not have.
    """
    found = []
    for name in oauth_services(macros):
        service, _, handle = name.partition("*")
        values = []
        for part, setting in (("PERMISSIONS", "SCOPES"), ("RESOURCE", "AUDIENCE"), ("OPTIONS", "OPTIONS")):
            key = f"{service}_OAUTH_{part}" + (f"_{handle}" if handle else "")
            raw = macros.lookup(key)
            value = macros.expand(raw) if raw else ""
            if not value:
                if (settings.get(f"{service}_USER_DEFINE_{setting}") or "").startswith("R"):
                    raise SubmitError(f"the OAuth service {service} needs {key}", key=key)
                value = settings.get(f"{service}_DEFAULT_{setting}") or ""
            values.append(value)
        found.append(OAuthRequest(service, handle, *values))
    return found


def set_oauth(job: JobBuilder) -> None:
    """Write OAuthServicesNeeded."""
    if job.param("use_oauth_services", "UseOAuthServices") is not None:
        job.set("OAuthServicesNeeded", ",".join(oauth_services(job.macros)))


def set_container_services(job: JobBuilder) -> None:
    """Write the services of a container and their ports."""
    if not (job.is_docker or job.is_container):
        return
    names = job.copy_string("ContainerServiceNames", "container_service_names", "ContainerServiceNames")
    for name in split_list(names or ""):
        key = f"{name}_container_port"
        port = job.int_param(key, narrow=True)
        if port is None or not 0 <= port <= 65535:
            raise job.error(
                f"container service '{name}' has no valid port",
                key,
                None if port is None else str(port),
                f"{key} = 0 to 65535",
            )
        job.set(f"{name}_ContainerPort", port)
