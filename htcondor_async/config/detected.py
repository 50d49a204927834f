"""What HTCondor finds out about the machine and offers as parameters: ARCH, OPSYS, PID and the like.

The facts come in as a :class:`Machine`, from whoever may ask the operating system; the name of the Linux distribution
is read through the environment [src/condor_sysapi/arch.cpp].
"""

from __future__ import annotations

import re

import attrs

from htcondor_async._environment import Environment

__all__ = ["Machine", "detected_platform", "detected_values"]

_ISSUE_FILES = ("/etc/issue", "/etc/redhat-release", "/etc/system-release", "/etc/issue.net")
_RELEASE_FILE = "/etc/os-release"
_MAX_LINE = 199
# In this order: the words that must occur, and the name of the distribution.
_DISTRIBUTIONS = (
    (("red", "hat"), "RedHat"),
    (("fedora",), "Fedora"),
    (("ubuntu",), "Ubuntu"),
    (("debian",), "Debian"),
    (("scientific", "cern"), "SLCern"),
    (("scientific", "slf"), "SLFermi"),
    (("scientific",), "SL"),
    (("centos",), "CentOS"),
    (("rocky",), "Rocky"),
    (("almalinux",), "AlmaLinux"),
    (("amazon linux",), "AmazonLinux"),
    (("opensuse",), "openSUSE"),
    (("suse",), "SUSE"),
)
_ARCHITECTURES = {
    "x86_64": "X86_64",
    "amd64": "X86_64",
    "i386": "INTEL",
    "i486": "INTEL",
    "i586": "INTEL",
    "i686": "INTEL",
}
_SYSTEMS = {"linux": "LINUX", "darwin": "MACOS"}
_VERSION = re.compile(r"[^0-9]*([0-9]{0,6})[0-9]*(?:\.([0-9]{1,2}))?", re.DOTALL)


@attrs.frozen
class Machine:
    """Facts about a machine and a process; 0 and "" mean unknown.

    ``sysname`` to ``machine`` are those of uname(2); ``memory`` is in MiB.
    """

    sysname: str
    nodename: str = ""
    release: str = ""
    version: str = ""
    machine: str = ""
    cores: int = 0
    memory: int = 0
    pid: int = 0
    ppid: int = 0
    ipv4: str = ""
    ipv6: str = ""


def _distribution(text: str) -> str | None:
    lowered = text.lower()
    return next((name for words, name in _DISTRIBUTIONS if all(word in lowered for word in words)), None)


def _read_lines(environment: Environment, path: str) -> list[str]:
    try:
        text = environment.read_file(path)[:65536].decode("utf-8", "replace")
    except OSError:
        # Each distribution has some of these files only.
        return []
    return [line[:_MAX_LINE] for line in text.splitlines()]


def _long_name(environment: Environment) -> str:
    for path in _ISSUE_FILES:
        lines = _read_lines(environment, path)
        line = re.sub(r"(?:\s|\\[nl])+$", "", lines[0]) if lines else ""
        if _distribution(line) is not None:
            return line
    for line in _read_lines(environment, _RELEASE_FILE):
        if line.startswith("PRETTY_NAME=") and line.count('"') >= 2:
            return line.split('"')[1]
    return "Unknown"


def _operating_system(machine: Machine, environment: Environment) -> dict[str, str]:
    system = _SYSTEMS.get(machine.sysname.lower(), machine.sysname.upper())
    if system == "LINUX":
        long_name = version_text = _long_name(environment)
        name = _distribution(long_name) or "LINUX"
    else:
        name, long_name, version_text = system, f"{machine.sysname} {machine.release}".strip(), machine.release
    match = _VERSION.match(version_text)
    major = int(match[1] or "0") if match else 0
    minor = int(match[2] or "0") if match and major else 0
    values = {
        "OPSYS": system,
        "OPSYSLEGACY": system,
        "OPSYSNAME": name,
        "OPSYSSHORTNAME": name,
        "OPSYSLONGNAME": long_name,
        "OPSYSANDVER": f"{name}{major}" if major else name,
    }
    if major:
        values.update(OPSYSMAJORVER=str(major), OPSYSVER=str(100 * major + minor))
    return values


def detected_platform(machine: Machine) -> tuple[str, str]:
    """Return what OPSYS and ARCH are on a machine; only uname(2) is looked at."""
    return (
        _SYSTEMS.get(machine.sysname.lower(), machine.sysname.upper()),
        _ARCHITECTURES.get(machine.machine.lower(), machine.machine),
    )


def detected_values(machine: Machine, environment: Environment) -> dict[str, str]:
    """Return the parameters that HTCondor sets from such facts, for :meth:`htcondor_async.config.Config.load`.

    Parameters
    ----------
    machine
        The facts.
    environment
        Where the name of the distribution is read.
    """
    values = {
        "ARCH": _ARCHITECTURES.get(machine.machine.lower(), machine.machine),
        "UNAME_ARCH": machine.machine,
        "UNAME_OPSYS": machine.sysname,
        "UTSNAME_SYSNAME": machine.sysname,
        "UTSNAME_NODENAME": machine.nodename,
        "UTSNAME_RELEASE": machine.release,
        "UTSNAME_VERSION": machine.version,
        "UTSNAME_MACHINE": machine.machine,
        **_operating_system(machine, environment),
        "PID": str(machine.pid or ""),
        "PPID": str(machine.ppid or ""),
        "IP_ADDRESS": machine.ipv4 or machine.ipv6,
        "IPV4_ADDRESS": machine.ipv4,
        "IPV6_ADDRESS": machine.ipv6,
        "DETECTED_MEMORY": str(machine.memory or ""),
    }
    for name in ("DETECTED_CORES", "DETECTED_CPUS", "DETECTED_PHYSICAL_CPUS", "DETECTED_CPUS_LIMIT"):
        values[name] = str(machine.cores or "")
    if values["IP_ADDRESS"]:
        values["IP_ADDRESS_IS_IPV6"] = "false" if machine.ipv4 else "true"
    return {name: value for name, value in values.items() if value}
