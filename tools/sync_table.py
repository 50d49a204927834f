"""v1's declared surface, and what of the core serves each name: the table that ``gen_sync.py`` makes the shim from.

A signature is written as v1 declares it: ``(Type)name``, ``[, (Type)name=default]`` for what may be left out. To serve
a further operation of the core, add a ``Method`` and run ``python tools/gen_sync.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Method:
    """A method of v1 that is one call of a method of the core.

    ``call`` are the arguments of that call; what begins with "=" is the whole call.
    ``result`` converts: "none", "plain", "ad", "ads", "found", "history" .... ``fails`` is
    what v1 raises where talking to the daemon fails. ``doc`` is needed where the core has no method of its own for it.
    """

    name: str
    signature: str
    core: str
    call: str = ""
    result: str = "plain"
    returns: str = "None"
    fails: str = "HTCondorIOError"
    renamed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Class:
    """A class of v1 over one of the core."""

    name: str
    home: str  # module of the core's class
    kinds: tuple[str, ...]  # daemon types that its locations may have
    methods: tuple[Method, ...]
    default: str = ""  # set where each call of the core finds its daemon if no location was given
    generated_as: str = ""  # name of the generated class, where hand-written code adds to it
    skipped: dict[str, str] = field(default_factory=dict)  # public async methods of the core, and why they are not here


_PROJECTION = "strings(projection)"
_RENAMED = (("requirements", "constraint"), ("attr_list", "projection"))

CLASSES: tuple[Class, ...] = (
    Class(
        "Collector",
        "htcondor_async.collector",
        (),
        (
            Method(
                "query",
                "[(AdTypes)ad_type=AdTypes.Any [, (object)constraint='' [, (list)projection=[] "
                "[, (str)statistics='']]]]",
                "query",
                f"ad_type_in(ad_type), constraint_in(constraint), {_PROJECTION}, statistics=statistics",
                "ads",
                "list[ClassAd]",
            ),
            Method(
                "directQuery",
                "(DaemonTypes)daemon_type [, (str)name='' [, (list)projection=[] [, (str)statistics='']]]",
                "direct_query",
                f"daemon_type_in(daemon_type), name or None, {_PROJECTION}, statistics",
                "ad",
                "ClassAd",
            ),
            Method(
                "locate",
                "(DaemonTypes)daemon_type [, (str)name]",
                "locate",
                "daemon_type_in(daemon_type), None if isinstance(name, Unset) else name",
                "ad",
                "ClassAd",
            ),
            Method(
                "locateAll",
                "(DaemonTypes)daemon_type",
                "locate_all",
                "daemon_type_in(daemon_type)",
                "ads",
                "list[ClassAd]",
            ),
            Method(
                "advertise",
                "(list)ad_list [, (str)command='UPDATE_AD_GENERIC' [, (bool)use_tcp=True]]",
                "advertise",
                "[ad_in(ad) for ad in ad_list], command, bool(use_tcp)",
                "none",
            ),
        ),
        generated_as="CollectorMethods",
        skipped={"invalidate": "v1 advertises an INVALIDATE_ command"},
    ),
    Class(
        "Schedd",
        "htcondor_async.schedd",
        ("Schedd",),
        (
            Method(
                "query",
                "[(object)constraint='true' [, (list)projection=[] [, (object)callback=None [, (int)limit=-1 "
                "[, (QueryOpts)opts=QueryOpts.Default]]]]]",
                "query",
                f"constraint_in(constraint), {_PROJECTION}, callback_in(callback), limit=limit, "
                "opts=query_opts_in(opts)",
                "found",
                "list[Any]",
                renamed=_RENAMED,
            ),
            Method(
                "history",
                "(object)constraint, (list)projection [, (int)match=-1 [, (object)since=None]]",
                "history",
                f"expression_constraint_in(constraint), {_PROJECTION}, match, since_in(since)",
                "history",
                "HistoryIterator",
                renamed=_RENAMED,
            ),
            Method(
                "jobEpochHistory",
                "(object)constraint, (list)projection [, (int)match=-1 [, (object)since=None "
                "[, (object)ad_type=None]]]",
                "job_epoch_history",
                f"expression_constraint_in(constraint), {_PROJECTION}, match, since_in(since), ad_type",
                "history",
                "HistoryIterator",
            ),
            Method(
                "act",
                "(JobAction)action, (object)job_spec [, (object)reason=None]",
                "act",
                "action_in(action), job_spec_in(job_spec), reason",
                "ad",
                "ClassAd",
                fails="HTCondorReplyError",
            ),
            Method("reschedule", "", "reschedule", "", "none"),
            Method("spool", "(object)ad_list", "spool", "spooled_in(ad_list)", "none"),
            Method("retrieve", "(object)arg2", "retrieve", "retrieved_in(arg2)", "none"),
            Method(
                "export_jobs",
                "(object)job_spec, (str)export_dir, (str)new_spool_dir",
                "export_jobs",
                "job_spec_in(job_spec), export_dir, new_spool_dir or None",
                "ad",
                "ClassAd",
            ),
            Method(
                "import_exported_job_results",
                "(str)import_dir",
                "import_exported_job_results",
                "import_dir",
                "ad",
                "ClassAd",
            ),
            Method("unexport_jobs", "(object)job_spec", "unexport_jobs", "job_spec_in(job_spec)", "ad", "ClassAd"),
            Method(
                "enable_users",
                "(list)users [, (bool)add=False]",
                "enable_users",
                "=(self._core.add_users if add else self._core.enable_users)(strings(users))",
                "ad",
                "ClassAd",
            ),
            Method(
                "enable_users_matching",
                "(object)constraint",
                "enable_users",
                "(), constraint_in(constraint)",
                "ad",
                "ClassAd",
            ),
            Method(
                "disable_users",
                "(list)users [, (object)reason=None]",
                "disable_users",
                "strings(users), reason",
                "ad",
                "ClassAd",
            ),
            Method(
                "disable_users_matching",
                "(object)constraint [, (object)reason=None]",
                "disable_users",
                "(), reason, constraint_in(constraint)",
                "ad",
                "ClassAd",
            ),
            Method(
                "query_users",
                "[(object)constraint='true' [, (list)projection=[] [, (int)limit=-1]]]",
                "query_users",
                f"constraint_in(constraint), {_PROJECTION}, limit if limit >= 0 else None",
                "ads",
                "list[ClassAd]",
            ),
            Method(
                "refreshGSIProxy",
                "(int)cluster, (int)proc, (str)proxy_filename, (int)lifetime",
                "refresh_gsi_proxy",
                "cluster, proc, proxy_filename, lifetime",
                returns="int",
            ),
        ),
        generated_as="ScheddMethods",
        skipped={
            "add_users": "v1's enable_users does it",
            "edit": "hand-written: it uses the object's open transaction",
            "edit_multiple": "hand-written: it uses the object's open transaction",
            "submit": "hand-written: it takes submit descriptions and ads",
            "submit_many": "hand-written: it shares the code of submit",
        },
    ),
    Class(
        "Negotiator",
        "htcondor_async.negotiator",
        ("Negotiator",),
        (
            Method("setPriority", "(str)user, (float)prio", "set_priority", "user, prio", "none"),
            Method("setFactor", "(str)user, (float)factor", "set_factor", "user, factor", "none"),
            Method("setCeiling", "(str)user, (float)ceiling", "set_ceiling", "user, ceiling", "none"),
            Method("setUsage", "(str)user, (float)usage", "set_usage", "user, usage", "none"),
            Method("setBeginUsage", "(str)user, (int)value", "set_begin_usage", "user, value", "none"),
            Method("setLastUsage", "(str)user, (int)value", "set_last_usage", "user, value", "none"),
            Method("resetUsage", "(str)user", "reset_usage", "user", "none"),
            Method("deleteUser", "(str)user", "delete_user", "user", "none"),
            Method("resetAllUsage", "", "reset_all_usage", "", "none"),
            Method("getResourceUsage", "(str)user", "get_resource_usage", "user", "ads", "list[ClassAd]"),
            Method(
                "getPriorities",
                "[(bool)rollup]",
                "get_priorities",
                "False if isinstance(rollup, Unset) else bool(rollup)",
                "ads",
                "list[ClassAd]",
            ),
        ),
        skipped={
            "set_floor": "v1 has no floors",
            "cancel_floor": "v1 has no floors",
            "cancel_ceiling": "v1 ends a ceiling by setting -1",
            "cancel_factor": "v1 has no leases",
        },
    ),
    Class(
        "Startd",
        "htcondor_async.startd",
        ("Startd",),
        (
            Method(
                "drainJobs",
                "[(int)drain_type=0 [, (int)on_completion=0 [, (object)check_expr='true' [, (object)start_expr='false' "
                "[, (object)reason='by command']]]]]",
                "drain_jobs",
                "drain_type_in(drain_type), on_completion, constraint_in(check_expr), constraint_in(start_expr), "
                "reason",
                returns="str",
            ),
            Method(
                "cancelDrainJobs",
                "[(object)request_id='']",
                "cancel_drain_jobs",
                "request_id or None",
                "none",
            ),
            Method(
                "history",
                "(object)requirements, (list)projection [, (int)match=-1 [, (object)since=None]]",
                "history",
                f"expression_constraint_in(requirements), {_PROJECTION}, match, since_in(since)",
                "history",
                "HistoryIterator",
            ),
        ),
    ),
    Class(
        "Credd",
        "htcondor_async.credd",
        ("Credd", "Schedd", "Master"),
        (
            Method("add_password", "(str)password [, (str)user='']", "add_password", "password, user", "none"),
            Method("delete_password", "[(str)user='']", "delete_password", "user", "none"),
            Method("query_password", "[(str)user='']", "query_password", "user", returns="bool"),
            Method(
                "add_user_cred",
                "(int)credtype, (object)credential [, (str)user='']",
                "add_user_cred",
                "cred_type_in(credtype), credential_in(credential), user",
                "none",
            ),
            Method(
                "delete_user_cred",
                "(int)credtype [, (str)user='']",
                "delete_user_cred",
                "cred_type_in(credtype), user",
                "none",
            ),
            Method(
                "query_user_cred",
                "(int)credtype [, (str)user='']",
                "query_user_cred",
                "cred_type_in(credtype), user",
                returns="int",
            ),
            Method(
                "add_user_service_cred",
                "(int)credtype, (object)credential, (str)service [, (str)handle='' [, (str)user='']]",
                "add_user_service_cred",
                "cred_type_in(credtype), credential_in(credential), service, handle, user",
                "none",
            ),
            Method(
                "delete_user_service_cred",
                "(int)credtype, (str)service [, (str)handle='' [, (str)user='']]",
                "delete_user_service_cred",
                "cred_type_in(credtype), service, handle, user",
                "none",
            ),
            Method(
                "query_user_service_cred",
                "(int)credtype, (str)service [, (str)handle='' [, (str)user='']]",
                "query_user_service_cred",
                "cred_type_in(credtype), service, handle, user",
                "cred_status",
                "CredStatus",
            ),
            Method(
                "check_user_service_creds",
                "(int)credtype, (list)services [, (str)user='']",
                "check_user_service_creds",
                "cred_type_in(credtype), [ad_in(ad) for ad in services], user",
                "cred_check",
                "CredCheck",
            ),
        ),
        default="Schedd",
    ),
)

HAND_WRITTEN: dict[str, str] = {
    "_ads": "conversions",
    "_arguments": "how v1 checks arguments",
    "_credentials": "what a credd says, as v1 shows it",
    "_daemons": "functions, whose arguments v1 finds out from the environment",
    "_enums": "how v1's enumerations behave",
    "_calls": "from coroutines to calls, from errors of the core to those of v1",
    "_coercions": "conversions of arguments",
    "_collector": "v1's constructor takes more than an ad, and location is None",
    "_facade": "the classad classes",
    "_handles": "locations",
    "_install": "the import system",
    "_job_log": "mappings over events",
    "_job_status": "v1's own Python enumeration",
    "_log_reader": "a file, no daemon",
    "_remote_param": "a mapping",
    "_iterators": "iterators over streams: no call of the core is theirs alone",
    "_leftovers": "nothing of the core is behind them",
    "_locks": "files, not daemons",
    "_logs": "logging of this process",
    "_param": "a mapping over the configuration",
    "_schedd": "the current transaction, submission, spooling",
    "_secman": "state of a thread",
    "_state": "the configuration and the client of this process",
    "_submission": "submit descriptions",
    "_submit": "the submit language",
    "_system": "this machine",
    "_tokens": "objects without a daemon",
    "_unserved": "the error of what is not served",
}

ENUMS: dict[str, dict[str, int]] = {
    "AdTypes": {
        "None": -1,
        "Startd": 0,
        "Schedd": 1,
        "Master": 2,
        "StartdPrivate": 5,
        "Submitter": 6,
        "Collector": 7,
        "License": 8,
        "Any": 10,
        "Negotiator": 13,
        "HAD": 14,
        "Generic": 15,
        "Credd": 16,
        "Grid": 19,
        "Defrag": 22,
        "Accounting": 23,
        "Slot": 24,
        "StartDaemon": 25,
    },
    "BlockingMode": {
        "NonBlocking": 0,
        "Blocking": 1,
    },
    "CredTypes": {
        "Kerberos": 32,
        "Password": 36,
        "OAuth": 40,
    },
    "DaemonCommands": {
        "Restart": 453,
        "DaemonsOff": 454,
        "DaemonsOn": 455,
        "DaemonsOffFast": 461,
        "DaemonOff": 467,
        "DaemonOffFast": 468,
        "DaemonOn": 469,
        "DaemonOffPeaceful": 483,
        "DaemonsOffPeaceful": 484,
        "RestartPeacful": 485,
        "OffGraceful": 60005,
        "OffFast": 60006,
        "Reconfig": 60012,
        "OffPeaceful": 60015,
        "SetPeacefulShutdown": 60016,
        "SetForceShutdown": 60041,
        "OffForce": 60042,
    },
    "DaemonTypes": {
        "None": 0,
        "Any": 1,
        "Master": 2,
        "Schedd": 3,
        "Startd": 4,
        "Collector": 5,
        "Negotiator": 6,
        "Credd": 13,
        "HAD": 17,
        "Generic": 18,
    },
    "DrainTypes": {
        "Graceful": 0,
        "Quick": 10,
        "Fast": 20,
    },
    "EntryType": {
        "Init": 0,
        "Error": 1,
        "NoChange": 2,
        "Reset": 3,
        "NewClassAd": 101,
        "DestroyClassAd": 102,
        "SetAttribute": 103,
        "DeleteAttribute": 104,
    },
    "FileTransferEventType": {
        "IN_QUEUED": 1,
        "IN_STARTED": 2,
        "IN_FINISHED": 3,
        "OUT_QUEUED": 4,
        "OUT_STARTED": 5,
        "OUT_FINISHED": 6,
    },
    "JobAction": {
        "Hold": 1,
        "Release": 2,
        "Remove": 3,
        "RemoveX": 4,
        "Vacate": 5,
        "VacateFast": 6,
        "Suspend": 8,
        "Continue": 9,
    },
    "JobEventType": {
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
    "LockType": {
        "ReadLock": 0,
        "WriteLock": 1,
    },
    "LogLevel": {
        "NoHeader": -2147483648,
        "Always": 0,
        "Terse": 0,
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
        "Verbose": 256,
        "FullDebug": 1024,
        "SubSecond": 67108864,
        "Timestamp": 134217728,
        "PID": 268435456,
    },
    "ProvisionerState": {
        "New": 0,
        "ProvisioningStarted": 1,
        "ProvisioningComplete": 2,
        "DeprovisioningStarted": 3,
        "DeprovisioningComplete": 4,
    },
    "QueryOpts": {
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
    "SubsystemType": {
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
    "TransactionFlags": {
        "None": 0,
        "NonDurable": 1,
        "SetDirty": 4,
        "ShouldLog": 8,
    },
    "VacateTypes": {
        "Graceful": 1,
        "Fast": 2,
    },
}
