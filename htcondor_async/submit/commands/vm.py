"""Commands of the vm universe."""

from __future__ import annotations

from htcondor_async.submit.job import JobBuilder, Universe
from htcondor_async.submit.values import leading_int, parse_size
from htcondor_async.submit.words import split_commas

__all__ = ["set_virtual_machine"]


def _flag(job: JobBuilder, key: str, attribute: str) -> bool:
    value = job.bool_param(key, attribute)
    if value is None:
        if job.has(attribute):
            return job.flag(attribute)
        value = False
    job.set(attribute, value)
    return value


def set_virtual_machine(job: JobBuilder) -> None:
    """Write the attributes of a virtual machine job."""
    if job.universe != Universe.VM:
        return
    kind = job.param("vm_type", "JobVMType")
    if kind is not None:
        kind = kind.lower()
        job.set("JobVMType", kind)
    else:
        kind = job.string("JobVMType") or ""
    job.set("#vm_type", kind)
    _flag(job, "vm_checkpoint", "JobVMCheckpoint")
    if _flag(job, "vm_networking", "JobVMNetworking"):
        job.copy_string("JobVMNetworkingType", "vm_networking_type", "JobVMNetworkingType")
    _flag(job, "vm_vnc", "JobVMVNCConsole")
    _memory(job)
    cpus = job.param("vm_vcpus", "JobVM_VCPUS")
    if cpus is not None:
        job.set("JobVM_VCPUS", max(1, leading_int(cpus)))
    elif not job.has("JobVM_VCPUS"):
        job.set("JobVM_VCPUS", 1)
    job.copy_string("JobVM_MACADDR", "vm_macaddr", "JobVM_MACADDR")
    no_output = job.bool_param("vm_no_output_vm")
    if no_output is not None:
        job.set("VMPARAM_No_Output_VM", no_output)
    if kind == "xen":
        _xen(job)
    if kind in ("xen", "kvm"):
        _disk(job)
    elif kind == "vmware":
        raise job.error("A vm_type of 'vmware' is no longer supported", "vm_type", kind, "kvm or xen")


def _memory(job: JobBuilder) -> None:
    text = job.param("vm_memory", "JobVMMemory")
    if text is not None:
        size = parse_size(text, 1024 * 1024)
        if size is None or size.amount <= 0:
            raise job.error(f"vm_memory={text} is not a size", "vm_memory", text, "megabytes, as in 128")
        job.set("JobVMMemory", size.amount)
    elif not job.has("JobVMMemory"):
        raise job.error("vm universe needs vm_memory", "vm_memory", None, "vm_memory = megabytes")
    job.set("ExecutableSize", job.integer("JobVMMemory") * 1024)


def _xen(job: JobBuilder) -> None:
    kernel = job.copy_string("VMPARAM_Xen_Kernel", "xen_kernel", "VMPARAM_Xen_Kernel")
    if kernel is None:
        kernel = job.string("VMPARAM_Xen_Kernel")
    if kernel is None:
        raise job.error("vm_type = xen needs xen_kernel", "xen_kernel", None, "included, vmx or a file name")
    real = kernel.lower() not in ("included", "vmx")
    if kernel.lower() == "vmx":
        job.set("JobVMHardwareVT", True)
    initrd = job.param("xen_initrd")
    if initrd is not None:
        if not real:
            raise job.error("xen_initrd needs a kernel file in xen_kernel", "xen_initrd", initrd)
        job.set("VMPARAM_Xen_Initrd", initrd)
    if real:
        root = job.param("xen_root")
        if root is None:
            raise job.error("a kernel file in xen_kernel needs xen_root", "xen_root")
        job.set("VMPARAM_Xen_Root", root)
    parameters = job.param("xen_kernel_params", "VMPARAM_Xen_Kernel_Params")
    if parameters is not None:
        if len(parameters) > 1 and parameters[0] == parameters[-1] and parameters[0] in "\"'":
            parameters = parameters[1:-1]
        job.set("VMPARAM_Xen_Kernel_Params", parameters)


def _disk(job: JobBuilder) -> None:
    text = job.param("vm_disk")
    if text is None:
        if not job.has("VMPARAM_vm_Disk"):
            raise job.error("this vm_type needs vm_disk", "vm_disk", None, "file:device:permission")
        return
    disks = split_commas(text)
    if not disks or any(not 2 <= disk.count(":") <= 3 for disk in disks):
        raise job.error("vm_disk has a wrong format", "vm_disk", text, "file:device:permission, separated by commas")
    job.set("VMPARAM_vm_Disk", text)
