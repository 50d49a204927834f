"""Commands that copy one value into one attribute, as a table.

``kind`` says how: an expression, a boolean, an integer (``uint``: not negative), a string, a list (a string whose
entries are joined with commas), or a path (a string seen from the job's directory). The attribute's name is accepted as
a key too. An entry marked ``otherwise`` is looked at only if the one before it was not given.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from htcondor_async.classad._values import Value
from htcondor_async.submit.job import JobBuilder, Step
from htcondor_async.submit.values import parse_bool, parse_int
from htcondor_async.submit.words import split_list, strip_quotes

__all__ = ["KNOWN_KEYS", "SIMPLE", "SPECIAL", "Command", "extended_steps", "simple_steps"]


@attrs.frozen
class Command:
    """A command: its key, its attribute, the kind of its value, and two marks."""

    key: str
    attribute: str
    kind: str
    strip: bool = False
    otherwise: bool = False


def _rows(text: str) -> tuple[Command, ...]:
    found = []
    for line in text.strip().splitlines():
        key, attribute, kind, *marks = line.split()
        found.append(Command(key, attribute, kind, "strip" in marks, "otherwise" in marks))
    return tuple(found)


SIMPLE = _rows(
    """
    next_job_start_delay               NextJobStartDelay             expression
    keep_claim_idle                    KeepClaimIdle                 expression
    job_ad_information_attrs           JobAdInformationAttrs         string
    ulog_execute_attrs                 UserLogExecuteEventAttrs      string
    max_idle                           JobMaterializeMaxIdle         expression
    materialize_max_idle               JobMaterializeMaxIdle         expression otherwise
    docker_network_type                DockerNetworkType             string
    docker_pull_policy                 DockerPullPolicy              string
    docker_override_entrypoint         DockerOverrideEntrypoint      boolean
    container_target_dir               ContainerTargetDir            string strip
    transfer_container                 TransferContainer             boolean
    transfer_plugins                   TransferPlugins               string
    want_io_proxy                      WantIOProxy                   boolean
    starter_debug                      JobStarterDebug               string strip
    starter_log                        JobStarterLog                 path strip
    job_machine_attrs                  JobMachineAttrs               string
    job_machine_attrs_history_length   JobMachineAttrsHistoryLength  integer
    notify_user                        NotifyUser                    string
    email_attributes                   EmailAttributes               list
    remote_initialdir                  RemoteIwd                     string
    Remote_grid_resource               Remote_GridResource           string
    Remote_Remote_grid_resource        Remote_Remote_GridResource    string
    output_destination                 OutputDestination             string
    want_graceful_removal              WantGracefulRemoval           expression
    job_max_vacate_time                JobMaxVacateTime              expression
    encrypt_execute_directory          EncryptExecuteDirectory       boolean
    encrypt_input_files                EncryptInputFiles             string
    encrypt_output_files               EncryptOutputFiles            string
    dont_encrypt_input_files           DontEncryptInputFiles         string
    dont_encrypt_output_files          DontEncryptOutputFiles        string
    load_profile                       LoadProfile                   boolean
    file_remaps                        FileRemaps                    expression
    buffer_files                       BufferFiles                   expression
    buffer_size                        BufferSize                    expression
    buffer_block_size                  BufferBlockSize               expression
    fetch_files                        FetchFiles                    string
    compress_files                     CompressFiles                 string
    append_files                       AppendFiles                   string
    local_files                        LocalFiles                    string
    log                                UserLog                       path
    dagman_log                         DAGManNodesLog                path
    log_xml                            UserLogUseXML                 boolean
    noop_job                           IsNoopJob                     expression
    noop_job_exit_signal               NoopJobExitSignal             expression
    noop_job_exit_code                 NoopJobExitCode               expression
    dag_node_name                      DAGNodeName                   string
    match_list_length                  LastMatchListLength           integer
    dagman_job_id                      DAGManJobId                   uint
    submit_event_notes                 SubmitEventNotes              string
    submit_event_user_notes            SubmitEventUserNotes          string
    stack_size                         StackSize                     expression
    jar_files                          JarFiles                      string
    parallel_script_shadow             ParallelScriptShadow          string
    parallel_script_starter            ParallelScriptStarter         string
    cron_minute                        CronMinute                    string
    cron_hour                          CronHour                      string
    cron_day_of_month                  CronDayOfMonth                string
    cron_month                         CronMonth                     string
    cron_day_of_week                   CronDayOfWeek                 string
    description                        JobDescription                string
    batch_name                         JobBatchName                  string strip
    batch_id                           JobBatchId                    string strip
    max_job_retirement_time            MaxJobRetirementTime          expression
    job_lease_duration                 JobLeaseDuration              expression
    core_size                          CoreSize                      integer
    priority                           JobPrio                       integer
    prio                               JobPrio                       integer otherwise
    run_as_owner                       RunAsOwner                    boolean
    max_transfer_input_mb              MaxTransferInputMB            expression
    max_transfer_output_mb             MaxTransferOutputMB           expression
    manifest                           ManifestDesired               boolean
    manifest_dir                       ManifestDir                   string
    checkpoint_exit_code               SuccessCheckpointExitCode     integer
    checkpoint_destination             CheckpointDestination         string
    aws_region                         AWSRegion                     string
    aws_access_key_id_file             EC2AccessKeyId                string
    aws_secret_access_key_file         EC2SecretAccessKey            string
    s3_access_key_id_file              EC2AccessKeyId                string
    s3_secret_access_key_file          EC2SecretAccessKey            string
    gs_access_key_id_file              EC2AccessKeyId                string
    gs_secret_access_key_file          EC2SecretAccessKey            string
    erase_output_and_error_on_restart  EraseOutputAndErrorOnRestart  boolean
    transfer_checkpoint_files          TransferCheckpoint            string
    preserve_relative_paths            PreserveRelativePaths         boolean
    cuda_version                       CUDAVersion                   string
    skip_if_dataflow                   SkipIfDataflow                boolean
    allowed_job_duration               AllowedJobDuration            expression
    allowed_execute_duration           AllowedExecuteDuration        expression
    jobset                             JobSetName                    string strip
    """
)

# Commands that came with version 25.
SIMPLE_25 = _rows(
    """
    docker_send_credentials            DockerSendCredentials         boolean
    mount_under_scratch                MountUnderScratch             string strip
    want_job_networking                WantJobNetworking             boolean
    container_is_common                ContainerIsCommon             boolean
    project_name                       ProjectName                   string
    output_directory                   OutputDirectory               path
    primary_unix_group                 PrimaryUnixGroup              string
    submit_event_notes_attrs           SubmitEventNotesAttrs         string
    """
)

# Commands with code of their own, and the attribute they set; "-" for none.
SPECIAL: dict[str, str] = dict(
    line.split()
    for line in """
    container_image ContainerImage
    docker_image DockerImage
    executable Cmd
    transfer_executable TransferExecutable
    arguments Args
    arguments2 -
    allow_arguments_v1 -
    request_cpus RequestCpus
    request_disk RequestDisk
    request_memory RequestMemory
    request_gpus RequestGPUs
    gpus_minimum_capability GPUsMinCapability
    gpus_maximum_capability GPUsMaxCapability
    gpus_minimum_memory GPUsMinMemory
    gpus_minimum_runtime GPUsMinRuntime
    request_gpu_memory -
    request_gpus_memory -
    grid_resource GridResource
    arc_rte ArcRte
    batch_extra_submit_args BatchExtraSubmitArgs
    batch_project BatchProject
    batch_queue BatchQueue
    batch_runtime BatchRuntime
    ec2_access_key_id EC2AccessKeyId
    ec2_secret_access_key EC2SecretAccessKey
    ec2_keypair EC2KeyPair
    ec2_keyp_air EC2KeyPair
    ec2_keypair_file EC2KeyPairFile
    ec2_key_pair_file EC2KeyPairFile
    ec2_security_groups EC2SecurityGroups
    ec2_security_ids EC2SecurityIDs
    ec2_ami_id EC2AmiID
    ec2_instance_type EC2InstanceType
    ec2_vpc_subnet EC2VpcSubnet
    ec2_vpc_ip EC2VpcIp
    ec2_elastic_ip EC2ElasticIp
    ec2_availability_zone EC2AvailabilityZone
    ec2_ebs_volumes EC2ElasticBlockStorageVolumes
    ec2_spot_price EC2SpotPrice
    ec2_block_device_mapping EC2BlockDeviceMapping
    ec2_user_data EC2UserData
    ec2_user_data_file EC2UserDataFile
    ec2_iam_profile_arn EC2IamProfileArn
    ec2_iam_profile_name EC2IamProfileName
    ec2_parameter_names EC2ParamNames
    ec2_tag_names EC2TagNames
    gce_auth_file GceAuthFile
    gce_account GceAccount
    gce_image GceImage
    gce_machine_type GceMachineType
    gce_metadata GceMetadata
    gce_metadata_file GceMetadataFile
    gce_preemptible GcePreemptible
    gce_json_file GceJsonFile
    azure_auth_file AzureAuthFile
    azure_image AzureImage
    azure_location AzureLocation
    azure_size AzureSize
    azure_admin_username AzureAdminUsername
    azure_admin_key AzureAdminKey
    vm_type JobVMType
    vm_checkpoint JobVMCheckpoint
    vm_networking JobVMNetworking
    vm_networking_type JobVMNetworkingType
    vm_vnc JobVMVNCConsole
    vm_memory -
    vm_vcpus -
    vm_macaddr JobVM_MACADDR
    vm_no_output_vm -
    xen_kernel VMPARAM_Xen_Kernel
    xen_initrd -
    xen_root -
    xen_kernel_params -
    vm_disk -
    java_vm_arguments JavaVMArgs
    java_vm_args JavaVMArgs
    java_vm_arguments2 -
    WantParallelScheduling WantParallelScheduling
    machine_count MachineCount
    node_count MachineCount
    NodeCount MachineCount
    environment env
    environment2 -
    allow_environment_v1 -
    getenv -
    get_env -
    notification JobNotification
    rank Rank
    preferences Rank
    concurrency_limits ConcurrencyLimits
    concurrency_limits_expr ConcurrencyLimits
    nice_user NiceUser
    accounting_group AccountingGroup
    accounting_group_user AcctGroupUser
    transfer_input TransferIn
    stream_input StreamIn
    input In
    stdin In
    transfer_output TransferOut
    stream_output StreamOut
    output Out
    stdout Out
    transfer_error TransferErr
    stream_error StreamErr
    error Err
    stderr Err
    periodic_hold PeriodicHold
    periodic_hold_reason PeriodicHoldReason
    periodic_hold_subcode PeriodicHoldSubCode
    periodic_release PeriodicRelease
    periodic_remove PeriodicRemove
    periodic_vacate PeriodicVacate
    on_exit_hold_reason OnExitHoldReason
    on_exit_hold_subcode OnExitHoldSubCode
    leave_in_queue LeaveJobInQueue
    on_exit_remove OnExitRemove
    on_exit_hold OnExitHold
    max_retries JobMaxRetries
    success_exit_code JobSuccessExitCode
    retry_until -
    kill_sig KillSig
    remove_kill_sig RemoveKillSig
    hold_kill_sig HoldKillSig
    kill_sig_timeout KillSigTimeout
    use_x509userproxy -
    x509userproxy x509userproxy
    use_scitokens -
    use_scitoken -
    scitokens_file ScitokensFile
    DelegateJobGSICredentialsLifetime DelegateJobGSICredentialsLifetime
    tool_daemon_cmd ToolDaemonCmd
    tool_daemon_input ToolDaemonInput
    tool_daemon_error ToolDaemonError
    tool_daemon_output ToolDaemonOutput
    tool_daemon_arguments ToolDaemonArgs
    tool_daemon_args ToolDaemonArgs
    tool_daemon_arguments2 ToolDaemonArgs
    suspend_job_at_exec SuspendJobAtExec
    deferral_time DeferralTime
    cron_window DeferralWindow
    CronWindow DeferralWindow
    deferral_window DeferralWindow
    cron_prep_time DeferralPrepTime
    CronPrepTime DeferralPrepTime
    deferral_prep_time DeferralPrepTime
    image_size ImageSize
    transfer_input_files TransferInput
    TransferInputFiles TransferInput
    transfer_output_files TransferOutput
    TransferOutputFiles TransferOutput
    should_transfer_files ShouldTransferFiles
    when_to_transfer_output WhenToTransferOutput
    transfer_output_remaps TransferOutputRemaps
    container_service_names ContainerServiceNames
    """.strip().splitlines()
)

# Keys that mean something and stay in a digest.
_OTHERS = """
    universe requirements hold initialdir initial_dir job_iwd disk_usage skip_filechecks require_gpus max_materialize
    remote_universe remote_remote_universe arc_resources arc_application arc_data_staging use_oauth_services
    UseOAuthServices public_input_files delegate_job_gsi_credentials_lifetime WantNameTag cloud_label_names
    interactive_exectuable interactive_executable interactive_args memory_usage copy_to_spool exit_requirements
    rendezvousdir send_credential want_ads SubmitWarnEmptyMatches SubmitFailEmptyMatches SubmitWarnDuplicateMatches
    SubmitFailEmptyFields SubmitWarnEmptyFields SubmitAllowDuplicateMatches SubmitMatchDirectories Iwd JobUniverse
    on_evict_checks TransformOnEvict retry_request_memory retry_request_memory_max retry_request_memory_increase
    retry_request_disk transfer_common_input CommonInputFiles shell
"""


def _known() -> frozenset[str]:
    names: set[str] = set()
    for command in (*SIMPLE, *SIMPLE_25):
        names.update((command.key.lower(), command.attribute.lower()))
    for key, attribute in SPECIAL.items():
        names.update((key.lower(), attribute.lower()))
    names.update(name.lower() for name in _OTHERS.split())
    return frozenset(names - {"-"})


KNOWN_KEYS = _known()


def _apply(job: JobBuilder, command: Command, text: str) -> None:
    kind = command.kind
    if kind == "expression":
        job.set_expression(command.attribute, text, command.key)
    elif kind == "boolean":
        value = parse_bool(text)
        if value is None:
            raise job.error(
                f"{command.key}={text} is invalid, must eval to a boolean", command.key, text, "true or false"
            )
        job.set(command.attribute, value)
    elif kind in ("integer", "uint"):
        number = parse_int(text)
        if number is None:
            raise job.error(
                f"{command.key}={text} is invalid, must eval to an integer", command.key, text, "a whole number"
            )
        if number < 0 and kind == "uint":
            raise job.error(f"{command.key}={text} is invalid, must eval to a non-negative integer", command.key, text)
        job.set(command.attribute, number)
    else:
        if command.strip:
            text = strip_quotes(text)
        if kind == "list":
            text = ",".join(split_list(text))
        elif kind == "path" and text:
            text = job.full_path(text)
        job.set(command.attribute, text)


def _step(commands: tuple[Command, ...]) -> Step:
    def apply(job: JobBuilder) -> None:
        given = False
        for command in commands:
            if command.otherwise and given:
                given = False
                continue
            text = job.param(command.key, command.attribute)
            given = text is not None
            if text is not None:
                _apply(job, command, text)

    return apply


def simple_steps(job: JobBuilder) -> Iterator[Step]:
    """Yield a step for each command of the table that the description has."""
    table = SIMPLE + SIMPLE_25 if job.target.version.major >= 25 else SIMPLE
    has = job.macros.has
    position = 0
    while position < len(table):
        group = [table[position]]
        position += 1
        while position < len(table) and table[position].otherwise:
            group.append(table[position])
            position += 1
        if any(has(command.key) or has(command.attribute) for command in group):
            yield _step(tuple(group))


def extended_steps(job: JobBuilder) -> Iterator[Step]:
    """Yield a step for each further command that the schedd announces; an example value says of what kind it is."""
    for name, example in job.target.extended_commands.items():
        if not job.macros.has(name):
            continue
        kind, strip = "expression", False
        if example is Value.Undefined:
            continue
        if example is Value.Error:
            kind = "disabled"
        elif isinstance(example, bool):
            kind = "boolean"
        elif isinstance(example, int):
            kind = "integer" if example < 0 else "uint"
        elif isinstance(example, str):
            strip = True
            kind = "list" if "," in example else "path" if example.lower().startswith("file") else "string"
        if kind == "disabled":
            yield _disabled(name)
        else:
            yield _step((Command(name, name, kind, strip),))


def _disabled(name: str) -> Step:
    def refuse(job: JobBuilder) -> None:
        text = job.param(name)
        if text is not None:
            raise job.error(f"the administrator of the schedd has disabled the command {name}", name, text)

    return refuse
