"""The enumerations of v1.

Made by tools/gen_sync.py from tools/sync_table.py; do not edit.
"""

from __future__ import annotations

from htcondor_sync._enums import BoostEnum

__all__ = [
    "AdTypes",
    "BlockingMode",
    "CredTypes",
    "DaemonCommands",
    "DaemonTypes",
    "DrainTypes",
    "EntryType",
    "FileTransferEventType",
    "JobAction",
    "JobEventType",
    "LockType",
    "LogLevel",
    "ProvisionerState",
    "QueryOpts",
    "SubsystemType",
    "TransactionFlags",
    "VacateTypes",
]


class AdTypes(
    BoostEnum,
    members={
        "None": -1,
        "Any": 10,
        "Generic": 15,
        "Slot": 24,
        "StartDaemon": 25,
        "Startd": 0,
        "StartdPrivate": 5,
        "Schedd": 1,
        "Master": 2,
        "Collector": 7,
        "Negotiator": 13,
        "Submitter": 6,
        "Grid": 19,
        "HAD": 14,
        "License": 8,
        "Credd": 16,
        "Defrag": 22,
        "Accounting": 23,
    },
    shown_in="htcondor.htcondor",
):
    """AdTypes of v1."""

    Any: AdTypes
    Generic: AdTypes
    Slot: AdTypes
    StartDaemon: AdTypes
    Startd: AdTypes
    StartdPrivate: AdTypes
    Schedd: AdTypes
    Master: AdTypes
    Collector: AdTypes
    Negotiator: AdTypes
    Submitter: AdTypes
    Grid: AdTypes
    HAD: AdTypes
    License: AdTypes
    Credd: AdTypes
    Defrag: AdTypes
    Accounting: AdTypes


class BlockingMode(BoostEnum, members={"Blocking": 1, "NonBlocking": 0}, shown_in="htcondor.htcondor"):
    """BlockingMode of v1."""

    Blocking: BlockingMode
    NonBlocking: BlockingMode


class CredTypes(BoostEnum, members={"Password": 36, "Kerberos": 32, "OAuth": 40}, shown_in="htcondor.htcondor"):
    """CredTypes of v1."""

    Password: CredTypes
    Kerberos: CredTypes
    OAuth: CredTypes


class DaemonCommands(
    BoostEnum,
    members={
        "DaemonsOn": 455,
        "DaemonsOff": 454,
        "DaemonsOffFast": 461,
        "DaemonsOffPeaceful": 484,
        "DaemonOn": 469,
        "DaemonOff": 467,
        "DaemonOffFast": 468,
        "DaemonOffPeaceful": 483,
        "OffGraceful": 60005,
        "OffPeaceful": 60015,
        "OffFast": 60006,
        "OffForce": 60042,
        "SetPeacefulShutdown": 60016,
        "SetForceShutdown": 60041,
        "Reconfig": 60012,
        "Restart": 453,
        "RestartPeacful": 485,
    },
    shown_in="htcondor.htcondor",
):
    """DaemonCommands of v1."""

    DaemonsOn: DaemonCommands
    DaemonsOff: DaemonCommands
    DaemonsOffFast: DaemonCommands
    DaemonsOffPeaceful: DaemonCommands
    DaemonOn: DaemonCommands
    DaemonOff: DaemonCommands
    DaemonOffFast: DaemonCommands
    DaemonOffPeaceful: DaemonCommands
    OffGraceful: DaemonCommands
    OffPeaceful: DaemonCommands
    OffFast: DaemonCommands
    OffForce: DaemonCommands
    SetPeacefulShutdown: DaemonCommands
    SetForceShutdown: DaemonCommands
    Reconfig: DaemonCommands
    Restart: DaemonCommands
    RestartPeacful: DaemonCommands


class DaemonTypes(
    BoostEnum,
    members={
        "None": 0,
        "Any": 1,
        "Master": 2,
        "Schedd": 3,
        "Startd": 4,
        "Collector": 5,
        "Negotiator": 6,
        "HAD": 17,
        "Generic": 18,
        "Credd": 13,
    },
    shown_in="htcondor.htcondor",
):
    """DaemonTypes of v1."""

    Any: DaemonTypes
    Master: DaemonTypes
    Schedd: DaemonTypes
    Startd: DaemonTypes
    Collector: DaemonTypes
    Negotiator: DaemonTypes
    HAD: DaemonTypes
    Generic: DaemonTypes
    Credd: DaemonTypes


class DrainTypes(BoostEnum, members={"Fast": 20, "Graceful": 0, "Quick": 10}, shown_in="htcondor.htcondor"):
    """DrainTypes of v1."""

    Fast: DrainTypes
    Graceful: DrainTypes
    Quick: DrainTypes


class EntryType(
    BoostEnum,
    members={
        "Init": 0,
        "Error": 1,
        "NoChange": 2,
        "Reset": 3,
        "NewClassAd": 101,
        "DestroyClassAd": 102,
        "SetAttribute": 103,
        "DeleteAttribute": 104,
    },
    shown_in="htcondor.htcondor",
):
    """EntryType of v1."""

    Init: EntryType
    Error: EntryType
    NoChange: EntryType
    Reset: EntryType
    NewClassAd: EntryType
    DestroyClassAd: EntryType
    SetAttribute: EntryType
    DeleteAttribute: EntryType


class FileTransferEventType(
    BoostEnum,
    members={"IN_QUEUED": 1, "IN_STARTED": 2, "IN_FINISHED": 3, "OUT_QUEUED": 4, "OUT_STARTED": 5, "OUT_FINISHED": 6},
    shown_in="htcondor.htcondor",
):
    """FileTransferEventType of v1."""

    IN_QUEUED: FileTransferEventType
    IN_STARTED: FileTransferEventType
    IN_FINISHED: FileTransferEventType
    OUT_QUEUED: FileTransferEventType
    OUT_STARTED: FileTransferEventType
    OUT_FINISHED: FileTransferEventType


class JobAction(
    BoostEnum,
    members={
        "Hold": 1,
        "Release": 2,
        "Remove": 3,
        "RemoveX": 4,
        "Vacate": 5,
        "VacateFast": 6,
        "Suspend": 8,
        "Continue": 9,
    },
    shown_in="htcondor.htcondor",
):
    """JobAction of v1."""

    Hold: JobAction
    Release: JobAction
    Remove: JobAction
    RemoveX: JobAction
    Vacate: JobAction
    VacateFast: JobAction
    Suspend: JobAction
    Continue: JobAction


class JobEventType(
    BoostEnum,
    members={
        "SUBMIT": 0,
        "EXECUTE": 1,
        "EXECUTABLE_ERROR": 2,
        "CHECKPOINTED": 3,
        "JOB_EVICTED": 4,
        "JOB_TERMINATED": 5,
        "IMAGE_SIZE": 6,
        "SHADOW_EXCEPTION": 7,
        "GENERIC": 8,
        "JOB_ABORTED": 9,
        "JOB_SUSPENDED": 10,
        "JOB_UNSUSPENDED": 11,
        "JOB_HELD": 12,
        "JOB_RELEASED": 13,
        "NODE_EXECUTE": 14,
        "NODE_TERMINATED": 15,
        "POST_SCRIPT_TERMINATED": 16,
        "GLOBUS_SUBMIT": 17,
        "GLOBUS_SUBMIT_FAILED": 18,
        "GLOBUS_RESOURCE_UP": 19,
        "GLOBUS_RESOURCE_DOWN": 20,
        "REMOTE_ERROR": 21,
        "JOB_DISCONNECTED": 22,
        "JOB_RECONNECTED": 23,
        "JOB_RECONNECT_FAILED": 24,
        "GRID_RESOURCE_UP": 25,
        "GRID_RESOURCE_DOWN": 26,
        "GRID_SUBMIT": 27,
        "JOB_AD_INFORMATION": 28,
        "JOB_STATUS_UNKNOWN": 29,
        "JOB_STATUS_KNOWN": 30,
        "JOB_STAGE_IN": 31,
        "JOB_STAGE_OUT": 32,
        "ATTRIBUTE_UPDATE": 33,
        "PRESKIP": 34,
        "CLUSTER_SUBMIT": 35,
        "CLUSTER_REMOVE": 36,
        "FACTORY_PAUSED": 37,
        "FACTORY_RESUMED": 38,
        "NONE": 39,
        "FILE_TRANSFER": 40,
        "RESERVE_SPACE": 41,
        "RELEASE_SPACE": 42,
        "FILE_COMPLETE": 43,
        "FILE_USED": 44,
        "FILE_REMOVED": 45,
    },
    shown_in="htcondor.htcondor",
):
    """JobEventType of v1."""

    SUBMIT: JobEventType
    EXECUTE: JobEventType
    EXECUTABLE_ERROR: JobEventType
    CHECKPOINTED: JobEventType
    JOB_EVICTED: JobEventType
    JOB_TERMINATED: JobEventType
    IMAGE_SIZE: JobEventType
    SHADOW_EXCEPTION: JobEventType
    GENERIC: JobEventType
    JOB_ABORTED: JobEventType
    JOB_SUSPENDED: JobEventType
    JOB_UNSUSPENDED: JobEventType
    JOB_HELD: JobEventType
    JOB_RELEASED: JobEventType
    NODE_EXECUTE: JobEventType
    NODE_TERMINATED: JobEventType
    POST_SCRIPT_TERMINATED: JobEventType
    GLOBUS_SUBMIT: JobEventType
    GLOBUS_SUBMIT_FAILED: JobEventType
    GLOBUS_RESOURCE_UP: JobEventType
    GLOBUS_RESOURCE_DOWN: JobEventType
    REMOTE_ERROR: JobEventType
    JOB_DISCONNECTED: JobEventType
    JOB_RECONNECTED: JobEventType
    JOB_RECONNECT_FAILED: JobEventType
    GRID_RESOURCE_UP: JobEventType
    GRID_RESOURCE_DOWN: JobEventType
    GRID_SUBMIT: JobEventType
    JOB_AD_INFORMATION: JobEventType
    JOB_STATUS_UNKNOWN: JobEventType
    JOB_STATUS_KNOWN: JobEventType
    JOB_STAGE_IN: JobEventType
    JOB_STAGE_OUT: JobEventType
    ATTRIBUTE_UPDATE: JobEventType
    PRESKIP: JobEventType
    CLUSTER_SUBMIT: JobEventType
    CLUSTER_REMOVE: JobEventType
    FACTORY_PAUSED: JobEventType
    FACTORY_RESUMED: JobEventType
    NONE: JobEventType
    FILE_TRANSFER: JobEventType
    RESERVE_SPACE: JobEventType
    RELEASE_SPACE: JobEventType
    FILE_COMPLETE: JobEventType
    FILE_USED: JobEventType
    FILE_REMOVED: JobEventType


class LockType(BoostEnum, members={"ReadLock": 0, "WriteLock": 1}, shown_in="htcondor.htcondor"):
    """LockType of v1."""

    ReadLock: LockType
    WriteLock: LockType


class LogLevel(
    BoostEnum,
    members={
        "Always": 0,
        "Error": 1,
        "Status": 2,
        "Job": 4,
        "Machine": 5,
        "Config": 6,
        "Protocol": 7,
        "Priv": 8,
        "DaemonCore": 9,
        "Security": 11,
        "Network": 14,
        "Hostname": 22,
        "Audit": 27,
        "Terse": 0,
        "Verbose": 256,
        "FullDebug": 1024,
        "SubSecond": 67108864,
        "Timestamp": 134217728,
        "PID": 268435456,
        "NoHeader": -2147483648,
    },
    shown_in="htcondor.htcondor",
):
    """LogLevel of v1."""

    Always: LogLevel
    Error: LogLevel
    Status: LogLevel
    Job: LogLevel
    Machine: LogLevel
    Config: LogLevel
    Protocol: LogLevel
    Priv: LogLevel
    DaemonCore: LogLevel
    Security: LogLevel
    Network: LogLevel
    Hostname: LogLevel
    Audit: LogLevel
    Terse: LogLevel
    Verbose: LogLevel
    FullDebug: LogLevel
    SubSecond: LogLevel
    Timestamp: LogLevel
    PID: LogLevel
    NoHeader: LogLevel


class ProvisionerState(
    BoostEnum,
    members={
        "New": 0,
        "ProvisioningStarted": 1,
        "ProvisioningComplete": 2,
        "DeprovisioningStarted": 3,
        "DeprovisioningComplete": 4,
    },
    shown_in="htcondor.htcondor",
):
    """ProvisionerState of v1."""

    New: ProvisionerState
    ProvisioningStarted: ProvisionerState
    ProvisioningComplete: ProvisionerState
    DeprovisioningStarted: ProvisionerState
    DeprovisioningComplete: ProvisionerState


class QueryOpts(
    BoostEnum,
    members={
        "Default": 0,
        "AutoCluster": 1,
        "GroupBy": 2,
        "DefaultMyJobsOnly": 4,
        "SummaryOnly": 8,
        "IncludeClusterAd": 16,
        "IncludeJobsetAds": 32,
        "ClusterAds": 80,
        "JobsetAds": 96,
    },
    shown_in="htcondor.htcondor",
):
    """QueryOpts of v1."""

    Default: QueryOpts
    AutoCluster: QueryOpts
    GroupBy: QueryOpts
    DefaultMyJobsOnly: QueryOpts
    SummaryOnly: QueryOpts
    IncludeClusterAd: QueryOpts
    IncludeJobsetAds: QueryOpts
    ClusterAds: QueryOpts
    JobsetAds: QueryOpts


class SubsystemType(
    BoostEnum,
    members={
        "Master": 1,
        "Collector": 2,
        "Negotiator": 3,
        "Schedd": 4,
        "Shadow": 5,
        "Startd": 6,
        "Starter": 7,
        "GAHP": 8,
        "Dagman": 9,
        "SharedPort": 10,
        "Daemon": 11,
        "Tool": 12,
        "Submit": 13,
        "Job": 14,
    },
    shown_in="htcondor.htcondor",
):
    """SubsystemType of v1."""

    Master: SubsystemType
    Collector: SubsystemType
    Negotiator: SubsystemType
    Schedd: SubsystemType
    Shadow: SubsystemType
    Startd: SubsystemType
    Starter: SubsystemType
    GAHP: SubsystemType
    Dagman: SubsystemType
    SharedPort: SubsystemType
    Daemon: SubsystemType
    Tool: SubsystemType
    Submit: SubsystemType
    Job: SubsystemType


class TransactionFlags(
    BoostEnum, members={"None": 0, "NonDurable": 1, "SetDirty": 4, "ShouldLog": 8}, shown_in="htcondor.htcondor"
):
    """TransactionFlags of v1."""

    NonDurable: TransactionFlags
    SetDirty: TransactionFlags
    ShouldLog: TransactionFlags


class VacateTypes(BoostEnum, members={"Fast": 2, "Graceful": 1}, shown_in="htcondor.htcondor"):
    """VacateTypes of v1."""

    Fast: VacateTypes
    Graceful: VacateTypes
