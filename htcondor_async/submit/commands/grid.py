"""Commands of the grid universe."""

from __future__ import annotations

from htcondor_async.submit.job import JobBuilder, Universe
from htcondor_async.submit.words import contains_fold, split_commas, split_list

__all__ = ["set_grid"]

_USE_ROLE = "FROM INSTANCE"

# (key, attribute, kind, grid type that needs it, what an error calls it)
_COMMANDS_BEFORE = (
    ("arc_rte", "ArcRte"),
    ("arc_resources", "ArcResources"),
    ("arc_application", "ArcApplication"),
    ("arc_data_staging", "ArcDataStaging"),
    ("batch_extra_submit_args", "BatchExtraSubmitArgs"),
    ("batch_project", "BatchProject"),
    ("batch_queue", "BatchQueue"),
)
_EC2_STRINGS = (
    ("ec2_instance_type", "EC2InstanceType"),
    ("ec2_vpc_subnet", "EC2VpcSubnet"),
    ("ec2_vpc_ip", "EC2VpcIp"),
    ("ec2_elastic_ip", "EC2ElasticIp"),
    ("ec2_availability_zone", "EC2AvailabilityZone"),
)
_EC2_MORE = (
    ("ec2_spot_price", "EC2SpotPrice"),
    ("ec2_block_device_mapping", "EC2BlockDeviceMapping"),
    ("ec2_user_data", "EC2UserData"),
)
_AZURE = (
    ("azure_image", "AzureImage"),
    ("azure_location", "AzureLocation"),
    ("azure_size", "AzureSize"),
    ("azure_admin_username", "AzureAdminUsername"),
    ("azure_admin_key", "AzureAdminKey"),
)


def set_grid(job: JobBuilder) -> None:
    """Write the attributes of a grid job."""
    if job.universe != Universe.GRID:
        return
    resource = job.copy_string("GridResource", "grid_resource", "GridResource")
    if resource is not None:
        if resource.lower() == "ec2":
            raise job.error("EC2 grid jobs require a service URL", "grid_resource", resource, "ec2 URL")
        job.grid_type = resource.partition(" ")[0]
    for key, attribute in _COMMANDS_BEFORE:
        job.copy_string(attribute, key, attribute)
    job.copy_expression("BatchRuntime", "batch_runtime", "BatchRuntime")
    kind = job.grid_type.lower()
    if kind == "batch":
        job.use_default_resources = False
    _ec2(job, kind)
    _gce(job, kind)
    _azure(job, kind)


def _required(job: JobBuilder, kind: str, wanted: str, attribute: str, key: str) -> None:
    if kind == wanted and not job.has(attribute):
        raise job.error(f"{wanted} jobs require a '{key}' parameter", key)


def _copy_path(job: JobBuilder, attribute: str, key: str) -> None:
    text = job.param(key, attribute)
    if text is not None:
        job.set(attribute, _checked_path(job, text, key))


def _checked_path(job: JobBuilder, text: str, key: str) -> str:
    path = job.full_path(text)
    if job.target.check_files:
        status = job.environment.stat(path)
        if status is None or status.is_directory or not job.environment.access(path, 4):
            raise job.error(f"{path} cannot be read", key, text, "a file")
    return path


def _ec2_key(job: JobBuilder, keys: tuple[str, str], attribute: str) -> None:
    text = job.param(keys[0], attribute) or job.param(keys[1], attribute)
    if text is None:
        return
    if text.upper() == _USE_ROLE:
        job.set("EC2AccessKeyId", _USE_ROLE)
        job.set("EC2SecretAccessKey", _USE_ROLE)
    else:
        job.set(attribute, _checked_path(job, text, keys[0]))


def _ec2(job: JobBuilder, kind: str) -> None:
    _ec2_key(job, ("ec2_access_key_id", "aws_access_key_id_file"), "EC2AccessKeyId")
    _ec2_key(job, ("ec2_secret_access_key", "aws_secret_access_key_file"), "EC2SecretAccessKey")
    _required(job, kind, "ec2", "EC2AccessKeyId", "ec2_access_key_id")
    _required(job, kind, "ec2", "EC2SecretAccessKey", "ec2_secret_access_key")
    pair = job.param("ec2_keypair", "EC2KeyPair") or job.param("ec2_keyp_air", "EC2KeyPair")
    if pair is not None:
        job.set("EC2KeyPair", pair)
    pair_file = job.param("ec2_keypair_file", "EC2KeyPairFile") or job.param("ec2_key_pair_file", "EC2KeyPairFile")
    if pair_file is not None:
        if job.has("EC2KeyPair"):
            job.warn("both ec2_keypair and ec2_keypair_file are given; ec2_keypair_file is ignored")
        else:
            job.set("EC2KeyPairFile", job.full_path(pair_file))
    job.copy_string("EC2SecurityGroups", "ec2_security_groups", "EC2SecurityGroups")
    job.copy_string("EC2SecurityIDs", "ec2_security_ids", "EC2SecurityIDs")
    job.copy_string("EC2AmiID", "ec2_ami_id", "EC2AmiID")
    _required(job, kind, "ec2", "EC2AmiID", "ec2_ami_id")
    for key, attribute in _EC2_STRINGS:
        job.copy_string(attribute, key, attribute)
    _ec2_volumes(job)
    for key, attribute in _EC2_MORE:
        job.copy_string(attribute, key, attribute)
    _copy_path(job, "EC2UserDataFile", "ec2_user_data_file")
    job.copy_string("EC2IamProfileArn", "ec2_iam_profile_arn", "EC2IamProfileArn")
    profile = job.param("ec2_iam_profile_name", "EC2IamProfileName")
    if profile is not None:
        # The real one takes the name only beside an ARN, and warns of both where there is no ARN.
        if job.has("EC2IamProfileArn"):
            job.set("EC2IamProfileName", profile)
        else:
            job.warn("ec2_iam_profile_name is used only beside ec2_iam_profile_arn, and is ignored")
    _ec2_parameters(job)
    _pairs(job, "ec2_tag_names", "EC2TagNames", "ec2_tag_", "EC2Tag", kind)
    _pairs(job, "cloud_label_names", "CloudLabelNames", "cloud_label_", "CloudLabel", kind)


def _ec2_volumes(job: JobBuilder) -> None:
    key = "ec2_ebs_volumes"
    text = job.param(key, "EC2ElasticBlockStorageVolumes")
    if text is None:
        return
    entries = split_commas(text)
    if not entries or any(entry.count(":") != 1 for entry in entries):
        raise job.error(f"{key} has a wrong format", key, text, "volume:device, separated by commas")
    if not job.has("EC2AvailabilityZone"):
        raise job.error(f"{key} requires ec2_availability_zone", key, text)
    job.set("EC2ElasticBlockStorageVolumes", text)


def _ec2_parameters(job: JobBuilder) -> None:
    listed = job.param("ec2_parameter_names", "EC2ParamNames") or job.string("EC2ParamNames")
    names = split_list(listed) if listed is not None else []
    prefix = "ec2_parameter_"
    for key in job.macros:
        if key.lower() == "ec2_parameter_names" or not key.lower().startswith(prefix):
            continue
        name = key[len(prefix) :]
        job.set(f"EC2Param_{name}", job.macros.exact(key) or "")
        job.macros.used.add(key.lower())
        if not contains_fold([entry.replace(".", "_") for entry in names], name):
            names.append(name)
    if names:
        job.set("EC2ParamNames", ", ".join(names))


def _pairs(job: JobBuilder, names_key: str, names_attribute: str, key_prefix: str, prefix: str, kind: str) -> None:
    """Write tags or labels: one attribute each, and a list of their names."""
    listed = job.param(names_key, names_attribute) or job.string(names_attribute)
    names = split_list(listed) if listed is not None else []
    for key in job.macros:
        lower = key.lower()
        for start in (key_prefix, prefix.lower()):
            if lower.startswith(start) and len(lower) > len(start):
                name = key[len(start) :]
                if not name.lower().startswith("names") and not contains_fold(names, name):
                    names.append(name)
                break
    for name in names:
        job.copy_string(prefix + name, key_prefix + name, prefix + name)
    if kind == "ec2" and not contains_fold(names, "Name") and job.bool_param("WantNameTag") is not False:
        command = job.string("Cmd")
        if command is not None:
            job.set(f"{prefix}Name", command)
    if names:
        job.set(names_attribute, ",".join(names))


def _gce(job: JobBuilder, kind: str) -> None:
    _copy_path(job, "GceAuthFile", "gce_auth_file")
    job.copy_string("GceAccount", "gce_account", "GceAccount")
    job.copy_string("GceImage", "gce_image", "GceImage")
    _required(job, kind, "gce", "GceImage", "gce_image")
    job.copy_string("GceMachineType", "gce_machine_type", "GceMachineType")
    _required(job, kind, "gce", "GceMachineType", "gce_machine_type")
    metadata = job.param("gce_metadata", "GceMetadata")
    if metadata is not None:
        job.set("GceMetadata", ",".join(split_commas(metadata)))
    _copy_path(job, "GceMetadataFile", "gce_metadata_file")
    preemptible = job.bool_param("gce_preemptible", "GcePreemptible")
    if preemptible is not None:
        job.set("GcePreemptible", preemptible)
    _copy_path(job, "GceJsonFile", "gce_json_file")


def _azure(job: JobBuilder, kind: str) -> None:
    _copy_path(job, "AzureAuthFile", "azure_auth_file")
    for key, attribute in _AZURE:
        job.copy_string(attribute, key, attribute)
        _required(job, kind, "azure", attribute, key)
