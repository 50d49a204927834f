"""Sessions that nobody negotiated: those whose name and key are in a claim id or another capability.

A capability is ``SID#[attribute=value;...]KEY``; the last ``#`` divides
(``condor_utils/condor_claimid_parser.h``, ``SecMan::CreateNonNegotiatedSecuritySession``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import attrs

from htcondor_async._secret import Secret
from htcondor_async._security.ads import Literal, decode_literal, split_list
from htcondor_async._security.keys import KEY_LENGTHS, claim_key
from htcondor_async._security.policy import SUPPORTED_CRYPTO, canonical_method
from htcondor_async._security.sessions import Session
from htcondor_async.errors import HTCondorValueError

__all__ = ["Capability", "parse_capability", "session_from_capability"]

MAX_CAPABILITY = 1 << 14


@attrs.frozen
class Capability:
    """A capability, taken apart.

    Parameters
    ----------
    sid
        Name of the session; may contain ``#``.
    key
        The text the key is made of, not its hexadecimal value.
    info
        Attributes between the brackets, empty if the maker has match sessions disabled.
    """

    sid: str
    key: Secret[str]
    info: Mapping[str, Literal]

    @property
    def public(self) -> str:
        """The part that may be shown, as daemons print claim ids."""
        return f"{self.sid}#..."


def parse_capability(text: Secret[str]) -> Capability:
    """Take a claim id or another capability apart.

    Raises
    ------
    HTCondorValueError
        It is none; the message does not contain it.
    """
    value = text.reveal().strip()
    if len(value) > MAX_CAPABILITY:
        raise HTCondorValueError(f"a claim id has {len(value)} characters, {MAX_CAPABILITY} are allowed")
    sid, hash_mark, rest = value.rpartition("#")
    if not hash_mark or not sid or not rest:
        raise HTCondorValueError("a claim id has no '#' between its session and its key")
    info: dict[str, Literal] = {}
    key = rest
    if rest.startswith("["):
        inner, bracket, key = rest[1:].rpartition("]")
        if not bracket or not key:
            raise HTCondorValueError("a claim id has an opening bracket but no key behind a closing one")
        for item in filter(None, (part.strip() for part in inner.split(";"))):
            name, equals, literal = item.partition("=")
            known, parsed = decode_literal(literal.strip())
            if not equals or not known or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name.strip()):
                raise HTCondorValueError("a claim id has an attribute in its brackets that is not a literal")
            info[name.strip()] = parsed
    return Capability(sid, Secret(key), info)


def _get(info: Mapping[str, Literal], name: str) -> Literal:
    return next((value for key, value in info.items() if key.lower() == name.lower()), None)


def session_from_capability(text: Secret[str], *, user: str | None = None, tag_version: str | None = None) -> Session:
    """Make the session that a claim id stands for.

    The session is used by resuming it; the cipher chosen here is named in the resumption, and the peer derives the
    same key. AES is chosen wherever the peer has it, and seals everything whatever the brackets say.

    Parameters
    ----------
    user
        Who this side is in the session, as ``"submit-side@matchsession"``.
    tag_version
        Version string of the peer where it is known better than from the claim id.

    Raises
    ------
    HTCondorValueError
        It is no capability, it has no session in it, or no common cipher.
    """
    capability = parse_capability(text)
    if not capability.info:
        raise HTCondorValueError("the claim id carries no security session; its maker has match sessions disabled")
    listed = _get(capability.info, "CryptoMethodsList") or _get(capability.info, "CryptoMethods") or ""
    names = [canonical_method(name) for name in split_list(str(listed).replace(".", ","))]
    method = next((name for name in names if name in SUPPORTED_CRYPTO and name in KEY_LENGTHS), None)
    if method is None:
        raise HTCondorValueError(
            f"the session in the claim id offers the ciphers {', '.join(names) or 'none'}; "
            f"known here: {', '.join(sorted(SUPPORTED_CRYPTO))}"
        )
    expires = _get(capability.info, "SessionExpires")
    expires = int(expires) if isinstance(expires, str) and expires.isdigit() else expires
    commands = _get(capability.info, "ValidCommands")
    short = _get(capability.info, "ShortVersion")
    return Session(
        sid=capability.sid,
        key=claim_key(capability.key, method),
        method=method,
        user=user,
        authenticated_by="MATCH",
        valid_commands=frozenset(
            int(word) for word in split_list(str(commands or "").replace(".", ",")) if word.isdigit()
        ),
        expires=float(expires) if isinstance(expires, (int, float)) and expires > 0 else None,
        peer_version=tag_version or (str(short) if short else None),
        attributes=dict(capability.info),
        negotiated=False,
    )
