"""User records of a schedd: ``QUERY_USERREC_ADS`` (540), enable or add (541), disable (542), and their kin.

Changes: ``int n, n ads`` in one message, one ad back with ``Result`` (0 is success)
(``condor_schedd.V6/schedd.cpp``, ``command_act_on_user_ads``).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

import attrs

from htcondor_async._cedar.effects import Receive, Send
from htcondor_async._dialogues.codec import Codec
from htcondor_async._dialogues.expressions import string_literal
from htcondor_async.classad import ClassAd
from htcondor_async.errors import DaemonError, ProtocolError

__all__ = ["RESULTS", "UserQuery", "act_on_users", "is_user_summary", "user_ads"]

_MAX_ANSWER = 1 << 20

RESULTS = {
    1: "the request failed",
    2: "there is no such user",
    5: "the constraint is not one",
    13: "permission denied",
    16: "the user has jobs",
    42: "this schedd cannot do that",
}


@attrs.frozen
class UserQuery:
    """Which records to ask for; ``constraint`` is an expression in old syntax that is known to parse."""

    constraint: str = "true"
    projection: Sequence[str] = ()
    limit: int | None = None

    def ad(self) -> list[tuple[str, str]]:
        """Return the query ad as names and expressions."""
        pairs = [("Requirements", self.constraint), ("SendServerTime", "false")]
        if self.projection:
            names = dict.fromkeys([*self.projection, "MyType"])  # the end is told by it
            pairs.append(("Projection", string_literal(" ".join(names))))
        if self.limit is not None and self.limit >= 0:
            pairs.append(("LimitResults", str(self.limit)))
        return pairs


def user_ads(
    users: Sequence[str], constraint: str | None, *, add: bool = False, reason: str | None = None
) -> list[list[tuple[str, str]]]:
    """Return the request ads for users by name, or for those whose records match a constraint."""
    if constraint is not None:
        ads = [[("Requirements", constraint)]]
    else:
        ads = [[("User", string_literal(user))] for user in users]
    for ad in ads:
        if add:
            # the second is what schedds before 25 look at
            ad += [("_userrec_opt_create", "true"), ("create", "true")]
        if reason is not None:
            ad.append(("DisableReason", string_literal(reason)))
    return ads


def act_on_users(
    codec: Codec, ads: Sequence[Sequence[tuple[str, str]]], what: str
) -> Generator[Send | Receive, bytes, ClassAd]:
    """Send changes to user records; return the schedd's result ad, or raise ``DaemonError`` if it is a failure."""
    writer = codec.writer().int(len(ads))
    for ad in ads:
        writer.ad(ad)
    yield Send(writer.getvalue())
    reader = codec.reader((yield Receive(_MAX_ANSWER)))
    result = reader.ad()
    reader.expect_end()
    code = result.get("Result")
    if type(code) is not int:
        raise ProtocolError("the answer about user records has no Result")
    if code != 0:
        text = result.get("ErrorString")
        raise DaemonError(
            f"the schedd did not {what}: {RESULTS.get(code, f'error {code}')}",
            code=code,
            error_stack=[text] if isinstance(text, str) else [],
        )
    return result


def is_user_summary(ad: ClassAd) -> bool:
    """Return whether ``ad`` ends the answer to a query of user records."""
    return ad.get("MyType") == "Summary"
