"""The schedd: its job queue, and all that one does with it."""

from __future__ import annotations

from htcondor_async.schedd.actions import EditResult, ScheddActions
from htcondor_async.schedd.administration import ScheddAdministration
from htcondor_async.schedd.history import ScheddHistory
from htcondor_async.schedd.queries import ScheddQueries
from htcondor_async.schedd.sandbox import ScheddSandbox
from htcondor_async.schedd.submission import ScheddSubmission, SubmitResult
from htcondor_async.schedd.transaction import Transaction

__all__ = ["EditResult", "Schedd", "SubmitResult", "Transaction"]


class Schedd(ScheddQueries, ScheddActions, ScheddHistory, ScheddSubmission, ScheddSandbox, ScheddAdministration):
    """A handle on one schedd. It holds no connection and may be shared between tasks and threads.

    Parameters
    ----------
    location
        The schedd's ad (as :meth:`Collector.locate <htcondor_async.Collector.locate>` returns it), or its address in
        angle brackets; None means this machine's own, looked up at the first use.
    client
        Who asks; by default the client of the current context.
    """
