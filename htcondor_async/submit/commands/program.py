"""Universe, directory, executable and images of a job."""

from __future__ import annotations

from htcondor_async.submit.job import JobBuilder, Universe
from htcondor_async.submit.values import leading_int, parse_bool
from htcondor_async.submit.words import absolute_path, collapse_slashes, strip_quotes

__all__ = [
    "image_kind",
    "is_cloud",
    "set_directory",
    "set_executable",
    "set_parallel",
    "set_universe",
    "shell_text",
    "universe_number",
]

_UNIVERSES = {
    "standard": 1,
    "pipe": 2,
    "linda": 3,
    "pvm": 4,
    "vanilla": 5,
    "pvmd": 6,
    "scheduler": 7,
    "mpi": 8,
    "grid": 9,
    "java": 10,
    "parallel": 11,
    "local": 12,
    "vm": 13,
}
_NAMES = {
    number: "PVM" if name == "pvm" else "PVMD" if name == "pvmd" else name.capitalize()
    for name, number in _UNIVERSES.items()
}
_GRID_TYPES = frozenset(["blah", "batch", "pbs", "sge", "lsf", "nqs", "naregi", "condor", "arc", "ec2", "gce", "azure"])
_BAD_IMAGES = ("instance://", "library://", "shub://")


def universe_number(text: str) -> int:
    """Return the number of a universe given by number or name; 0 if there is none."""
    return leading_int(text) or _UNIVERSES.get(text.lower(), 0)


def is_cloud(job: JobBuilder) -> bool:
    """Return whether this is a grid job of a kind whose executable is only a label."""
    return job.universe == Universe.GRID and job.grid_type.lower() in ("ec2", "gce", "azure")


def _grid_type(text: str) -> str:
    return text.partition(" ")[0]


def check_skip_filechecks(job: JobBuilder) -> None:
    """Validate ``skip_filechecks``."""
    text = job.param("skip_filechecks")
    if text is not None and text.lower() != "warn" and parse_bool(text) is None:
        raise job.error(f"skip_filechecks={text} is invalid", "skip_filechecks", text, "warn or a boolean")


def set_universe(job: JobBuilder) -> None:
    """Write JobUniverse and what depends on it alone. Only the first job of a cluster does this."""
    text = job.param("universe", "JobUniverse") or job.settings.get("DEFAULT_UNIVERSE")
    job.is_docker = job.is_container = False
    job.grid_type = ""
    job.universe = Universe.VANILLA
    if text is not None:
        job.universe = universe_number(text)
        if not job.universe and text.lower() in ("docker", "container"):
            job.universe = Universe.VANILLA
            job.is_docker = text.lower() == "docker"
            job.is_container = not job.is_docker
    if job.universe in (Universe.VANILLA, Universe.LOCAL):
        _images(job)
    job.set("JobUniverse", job.universe)
    _remote_universes(job)
    if job.bool_param("WantParallelScheduling"):
        job.set("WantParallelScheduling", True)
    if job.universe in (Universe.VANILLA, Universe.LOCAL):
        if job.is_docker:
            job.set("WantDocker", True)
        if job.is_container:
            job.set("WantContainer", True)
    elif job.universe == Universe.GRID:
        _grid(job)
    elif job.universe == Universe.VM:
        _virtual_machine(job)
    elif job.universe not in (Universe.JAVA, Universe.SCHEDULER, Universe.PARALLEL, Universe.MPI):
        names = "vanilla, docker, container, local, scheduler, grid, java, parallel or vm"
        if not job.universe:
            raise job.error(f"I don't know about the '{text}' universe", "universe", text, names)
        name = _NAMES.get(job.universe, "Unknown")
        raise job.error(f"'{name}' is not a supported universe", "universe", text, names)


def _images(job: JobBuilder) -> None:
    container = job.param("container_image", "ContainerImage")
    if job.is_docker:
        if container is not None:
            raise job.error("docker universe does not allow use of container_image", "container_image", container)
        return
    docker = job.param("docker_image", "DockerImage")
    if docker is not None and container is not None:
        raise job.error("cannot declare both docker_image and container_image", "docker_image", docker)
    if docker is not None or container is not None:
        job.is_container = True
        if docker is not None:
            job.set("WantDockerImage", True)


def _remote_universes(job: JobBuilder) -> None:
    for prefix in ("Remote_", "Remote_Remote_"):
        text = job.param(prefix + "universe", prefix + "JobUniverse")
        if text is not None:
            number = universe_number(text)
            if not number:
                raise job.error(f"Unknown {prefix}Universe of '{text}' specified", prefix + "universe", text)
            job.set(prefix + "JobUniverse", number)


def _grid(job: JobBuilder) -> None:
    text = job.param("grid_resource", "GridResource") or job.string("GridResource")
    if text is None:
        raise job.error("grid_resource attribute not defined for grid universe job", "grid_resource")
    job.grid_type = _grid_type(text)
    if job.grid_type and job.grid_type.lower() not in _GRID_TYPES:
        raise job.error(
            f"Invalid value '{job.grid_type}' for grid type",
            "grid_resource",
            text,
            "condor, batch, arc, ec2, gce, or azure",
        )


def _virtual_machine(job: JobBuilder) -> None:
    when = "ON_EXIT"
    if job.bool_param("vm_checkpoint", "JobVMCheckpoint"):
        if job.bool_param("vm_networking", "JobVMNetworking"):
            asked = job.param("WhenToTransferOutput", "when_to_transfer_output")
            if asked is None or asked.upper() not in ("ON_EXIT_OR_EVICT", "ALWAYS"):
                raise job.error(
                    "vm_checkpoint and vm_networking do not go together",
                    "vm_networking",
                    None,
                    "when_to_transfer_output = ON_EXIT_OR_EVICT with both of them",
                )
        when = "ON_EXIT_OR_EVICT"
    job.macros.set("ShouldTransferFiles", "YES")
    job.macros.set("WhenToTransferOutput", when)


def set_directory(job: JobBuilder) -> None:
    """Write Iwd, the directory that relative names start from."""
    text = job.param("initialdir", "Iwd")
    if text is None:
        text = job.param("initial_dir", "job_iwd")
    if text is None and job.macros.has("FACTORY.Iwd"):
        text = job.param("FACTORY.Iwd")
    cwd = job.environment.cwd()
    if text is None:
        iwd = cwd
    elif text.startswith("/"):
        iwd = text
    else:
        iwd = f"{cwd.rstrip('/')}/{text}"
    iwd = collapse_slashes(iwd)
    if job.get("#iwd") != iwd:
        path = collapse_slashes(f"/{iwd}")
        if not job.environment.access(path, 1):
            raise job.error(f"No such directory: {path}", "initialdir", text, "a directory that can be entered")
    job.set("#iwd", iwd)
    job.macros.cwd = iwd
    job.set("Iwd", iwd)
    submit_file = job.param("SUBMIT_FILE")
    if submit_file is not None:
        job.set("JobSubmitFile", submit_file)


def image_kind(image: str) -> str:
    """Return the attribute that says what kind of container image a name is."""
    image = image.strip()
    if image.startswith("docker:"):
        return "WantDockerImage"
    return "WantSIF" if image.endswith(".sif") else "WantSandboxImage"


def _docker_image(job: JobBuilder) -> None:
    text = job.param("docker_image", "DockerImage")
    if text is None:
        return
    image = strip_quotes(text)
    if not image:
        raise job.error(f"'{text}' is not a valid docker_image", "docker_image", text)
    job.set("DockerImage", image)


def _container_image(job: JobBuilder) -> None:
    text = job.param("container_image", "ContainerImage")
    if text is None:
        if not job.has("ContainerImage") and not job.has("DockerImage"):
            raise job.error("container jobs require a container_image or docker_image", "container_image")
        return
    image = strip_quotes(text)
    if not image or image.startswith(_BAD_IMAGES):
        raise job.error(
            f"'{text}' is not a valid container image",
            "container_image",
            text,
            "docker://name, a .sif file, a directory or a URL",
        )
    job.set("ContainerImage", image)
    job.set(image_kind(image), True)


def shell_text(job: JobBuilder) -> str | None:
    """Return the text that a shell is to run instead of an executable, or None. Version 25 and later."""
    if job.target.version.major < 25 or job.target.interactive:
        return None
    return job.param("shell")


def set_executable(job: JobBuilder) -> None:
    """Write Cmd, TransferExecutable, and the images of container jobs."""
    label = job.universe == Universe.VM or is_cloud(job)
    if job.is_docker:
        _docker_image(job)
        if not job.has("DockerImage"):
            raise job.error("docker jobs require a docker_image", "docker_image")
    if job.is_container:
        _docker_image(job)
        _container_image(job)
    if shell_text(job) is not None:
        job.set("Cmd", "/bin/sh")
        job.set("TransferExecutable", False)
        return
    name = job.param("executable", "Cmd")
    interactive = None
    if job.target.interactive:
        interactive = job.param("interactive_executable") or job.param("interactive_exectuable")
    nothing = name is None and interactive is not None
    if nothing:
        name = interactive
    if name is None:
        if job.has("Cmd"):
            return
        if not (job.is_docker or job.is_container):
            raise job.error("No 'executable' parameter was provided", "executable", None, "executable = program")
        label = True
    transfer = True
    text = job.param("transfer_executable", "TransferExecutable")
    if text is not None:
        transfer = text[0] not in "Ff"
    elif (
        (job.is_docker or job.is_container)
        and name is not None
        and name.startswith("/")
        and job.settings.flag("SUBMIT_CONTAINER_NEVER_XFER_ABSOLUTE_CMD", False)
    ):
        transfer = False
    if label:
        transfer = False
    if not transfer:
        job.set("TransferExecutable", False)
    command = absolute_path(job.environment.cwd(), name) if transfer and name is not None else name or ""
    if interactive is not None:
        if job.flag("TransferExecutable", True):
            if not nothing:
                job.set("OrigCmd", command)
            job.set("TransferExecutable", False)
        command = interactive
    job.set("Cmd", command)


def set_parallel(job: JobBuilder) -> None:
    """Write the number of machines of parallel jobs."""
    if job.universe in (Universe.MPI, Universe.PARALLEL) or job.flag("WantParallelScheduling"):
        text = job.param("machine_count", "MachineCount") or job.param("node_count", "NodeCount")
        if text is not None:
            count = leading_int(text)
            job.set("MinHosts", count)
            job.set("MaxHosts", count)
        elif not job.has("MaxHosts"):
            raise job.error("No machine_count specified", "machine_count", None, "machine_count = number of machines")
        if job.cluster is None:
            job.set("RequestCpus", 1)
    if job.universe == Universe.PARALLEL and job.cluster is None:
        job.set("WantIOProxy", True)
        job.set("JobRequiresSandbox", True)
