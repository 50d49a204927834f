"""What a submission is told beside its description, count and items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from htcondor_async.errors import HTCondorValueError

from .values import INT_MAX
from .versions import Version

__all__ = ["JobOptions"]


def _version(value: str | Version | None) -> Version | None:
    return Version.parse(value) if isinstance(value, str) else value


@attrs.frozen
class JobOptions:
    """How the jobs of a description are made; raises ``HTCondorValueError`` for ids or an owner that cannot be.

    Attributes
    ----------
    cluster_id, proc_id
        Numbers of the cluster and of the first job.
    qdate
        Time of submission, seconds since 1970; 0 for now.
    owner
        The submitting user.
    schedd_version
        The version of the schedd that the ads are for; None for that of the context.
    spool
        Whether input files go through the schedd.
    extended_commands
        The commands that the schedd announces (``ExtendedSubmitCommands``).
    method
        The number of the submit method instead of the context's; a real submission passes
        :attr:`~htcondor_async.submit.Submit.submit_method`.
    own_queue
        Whether the QUEUE statement of the description counts.
    submitting
        Whether the jobs are for the queue: only then may unused lines be warned of.
    """

    cluster_id: int = 1
    proc_id: int = 0
    qdate: int = 0
    owner: str = ""
    schedd_version: Version | None = attrs.field(default=None, converter=_version)
    spool: bool = False
    extended_commands: Mapping[str, Any] | None = None
    method: int | None = None
    own_queue: bool = True
    submitting: bool = False

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.cluster_id <= INT_MAX or not 0 <= self.proc_id <= INT_MAX:
            raise HTCondorValueError(f"job id {self.cluster_id}.{self.proc_id} is out of range")
        if any(char.isspace() for char in self.owner):
            raise HTCondorValueError(f"the owner {self.owner!r} holds blanks")
