"""How much room the files of a job need."""

from __future__ import annotations

from htcondor_async.submit.job import JobBuilder
from htcondor_async.submit.words import is_url

__all__ = ["size_kb"]

_MAX_DIRECTORY_ENTRIES = 1_000_000


def size_kb(job: JobBuilder, name: str) -> int:
    """Return the size of a file or directory in KiB, rounded up; 0 if it is not there."""
    if is_url(name):
        return 0
    path = job.full_path(name)
    status = job.environment.stat(path)
    if status is None:
        return 0
    if not status.is_directory:
        return (status.size + 1023) // 1024
    return (_directory_size(job, path) + 1023) // 1024


def _directory_size(job: JobBuilder, top: str) -> int:
    total = 0
    pending = [top]
    left = _MAX_DIRECTORY_ENTRIES
    while pending:
        directory = pending.pop()
        try:
            names = job.environment.list_directory(directory)
        except OSError:
            # What cannot be looked into counts nothing, as in the real one.
            continue
        for name in names:
            left -= 1
            if left < 0:
                raise job.error(f"{top} holds more than {_MAX_DIRECTORY_ENTRIES} files", "transfer_input_files", top)
            status = job.environment.stat(f"{directory}/{name}")
            if status is None:
                continue
            if status.is_directory:
                pending.append(f"{directory}/{name}")
            else:
                total += status.size
    return total
