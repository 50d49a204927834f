"""The submit language: from a description to job ads.

:class:`Submit` is the description. It makes job ads (:meth:`~Submit.jobs`), or a cluster ad with what each job has of
its own (:meth:`~Submit.cluster_builder`), or what a schedd needs to make the jobs itself (:meth:`~Submit.factory`).
Nothing here talks to a network.
"""

from __future__ import annotations

from .cluster import ClusterBuilder, JobDelta
from .commands.credentials import OAuthRequest
from .context import DEFAULT_IDENTITY, SubmitContext
from .description import Submit
from .digest import Factory
from .job import Identity
from .options import JobOptions
from .problems import SubmitError, SubmitTypoWarning, SubmitWarning
from .settings import VERSION_DEFAULTS
from .submission import JobIterator
from .versions import LATEST, Version

__all__ = [
    "DEFAULT_IDENTITY",
    "LATEST",
    "VERSION_DEFAULTS",
    "ClusterBuilder",
    "Factory",
    "Identity",
    "JobDelta",
    "JobIterator",
    "JobOptions",
    "OAuthRequest",
    "Submit",
    "SubmitContext",
    "SubmitError",
    "SubmitTypoWarning",
    "SubmitWarning",
    "Version",
]
