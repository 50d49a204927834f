"""The closed sets of HTCondor's API, with HTCondor's numbers."""

from __future__ import annotations

import enum

__all__ = [
    "AdTypes",
    "BlockingMode",
    "CompletionTypes",
    "CredTypes",
    "DaemonCommands",
    "DaemonTypes",
    "DrainTypes",
    "FileTransferEventType",
    "JobAction",
    "JobEventType",
    "JobStatus",
    "LogLevel",
    "ProvisionerState",
    "QueryOpts",
    "SubsystemType",
    "TransactionFlags",
    "VacateTypes",
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


class JobEventType(enum.IntEnum):
    """Kinds of events in a job event log. A number without a name (they go up to 999) is a member of its own."""

    SUBMIT = 0
    EXECUTE = 1
    EXECUTABLE_ERROR = 2
    CHECKPOINTED = 3
    JOB_EVICTED = 4
    JOB_TERMINATED = 5
    IMAGE_SIZE = 6
    SHADOW_EXCEPTION = 7
    GENERIC = 8
    JOB_ABORTED = 9
    JOB_SUSPENDED = 10
    JOB_UNSUSPENDED = 11
    JOB_HELD = 12
    JOB_RELEASED = 13
    NODE_EXECUTE = 14
    NODE_TERMINATED = 15
    POST_SCRIPT_TERMINATED = 16
    GLOBUS_SUBMIT = 17
    GLOBUS_SUBMIT_FAILED = 18
    GLOBUS_RESOURCE_UP = 19
    GLOBUS_RESOURCE_DOWN = 20
    REMOTE_ERROR = 21
    JOB_DISCONNECTED = 22
    JOB_RECONNECTED = 23
    JOB_RECONNECT_FAILED = 24
    GRID_RESOURCE_UP = 25
    GRID_RESOURCE_DOWN = 26
    GRID_SUBMIT = 27
    JOB_AD_INFORMATION = 28
    JOB_STATUS_UNKNOWN = 29
    JOB_STATUS_KNOWN = 30
    JOB_STAGE_IN = 31
    JOB_STAGE_OUT = 32
    ATTRIBUTE_UPDATE = 33
    PRESKIP = 34
    CLUSTER_SUBMIT = 35
    CLUSTER_REMOVE = 36
    FACTORY_PAUSED = 37
    FACTORY_RESUMED = 38
    NONE = 39
    FILE_TRANSFER = 40
    RESERVE_SPACE = 41
    RELEASE_SPACE = 42
    FILE_COMPLETE = 43
    FILE_USED = 44
    FILE_REMOVED = 45
    DATAFLOW_JOB_SKIPPED = 46
    COMMON_FILES = 47
    EP_STARTUP = 100
    EP_READY = 101
    EP_RECONFIG = 102
    EP_SHUTDOWN = 103
    EP_REQUEST_CLAIM = 104
    EP_RELEASE_CLAIM = 105
    EP_ACTIVATE_CLAIM = 106
    EP_DEACTIVATE_CLAIM = 107
    EP_VACATE_CLAIM = 108
    EP_DRAIN = 109
    EP_RESOURCE_BREAK = 110
    EP_RESOURCE_MEND = 111

    @classmethod
    def _missing_(cls, value: object) -> JobEventType | None:
        if type(value) is not int or not 0 <= value <= 999:
            return None
        member = int.__new__(cls, value)
        member._name_ = f"EVENT_{value}"
        member._value_ = value
        # published at once: of two threads that ask for the same number, both get the same member
        return cls._value2member_map_.setdefault(value, member)  # type: ignore[return-value]  # a map of members


class FileTransferEventType(enum.IntEnum):
    """What an event of the kind ``FILE_TRANSFER`` tells, its attribute ``Type``."""

    IN_QUEUED = 1
    IN_STARTED = 2
    IN_FINISHED = 3
    OUT_QUEUED = 4
    OUT_STARTED = 5
    OUT_FINISHED = 6


class DaemonCommands(enum.IntEnum):
    """What a daemon can be told to do. ``Restart`` and those that begin with ``Daemon`` are for its master."""

    Restart = 453
    DaemonsOff = 454
    DaemonsOn = 455
    DaemonsOffFast = 461
    DaemonOff = 467
    DaemonOffFast = 468
    DaemonOn = 469
    DaemonOffPeaceful = 483
    DaemonsOffPeaceful = 484
    RestartPeacful = 485  # the bindings' spelling
    OffGraceful = 60005
    OffFast = 60006
    Reconfig = 60012
    OffPeaceful = 60015
    SetPeacefulShutdown = 60016
    SetForceShutdown = 60041
    OffForce = 60042


class DrainTypes(enum.IntEnum):
    """How fast a startd is to get rid of its jobs."""

    Graceful = 0
    Quick = 10
    Fast = 20


class CompletionTypes(enum.IntEnum):
    """What a startd does once it is drained."""

    Nothing = 0
    Resume = 1
    Exit = 2
    Restart = 3
    Reconfig = 4


class VacateTypes(enum.IntEnum):
    """How a job leaves its slot."""

    Graceful = 1
    Fast = 2


class CredTypes(enum.IntEnum):
    """Kinds of credentials that a credd keeps."""

    Kerberos = 32
    Password = 36
    OAuth = 40


class BlockingMode(enum.IntEnum):
    """Whether an iterator of the v1 API waits."""

    NonBlocking = 0
    Blocking = 1


class ProvisionerState(enum.IntEnum):
    """How far the provisioner of a workflow is."""

    New = 0
    ProvisioningStarted = 1
    ProvisioningComplete = 2
    DeprovisioningStarted = 3
    DeprovisioningComplete = 4


class SubsystemType(enum.IntEnum):
    """Kinds of HTCondor programs; the configuration of one is found under its name."""

    Master = 1
    Collector = 2
    Negotiator = 3
    Schedd = 4
    Shadow = 5
    Startd = 6
    Starter = 7
    GAHP = 8
    Dagman = 9
    SharedPort = 10
    Daemon = 11
    Tool = 12
    Submit = 13
    Job = 14


class LogLevel(enum.IntEnum):
    """Categories of log messages, and flags that can be or-ed to them (``condor_includes/condor_debug.h``)."""

    Always = 0
    Terse = 0
    Error = 1
    Status = 2
    Job = 4
    Machine = 5
    Config = 6
    Protocol = 7
    Priv = 8
    DaemonCore = 9
    Security = 11
    Network = 14
    Hostname = 22
    Audit = 27
    Verbose = 0x100
    FullDebug = 0x400
    SubSecond = 0x4000000
    Timestamp = 0x8000000
    PID = 0x10000000
    NoHeader = -0x80000000
