"""Security policies: what one side wants, and what two sides agree on.

Levels and their lookups follow ``condor_io/condor_secman.cpp``. A policy exists twice in the first message: in the
spelling of servers before 23.10, where authentication is raised to the level of encryption and integrity, and in the
newer one, where encryption does without authentication.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence

import attrs

from htcondor_async._security.ads import split_list
from htcondor_async.errors import ConfigError, SecurityError

__all__ = [
    "Agreement",
    "Level",
    "SecurityPolicy",
    "canonical_method",
    "lookup",
    "reconcile",
    "reconcile_levels",
    "reconcile_lists",
    "unsupported_method",
]

DEFAULT_METHODS = ("FS", "TOKEN", "KERBEROS", "SCITOKENS", "SSL")
DEFAULT_CRYPTO = ("AES", "BLOWFISH", "3DES")
SUPPORTED_CRYPTO = frozenset(DEFAULT_CRYPTO)
"""Ciphers this package speaks."""

_ALIASES = {
    "TOKENS": "TOKEN",
    "IDTOKEN": "TOKEN",
    "IDTOKENS": "TOKEN",
    "SCITOKEN": "SCITOKENS",
    "TRIPLEDES": "3DES",
}
_UNSUPPORTED = {
    "NTSSPI": "not supported by this package; it exists on Windows only",
    "GSI": "not supported by this package; HTCondor has taken it out",
}
_KNOWN_METHODS = frozenset(
    {
        "CLAIMTOBE",
        "FS",
        "FS_REMOTE",
        "NTSSPI",
        "GSI",
        "KERBEROS",
        "ANONYMOUS",
        "SSL",
        "PASSWORD",
        "MUNGE",
        "TOKEN",
        "SCITOKENS",
    }
)


class Level(enum.IntEnum):
    """How much one side wants a protection; ordered by strength."""

    NEVER = 0
    OPTIONAL = 1
    PREFERRED = 2
    REQUIRED = 3

    @classmethod
    def parse(cls, text: str, where: str) -> Level:
        """Read a level as HTCondor does, by its first letter.

        Parameters
        ----------
        text
            The word, as ``"required"`` or ``"true"``.
        where
            The knob or attribute it comes from, for the error.

        Raises
        ------
        ConfigError
            The word begins with none of R, Y, T, P, O, N, F.
        """
        letter = text.strip()[:1].upper()
        for letters, level in (("RYT", cls.REQUIRED), ("P", cls.PREFERRED), ("O", cls.OPTIONAL), ("NF", cls.NEVER)):
            if letter and letter in letters:
                return level
        raise ConfigError(f"{where} is {text!r}; expected REQUIRED, PREFERRED, OPTIONAL or NEVER")


def canonical_method(name: str) -> str:
    """Return the name of a method as it must stand in a negotiation; ``IDTOKENS`` becomes ``TOKEN``."""
    upper = name.strip().upper()
    return _ALIASES.get(upper, upper)


def unsupported_method(name: str) -> str | None:
    """Return why a method cannot be had here, None for one that can."""
    name = canonical_method(name)
    return _UNSUPPORTED.get(name, None if name in _KNOWN_METHODS else "not a method of HTCondor")


def _fallbacks(context: str) -> tuple[str, ...]:
    parents = ("DAEMON",) if context.startswith("ADVERTISE_") else ()
    return (context, *parents, "DEFAULT")


def lookup(config: Mapping[str, str], name: str, context: str) -> tuple[str, str] | None:
    """Return the knob and value that hold for ``SEC_<context>_<name>``, or None.

    Parameters
    ----------
    config
        Expanded configuration; knobs are asked for in upper case.
    name
        As ``"AUTHENTICATION"``.
    context
        As ``"CLIENT"`` or, for a server, the permission level of a command.
    """
    for candidate in _fallbacks(context.upper()):
        knob = f"SEC_{candidate}_{name}"
        value = config.get(knob)
        if value is not None and value.strip():
            return knob, value.strip()
    return None


def _level(config: Mapping[str, str], name: str, context: str, default: Level) -> Level:
    found = lookup(config, name, context)
    return default if found is None else Level.parse(found[1], found[0])


def _seconds(config: Mapping[str, str], name: str, context: str, default: int) -> int:
    found = lookup(config, name, context)
    if found is None:
        return default
    try:
        value = int(found[1])
    except ValueError:
        raise ConfigError(f"{found[0]} is {found[1]!r}; expected a number of seconds") from None
    if not 0 <= value < 1 << 31:
        raise ConfigError(f"{found[0]} is {value}; expected a number of seconds from 0 to 2147483647")
    return value


def _raise(own: Level, other: Level, own_name: str, other_name: str) -> tuple[Level, Level]:
    """Make two levels consistent where the second protection needs the first one."""
    if own is Level.NEVER and other is Level.REQUIRED:
        raise ConfigError(f"the security policy contradicts itself: {own_name} is NEVER but {other_name} is REQUIRED")
    if own is Level.NEVER:
        return own, Level.NEVER
    return max(own, other), other


@attrs.frozen
class SecurityPolicy:
    """What one side wants of its connections.

    Parameters
    ----------
    authentication, encryption, integrity, negotiation
        Levels as configured.
    authentication_methods
        Canonical names in order of preference; the order counts at a server only.
    crypto_methods
        Ciphers this side is willing and able to use.
    session_duration, session_lease
        Seconds a session lives at most, and unused; a lease of 0 is none.
    authentication_timeout
        Seconds the authentication may take.
    """

    authentication: Level = Level.OPTIONAL
    encryption: Level = Level.OPTIONAL
    integrity: Level = Level.OPTIONAL
    negotiation: Level = Level.PREFERRED
    authentication_methods: tuple[str, ...] = DEFAULT_METHODS
    crypto_methods: tuple[str, ...] = DEFAULT_CRYPTO
    session_duration: int = 60
    session_lease: int = 3600
    authentication_timeout: float = 20.0
    legacy_authentication: Level = attrs.field(init=False, default=Level.OPTIONAL)

    def __attrs_post_init__(self) -> None:
        legacy, encryption = _raise(self.authentication, self.encryption, "AUTHENTICATION", "ENCRYPTION")
        legacy, integrity = _raise(legacy, self.integrity, "AUTHENTICATION", "INTEGRITY")
        negotiation = self.negotiation
        for name, level in (("AUTHENTICATION", legacy), ("ENCRYPTION", encryption), ("INTEGRITY", integrity)):
            negotiation, lowered = _raise(negotiation, level, "NEGOTIATION", name)
            if name == "ENCRYPTION":
                encryption = lowered
            elif name == "INTEGRITY":
                integrity = lowered
            else:
                legacy = lowered
        if not self.crypto_methods:
            for name, level in (("ENCRYPTION", encryption), ("INTEGRITY", integrity)):
                if level is Level.REQUIRED:
                    raise ConfigError(
                        f"{name} is REQUIRED but CRYPTO_METHODS names no cipher of "
                        f"{', '.join(sorted(SUPPORTED_CRYPTO))}"
                    )
            encryption = integrity = Level.NEVER
        for field, value in (
            ("encryption", encryption),
            ("integrity", integrity),
            ("negotiation", negotiation),
            ("legacy_authentication", legacy),
        ):
            object.__setattr__(self, field, value)

    @property
    def unsupported(self) -> tuple[tuple[str, str], ...]:
        """Methods that are configured and cannot be had here, with the reason of each."""
        found = ((name, unsupported_method(name)) for name in self.authentication_methods)
        return tuple((name, reason) for name, reason in found if reason is not None)

    @property
    def negotiates(self) -> bool:
        """Whether a client opens its connections with a negotiation instead of a bare command."""
        return self.negotiation >= Level.PREFERRED

    @classmethod
    def from_config(
        cls,
        config: Mapping[str, str],
        context: str = "CLIENT",
        *,
        daemon: bool = False,
        authentication: Level = Level.NEVER,
    ) -> SecurityPolicy:
        """Read a policy from a configuration.

        Parameters
        ----------
        config
            Expanded values by knob, upper case.
        context
            ``CLIENT`` for connections this side opens; for a server the permission level of the command.
        daemon
            Sessions of daemons live a day, those of tools a minute.
        authentication
            At least this level, for commands that force it.

        Raises
        ------
        ConfigError
            A value cannot be read, or the levels contradict each other.
        """
        methods = lookup(config, "AUTHENTICATION_METHODS", context)
        names = DEFAULT_METHODS if methods is None else tuple(canonical_method(n) for n in split_list(methods[1]))
        unknown = [name for name in names if name not in _KNOWN_METHODS]
        if methods is not None and unknown:
            raise ConfigError(f"{methods[0]} names the unknown authentication method {unknown[0]!r}")
        ciphers = lookup(config, "CRYPTO_METHODS", context)
        wanted = DEFAULT_CRYPTO if ciphers is None else tuple(canonical_method(n) for n in split_list(ciphers[1]))
        unknown = [name for name in wanted if name not in DEFAULT_CRYPTO]
        if ciphers is not None and unknown:
            raise ConfigError(f"{ciphers[0]} names the unknown cipher {unknown[0]!r}")
        return cls(
            authentication=max(_level(config, "AUTHENTICATION", context, Level.OPTIONAL), authentication),
            encryption=_level(config, "ENCRYPTION", context, Level.OPTIONAL),
            integrity=_level(config, "INTEGRITY", context, Level.OPTIONAL),
            negotiation=_level(config, "NEGOTIATION", context, Level.PREFERRED),
            authentication_methods=tuple(dict.fromkeys(names)),
            crypto_methods=tuple(name for name in wanted if name in SUPPORTED_CRYPTO),
            session_duration=_seconds(config, "SESSION_DURATION", context, 86400 if daemon else 60),
            session_lease=_seconds(config, "SESSION_LEASE", context, 3600),
            authentication_timeout=float(_seconds(config, "AUTHENTICATION_TIMEOUT", context, 20)),
        )


class Action(enum.Enum):
    """What two levels come to."""

    YES = "YES"
    NO = "NO"
    FAIL = "FAIL"


def reconcile_levels(one: Level, other: Level) -> Action:
    """Return what two levels come to; the order does not matter."""
    strong, weak = max(one, other), min(one, other)
    if weak is Level.NEVER:
        return Action.FAIL if strong is Level.REQUIRED else Action.NO
    return Action.YES if strong >= Level.PREFERRED else Action.NO


def reconcile_lists(server: Sequence[str], client: Sequence[str]) -> tuple[str, ...]:
    """Return the common names in the server's order and the client's spelling.

    A server knows its own aliases but not the client's: a client that offers ``IDTOKENS`` gets no match.
    """
    return tuple(
        offered for own in map(canonical_method, server) for offered in client if offered.strip().upper() == own
    )


@attrs.frozen
class Agreement:
    """What a server decided, and the client accepted.

    Parameters
    ----------
    authentication
        Whether to authenticate.
    authentication_required
        Whether a failure ends the connection.
    encryption, integrity
        As decided; with AES the channel has both in any case.
    methods
        Common authentication methods in the server's order.
    crypto
        The cipher, None for no key.
    crypto_methods
        All common ciphers.
    session_duration, session_lease
        Seconds.
    """

    authentication: bool
    authentication_required: bool
    encryption: bool
    integrity: bool
    methods: tuple[str, ...] = ()
    crypto: str | None = None
    crypto_methods: tuple[str, ...] = ()
    session_duration: int = 0
    session_lease: int = 0


def reconcile(
    own: SecurityPolicy,
    *,
    authentication: Level,
    encryption: Level,
    integrity: Level,
    legacy: bool,
    methods: Sequence[str],
    crypto_methods: Sequence[str],
    session_duration: int,
    session_lease: int | None,
) -> Agreement:
    """Decide, as a server, what a client's wishes and the own policy come to.

    Parameters
    ----------
    own
        The server's policy for the command.
    authentication, encryption, integrity, methods, crypto_methods, session_duration, session_lease
        The client's wishes.
    legacy
        The client's authentication level is that of the old rule, so the own one is too.

    Raises
    ------
    SecurityError
        One side requires what the other never does.
    """
    own_authentication = own.legacy_authentication if legacy else own.authentication
    if not own.authentication_methods and not legacy:
        if own_authentication is Level.REQUIRED:
            raise SecurityError("authentication is required here, but no method is configured")
        own_authentication = Level.NEVER
    actions = {
        "authentication": reconcile_levels(own_authentication, authentication),
        "encryption": reconcile_levels(own.encryption, encryption),
        "integrity": reconcile_levels(own.integrity, integrity),
    }
    for name, action in actions.items():
        if action is Action.FAIL:
            raise SecurityError(f"the security policies do not meet: one side requires {name}, the other never does it")
    ciphers = reconcile_lists(own.crypto_methods, crypto_methods)
    authenticate = actions["authentication"] is Action.YES
    sealed = authenticate and bool(ciphers) and ciphers[0].upper() == "AES"
    leases = [lease for lease in (own.session_lease, session_lease) if lease]
    return Agreement(
        authentication=authenticate,
        authentication_required=Level.REQUIRED in (own_authentication, authentication),
        encryption=sealed or actions["encryption"] is Action.YES,
        integrity=sealed or actions["integrity"] is Action.YES,
        methods=reconcile_lists(own.authentication_methods, methods),
        crypto=canonical_method(ciphers[0]) if ciphers else None,
        crypto_methods=ciphers,
        session_duration=min(own.session_duration, session_duration),
        session_lease=min(leases) if leases and session_lease is not None else 0,
    )
