"""The closed sets of HTCondor's API, with HTCondor's numbers."""

from __future__ import annotations

import enum

__all__ = [
    "AdTypes",
    "DaemonTypes",
    "JobAction",
    "JobStatus",
    "QueryOpts",
    "TransactionFlags",
]


class AdTypes(enum.IntEnum):
    """Kinds of ads that a collector keeps."""

    None_ = -1
    Startd = 0
    Schedd = 1
    Master = 2
    StartdPrivate = 5
    Submitter = 6
    Collector = 7
    License = 8
    Any = 10
    Negotiator = 13
    HAD = 14
    Generic = 15
    Credd = 16
    Grid = 19
    Defrag = 22
    Accounting = 23
    Slot = 24
    StartDaemon = 25


class DaemonTypes(enum.IntEnum):
    """Kinds of daemons that can be located."""

    None_ = 0
    Any = 1
    Master = 2
    Schedd = 3
    Startd = 4
    Collector = 5
    Negotiator = 6
    Credd = 13
    HAD = 17
    Generic = 18


class QueryOpts(enum.IntFlag):
    """What a job-queue query returns beside, or instead of, job ads."""

    Default = 0
    AutoCluster = 1
    GroupBy = 2
    DefaultMyJobsOnly = 4
    SummaryOnly = 8
    IncludeClusterAd = 0x10
    IncludeJobsetAds = 0x20
    ClusterAds = 0x50
    JobsetAds = 0x60


class JobAction(enum.IntEnum):
    """What can be done to jobs in a queue."""

    Hold = 1
    Release = 2
    Remove = 3
    RemoveX = 4
    Vacate = 5
    VacateFast = 6
    Suspend = 8
    Continue = 9


class JobStatus(enum.IntEnum):
    """Values of the attribute ``JobStatus``."""

    IDLE = 1
    RUNNING = 2
    REMOVED = 3
    COMPLETED = 4
    HELD = 5
    TRANSFERRING_OUTPUT = 6
    SUSPENDED = 7


class TransactionFlags(enum.IntFlag):
    """How changes to the job queue are made."""

    None_ = 0
    NonDurable = 1
    SetDirty = 4
    ShouldLog = 8
