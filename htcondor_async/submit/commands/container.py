"""Container images: which of them are transferred, and what docker needs for that."""

from __future__ import annotations

import hashlib
import re

from htcondor_async.submit.job import JobBuilder
from htcondor_async.submit.words import is_url, split_commas

from .sizes import size_kb

__all__ = ["check_docker_credentials", "collect_container"]


def collect_container(job: JobBuilder) -> None:
    """Note the container image if it is transferred, and write where it comes from."""
    name = _container_file(job) if job.is_container else None
    job.set("#has_container", name is not None)
    if name is not None and _is_common(job, name):
        _add_catalog(job, name)
        name = None
    job.set("#container", name or "")
    job.set("#container_kb", size_kb(job, name) if name is not None else 0)


def _is_common(job: JobBuilder, image: str) -> bool:
    """Return whether the jobs of a machine are to share one copy of a container image."""
    if job.target.version.major < 25:
        return False
    common = job.settings.flag("CONTAINER_IMAGES_COMMON_BY_DEFAULT", False)
    pattern = job.settings.get("CONTAINER_REGEX_COMMON_BY_DEFAULT")
    if pattern is not None:
        try:
            common = common or re.fullmatch(pattern, image) is not None
        except re.error as error:
            job.warn(f"CONTAINER_REGEX_COMMON_BY_DEFAULT is ignored, it is not valid: {error}", "container_regex")
    return job.flag("ContainerIsCommon", common)


def _add_catalog(job: JobBuilder, image: str) -> None:
    """Write the catalog of common files that an image is, named by its place so that it cannot meet another one."""
    place = image if is_url(image) else job.full_path(image)
    catalog = f"container_{hashlib.sha256(place.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"
    job.set(f"_x_catalog_{catalog}", image)
    catalogs = job.string("CommonInputCatalogs") or ""
    if catalog not in catalogs:
        job.set("CommonInputCatalogs", f"{catalogs}, {catalog}" if catalogs else catalog)


def check_docker_credentials(job: JobBuilder) -> None:
    """Look whether there are the credentials that ``docker_send_credentials`` sends."""
    if job.target.version.major < 25 or not job.flag("DockerSendCredentials"):
        return
    home = job.environment.environ.get("HOME")
    expected = "credentials in .docker/config.json of the home directory"
    if home is None:
        raise job.error(
            "HOME is not set, so there are no docker credentials", "docker_send_credentials", None, expected
        )
    name = f"{home}/.docker/config.json"
    if job.environment.stat(name) is None:
        raise job.error(f"there is no docker credentials file {name}", "docker_send_credentials", None, expected)


def _container_file(job: JobBuilder) -> str | None:
    image = job.param("container_image", "ContainerImage")
    if not job.flag("TransferContainer", True):
        job.set("ContainerImageSource", "local")
        return None
    if image is None:
        return None
    shared = split_commas(job.settings.get("CONTAINER_SHARED_FS") or "")
    if any(image.startswith(base) for base in shared):
        job.set("ContainerImageSource", "local")
        return None
    for scheme in ("docker", "oras"):
        if image.startswith(f"{scheme}://"):
            job.set("ContainerImageSource", scheme)
            return None
    name = image[:-1] if image.endswith("/") else image
    if job.target.version.major >= 25:
        job.set("ContainerImageFullPath", image)
    job.set("ContainerImage", name.rpartition("/")[2])
    scheme, colon, _ = name.partition(":")
    job.set("ContainerImageSource", scheme if colon else "cedar")
    return image
