"""The Requirements expression: what the user says, and the clauses that follow from the rest of the job.

Source: src/condor_utils/submit_utils.cpp, SubmitHash::SetRequirements.
"""

from __future__ import annotations

import re

from . import expressions
from .commands.policy import deferring_attribute
from .commands.program import image_kind
from .commands.transfer import WHEN
from .job import JobBuilder, Universe
from .versions import Version
from .words import is_url

__all__ = ["set_requirements"]

_OPSYS = frozenset({"opsys", "opsysandver", "opsyslongname", "opsysshortname", "opsysname", "opsyslegacy"})
_TRANSFERRING = frozenset({Universe.VANILLA, Universe.MPI, Universe.PARALLEL, Universe.JAVA, Universe.VM})
_DOMAIN = "(TARGET.FileSystemDomain == MY.FileSystemDomain)"
_MAC_CHECK = (
    "((MY.VM_CkptMac =?= UNDEFINED) || (TARGET.VM_All_Guest_Macs =?= UNDEFINED) || "
    '(stringListIMember(MY.VM_CkptMac, TARGET.VM_All_Guest_Macs, ",") == FALSE))'
)
_DEFERRAL = (
    "(((time() + ScheddInterval) >= (DeferralTime - DeferralPrepTime)) && (time() < (DeferralTime + DeferralWindow)))"
)
_DISK_SINCE = Version(25, 12, 0)
_CUDA = re.compile(r"\s*\+?(\d{1,9})(?:\.\+?(\d{1,9}))?")
_IMAGE_CLAUSES = {
    "WantDockerImage": "TARGET.HasDockerURL",
    "WantSIF": "TARGET.HasSIF",
    "WantSandboxImage": "TARGET.HasSandboxImage",
}


class _Clauses:
    """Clauses being collected, and what the user's part mentions."""

    def __init__(self, job: JobBuilder, given: list[str]) -> None:
        self.job = job
        self.parts = list(given)
        self.job_refs, self.machine_refs = expressions.references(" && ".join(given), {"requestmemory", "vm_ckptmac"})

    def mentions(self, *names: str) -> bool:
        """Return whether the user's part refers to one of these machine attributes (lower case)."""
        return not self.machine_refs.isdisjoint(names)

    def add(self, clause: str, *unless: str) -> None:
        """Add a clause unless the user's part mentions one of ``unless``."""
        if not unless or not self.mentions(*unless):
            self.parts.append(clause)


def set_requirements(job: JobBuilder) -> None:
    """Write Requirements, and what is known only with it."""
    own = job.param("requirements")
    if own is None:
        effective = job.param("FACTORY.Requirements") if job.macros.has("FACTORY.Requirements") else None
        if effective is not None:
            if effective.lower() != "my.requirements":
                job.set_expression("Requirements", effective, "requirements")
            return
    if job.param("MY.Requirements") is not None or job.param("+Requirements") is not None:
        if own is not None:
            job.warn("MY.Requirements (or +Requirements) overrides requirements; remove one of them")
        return
    given = [f"({own})"] if own is not None else []
    append = None
    if job.universe == Universe.VANILLA:
        append = job.settings.get("APPEND_REQ_VANILLA")
    elif job.universe == Universe.VM:
        append = job.settings.get("APPEND_REQ_VM")
    append = append or job.settings.get("APPEND_REQUIREMENTS")
    if append is not None:
        given.append(f"({append})")
    if job.universe == Universe.GRID and (
        job.grid_type.lower() != "condor" or not job.settings.flag("SUBMIT_GENERATE_CONDOR_C_REQUIREMENTS", True)
    ):
        job.set_expression("Requirements", " && ".join(given) or "TRUE", "requirements")
        return
    clauses = _Clauses(job, given)
    _platform(clauses)
    _disk(clauses)
    _memory(clauses)
    _cpus(clauses)
    _custom_resources(clauses)
    clauses_of_files(clauses)
    _rest(clauses)
    job.set_expression("Requirements", " && ".join(clauses.parts), "requirements")


def _platform(clauses: _Clauses) -> None:
    job = clauses.job
    arch = f'(TARGET.Arch == "{job.macros.built_in["arch"]}")'
    if job.universe == Universe.JAVA:
        clauses.add("TARGET.HasJava")
        return
    clauses.add(arch, "arch")
    if job.universe == Universe.VM:
        clauses.add("(TARGET.HasVM =?= true)", "hasvm")
        clauses.add("(TARGET.VM_Type == MY.JobVMType)", "vm_type")
        clauses.add("(TARGET.VM_AvailNum > 0)", "vm_availnum")
        if job.flag("JobVMCheckpoint") and "vm_ckptmac" not in clauses.job_refs:
            clauses.add(_MAC_CHECK)
    elif job.is_docker:
        clauses.add("TARGET.HasDocker")
        if (job.string("DockerNetworkType") or "none") not in ("host", "none", "nat"):
            clauses.add("StringListMember(My.DockerNetworkType, TARGET.DockerNetworks)")
    elif job.is_container:
        clauses.add("TARGET.HasContainer")
        image = job.string("ContainerImage")
        if job.has("DockerImage"):
            clauses.add("TARGET.HasDockerURL")
        elif image is not None:
            clauses.add(_IMAGE_CLAUSES[image_kind(image)])
    else:
        clauses.add(f'(TARGET.OpSys == "{job.macros.built_in["opsys"]}")', *_OPSYS)


def _exceeds(job: JobBuilder, attribute: str, limit: float) -> bool:
    """Return whether an attribute is an expression, or a constant above ``limit``."""
    is_literal, number = expressions.literal(job.get(attribute))
    return not (is_literal and type(number) in (int, float, bool)) or number > limit


def _disk(clauses: _Clauses) -> None:
    job = clauses.job
    asked = guarded = "(TARGET.Disk >= RequestDisk)"
    if job.target.version >= _DISK_SINCE and job.universe == Universe.VANILLA:
        guarded = f'(versionGE(split(TARGET.CondorVersion)[1], "{_DISK_SINCE}") || {asked})'
    if not clauses.mentions("disk"):
        if job.has("RequestDisk"):
            if _exceeds(job, "RequestDisk", 0):
                clauses.add(guarded)
        else:
            clauses.add(f"(TARGET.{'TotalDisk' if job.universe == Universe.VM else 'Disk'} >= DiskUsage)")
    elif job.universe != Universe.VM:
        if job.has("RequestDisk"):
            clauses.add(asked)
        if job.settings.flag("ENABLE_DEPRECATION_WARNINGS", False):
            job.warn("requirements mentions TARGET.Disk, which is obsolete: use request_disk", "disk")


def _memory(clauses: _Clauses) -> None:
    job = clauses.job
    if job.universe == Universe.VM:
        if (job.get("#vm_type") or "") != "xen":
            clauses.add("(TARGET.TotalMemory >= MY.JobVMMemory)")
        clauses.add("(TARGET.VM_Memory >= MY.JobVMMemory)", "vm_memory")
        if job.flag("JobVMHardwareVT"):
            clauses.add("TARGET.VM_HardwareVT", "vm_hardwarevt")
        if job.flag("JobVMNetworking"):
            clauses.add("TARGET.VM_Networking", "vm_networking")
            if job.has("JobVMNetworkingType"):
                clauses.add('stringListIMember(JobVMNetworkingType,TARGET.VM_Networking_Types,",")')
        return
    if job.has("RequestMemory") and _exceeds(job, "RequestMemory", 1):
        clauses.add("(TARGET.Memory >= RequestMemory)")
    if clauses.mentions("memory") and job.settings.flag("ENABLE_DEPRECATION_WARNINGS", False):
        job.warn("requirements mentions TARGET.Memory, which is obsolete: use request_memory", "memory")


def _cpus(clauses: _Clauses) -> None:
    job = clauses.job
    if job.universe != Universe.GRID and job.has("RequestCpus") and _exceeds(job, "RequestCpus", 1):
        clauses.add("(TARGET.Cpus >= RequestCpus)", "cpus")


def _custom_resources(clauses: _Clauses) -> None:
    job = clauses.job
    names = [
        name
        for name in job.names("request")
        if len(name) >= len("request") + 2
        and name[len("request")] != "_"
        and name.lower() not in ("requestcpus", "requestdisk", "requestmemory")
    ]
    if not job.settings.flag("SUBMIT_GENERATE_CUSTOM_RESOURCE_REQUIREMENTS", True):
        names = [name for name in names if name.lower() == "requestgpus"]
    for name in names:
        tag = name[len("request") :]
        if clauses.mentions(tag.lower()):
            continue
        value = job.evaluated(name)
        if isinstance(value, str):
            if value:
                clauses.add(f"regexp({name}, TARGET.{tag})")
        elif value is expressions.UNDEFINED or (type(value) in (int, float) and value > 0):
            if job.has(f"Require{tag}"):
                clauses.add(f"(countMatches(MY.Require{tag},TARGET.Available{tag}) >= {name})")
                if job.target.version < Version(9, 8, 0):
                    job.warn("the schedd is older than 9.8.0 and does not know resources with properties", "require")
            else:
                clauses.add(f"(TARGET.{tag} >= {name})")


def clauses_of_files(clauses: _Clauses) -> None:
    """Add the clauses about the tool daemon, encryption and file transfer."""
    job = clauses.job
    if job.has("ToolDaemonCmd"):
        clauses.add("TARGET.HasTDP", "hastdp")
    if job.flag("EncryptExecuteDirectory"):
        clauses.add("TARGET.HasEncryptExecuteDirectory", "encryptexecutedirectory")
    if job.universe == Universe.MPI and job.target.version.major < 25:
        clauses.add("TARGET.HasMPI", "hasmpi")
    if job.universe not in _TRANSFERRING:
        return
    should = (job.string("ShouldTransferFiles") or "IF_NEEDED").upper()
    if should == "NO":
        clauses.add(_DOMAIN, "filesystemdomain")
        return
    if clauses.mentions("hasfiletransfer", "hasjobtransferplugins"):
        return
    transfer = _transfer(clauses)
    if should == "IF_NEEDED" and not clauses.mentions("filesystemdomain"):
        clauses.add(f"({_DOMAIN} || ({transfer}))")
    else:
        clauses.add(f"({transfer})")


def _transfer(clauses: _Clauses) -> str:
    job = clauses.job
    parts = ["TARGET.HasJobTransferPlugins" if job.string("TransferPlugins") else "TARGET.HasFileTransfer"]
    encrypted = ("EncryptInputFiles", "EncryptOutputFiles", "DontEncryptInputFiles", "DontEncryptOutputFiles")
    if any(job.has(name) for name in encrypted) and not clauses.mentions("hasperfileencryption"):
        parts.append("TARGET.HasPerFileEncryption")
    when = WHEN.get((job.string("WhenToTransferOutput") or "").lower())
    if job.string("TransferCheckpoint") is not None or job.flag("PreserveRelativePaths") or when == "ON_SUCCESS":
        parts.append('versioncmp(split(TARGET.CondorVersion)[1],"8.9.7") >= 0')
    if job.target.version.major >= 25:
        if job.flag("RequireCommonFilesTransfer"):
            parts.append("TARGET.HasCommonFilesTransfer >= 2")
        destination = job.string("OutputDestination")
        if destination is not None and not is_url(destination):
            job.warn("output_destination must be a URL, did you mean output_directory?")
    schemes = [scheme for scheme in (job.get("#schemes") or "").split(",") if scheme]
    for scheme in schemes:
        if clauses.mentions("hasfiletransferpluginmethods"):
            continue
        parts.append(f'stringListIMember("{scheme}",TARGET.HasFileTransferPluginMethods)')
        if scheme.lower() in ("s3", "gs") and job.settings.flag("SIGN_S3_URLS", True):
            for attribute, key in (
                ("EC2AccessKeyId", "access_key_id_file"),
                ("EC2SecretAccessKey", "secret_access_key_file"),
            ):
                if not job.has(attribute):
                    kind = scheme.lower()
                    raise job.error(
                        f"{kind}:// URLs require {kind}_{key} to be set", "transfer_input_files", None, f"{kind}_{key}"
                    )
    if schemes:
        job.set("WantTransferPluginMethods", ",".join(schemes))
    return " && ".join(parts)


def _rest(clauses: _Clauses) -> None:
    job = clauses.job
    if deferring_attribute(job) is not None:
        if job.universe != Universe.LOCAL:
            clauses.add("TARGET.HasJobDeferral")
        if not job.has("ScheddInterval"):
            interval = job.settings.get("SCHEDD_INTERVAL")
            job.set_expression("ScheddInterval", interval or "300")
        clauses.add(_DEFERRAL)
    if job.flag("WantFTOnCheckpoint"):
        clauses.add("TARGET.HasSelfCheckpointTransfers", "hasselfcheckpointtransfers")
    version = job.string("CUDAVersion")
    if version is not None:
        match = _CUDA.fullmatch(version)
        if match is None:
            raise job.error(f"cuda_version={version} is invalid", "cuda_version", version, "x or x.y")
        major = int(match[1])
        if match[2] is not None:
            number = major * 1000 + int(match[2]) % 100
        else:
            number = major if major >= 1000 else major * 1000
        job.set("CUDAVersion", number)
        clauses.add("CUDAVersion <= TARGET.CUDAMaxSupportedVersion")
