"""What a pool's own condor_submit makes of descriptions, in dry runs, and what this package makes of them."""

from __future__ import annotations

import os
import random
import re
import shlex
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from htcondor_async._environment import FileStatus
from htcondor_async.classad import ClassAd, parse_old
from htcondor_async.classad._unparse import unparse_node
from htcondor_async.submit import Identity, Submit, SubmitContext, SubmitWarning, Version
from tests.helpers import submit_vectors
from tests.helpers.submit_world import BASE_CONFIG, BASE_ENVIRON, SubmitWorld

from . import roots
from .pools import Pool

__all__ = ["VOLATILE", "Case", "CaseWorld", "ad_text", "differences", "dry_run", "generated", "make_tree", "ours"]

# Times, who submits and from which file; condor_submit leaves the owner to the schedd.
VOLATILE = frozenset({"qdate", "enteredcurrentstatus", "owner", "jobsubmitfile", "jobsubmitmethod", "clusterid"})


@attrs.frozen
class Case:
    """A description, the configuration it is used with, and how the test is called."""

    id: str
    text: str
    config: Mapping[str, str] = attrs.field(factory=dict)


class CaseWorld(SubmitWorld):
    """The world of a program inside a pool's root: what is not below /tmp is in the root."""

    def __init__(self, tree: Path, root: Path, environ: Mapping[str, str], user: str) -> None:
        super().__init__(tree, environ, user)
        self._root = root

    def _inside(self, path: str) -> str:
        return path if path.startswith("/tmp/") or not path.startswith("/") else f"{self._root}{path}"

    def stat(self, path: str) -> FileStatus | None:
        return super().stat(self._inside(path))

    def access(self, path: str, mode: int) -> bool:
        return super().access(self._inside(path), mode)

    def read_file(self, path: str) -> bytes:
        return super().read_file(self._inside(path))

    def list_directory(self, path: str) -> Sequence[str]:
        return super().list_directory(self._inside(path))


def _config_text(tree: Path, config: Mapping[str, str]) -> str:
    settings = {
        "LOCAL_DIR": str(tree),
        "LOG": f"{tree}/log",
        "LOCAL_CONFIG_DIR": "",
        "CONDOR_HOST": "127.0.0.1",
        "NETWORK_INTERFACE": "127.0.0.1",
        **BASE_CONFIG,
        **config,
    }
    return "".join(
        f"{name} @=end\n{value}\n@end\n" if "\n" in value else f"{name} = {value}\n" for name, value in settings.items()
    )


def _environ(tree: Path) -> dict[str, str]:
    return {**BASE_ENVIRON, "HOME": str(tree)}


def dry_run(pool: Pool, tree: Path, cases: Sequence[Case]) -> list[list[ClassAd] | str]:
    """Return for each case the job ads that the pool's condor_submit makes, or what it complains of."""
    lines = ["cd " + shlex.quote(str(tree))]
    folder = tree / "dry-run"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    environment = " ".join(f"{name}={shlex.quote(value)}" for name, value in _environ(tree).items())
    for number, case in enumerate(cases):
        (folder / f"{number}.sub").write_text(case.text)
        (folder / f"{number}.config").write_text(_config_text(tree, case.config))
        stem = shlex.quote(f"{folder}/{number}")
        lines.append(
            f"env -i {environment} CONDOR_CONFIG={stem}.config "
            f"condor_submit -dry-run:full {stem}.ads {stem}.sub > {stem}.log 2>&1; echo $? > {stem}.status"
        )
    pool.tool("sh", "-s", stdin="\n".join([*lines, ""]), timeout=600)
    found: list[list[ClassAd] | str] = []
    for number in range(len(cases)):
        log = (folder / f"{number}.log").read_text(errors="replace")
        if (folder / f"{number}.status").read_text().strip() != "0":
            found.append(log or "no reason given")
            continue
        text = (folder / f"{number}.ads").read_text(errors="surrogateescape")
        found.append([parse_old(part) for part in re.split(r"\n\s*\n", text) if "=" in part])
    return found


def ours(pool: Pool, tree: Path, case: Case) -> list[ClassAd] | Exception:
    """Return what this package makes of a case for a schedd of the pool's version, or the error."""
    config = {name.upper(): value for name, value in {**BASE_CONFIG, **case.config}.items()}
    version = Version.parse(pool.version)
    context = SubmitContext(
        CaseWorld(tree, pool.root, _environ(tree), "pooltester"),
        lambda name: config.get(name.upper()),
        Identity("version", "platform", 0),
        version,
        version,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SubmitWarning)
        try:
            return list(Submit(case.text, context).jobs())
        except Exception as error:
            return error


def ad_text(ad: ClassAd, ignored: frozenset[str] = VOLATILE) -> dict[str, str]:
    """Return an ad as attribute in lower case -> text, without what differs from run to run."""
    skipped = ignored | {"condorversion", "condorplatform", "submitversion"}
    return {name.lower(): unparse_node(node) for name, node in ad._pairs() if name.lower() not in skipped}


def differences(theirs: list[ClassAd] | str, mine: list[ClassAd] | Exception) -> list[str]:
    """Return how two results differ, in words."""
    if isinstance(theirs, str) or isinstance(mine, Exception):
        if isinstance(theirs, str) and isinstance(mine, Exception):
            return []
        return [f"condor_submit: {_shown(theirs)}; here: {_shown(mine)}"]
    if len(theirs) != len(mine):
        return [f"condor_submit makes {len(theirs)} jobs, here are {len(mine)}"]
    found = []
    for number, (left, right) in enumerate(zip(map(ad_text, theirs), map(ad_text, mine), strict=True)):
        for name in sorted(left.keys() | right.keys()):
            if left.get(name) != right.get(name):
                found.append(f"job {number}: {name}: condor_submit {left.get(name)}, here {right.get(name)}")
    return found


def _shown(result: Any) -> str:
    return f"{len(result)} jobs" if isinstance(result, list) else f"{type(result).__name__} {str(result)[:300]}"


_LINES = (
    "arguments = {word} $(Process)|arguments = \"'{word} x' y$(Step)\"",
    "environment = \"A={word} B='two words'\"|environment = A={word};B=2",
    "request_memory = {size}|request_memory = 2G|request_memory = {number}*2",
    "request_cpus = {number}|request_cpus = $(Process)+1",
    "request_disk = {size}|request_disk = 1T",
    "request_gpus = {number}|request_license = {number}",
    'requirements = (Memory > {number}) && {word} =?= True|requirements = TARGET.Arch == "X86_64"|requirements = X',
    "rank = Memory + {number}|rank = {word}",
    "output = {word}.$(Cluster).$(Process)|output = /dev/null",
    "error = err/{word}|log = $(Cluster).log",
    '+{word} = {number}|+{word} = "text $(Process)"|MY.{word} = {{1, 2, $(Process)}}',
    "transfer_input_files = in.txt, sub|should_transfer_files = {choice}",
    "when_to_transfer_output = ON_EXIT_OR_EVICT|transfer_output_files = a, b",
    "priority = {number}|nice_user = true|notification = {note}",
    "periodic_remove = {word} > {number}|periodic_hold = false|periodic_release = NumHolds < {number}",
    "max_retries = {number}|retry_until = {number}|success_exit_code = {number}",
    "on_exit_hold = ExitCode =!= 0|on_exit_remove = ExitBySignal == False",
    "universe = {universe}",
    "accounting_group = group_{word}|accounting_group_user = {word}",
    "concurrency_limits = {word}, other:2|batch_name = {word} of $(Cluster)",
    "hold = {flag}|leave_in_queue = {flag}|stream_output = {flag}",
    "job_lease_duration = {number}|keep_claim_idle = {number}|job_max_vacate_time = {number}",
    "deferral_time = {number}|cron_minute = {number}|deferral_window = 5",
    "{word} = {number}\narguments = $({word}) $(missing:{word})|initialdir = sub",
)
_QUEUES = (
    "queue",
    "queue 3",
    "queue x in (a, b, c)",
    "queue 2 x from (\n1\n2\n)",
    "queue x matching *.txt",
    "queue x,y from rows",
)


def generated(count: int, seed: int) -> list[Case]:
    """Return descriptions made of random commands, the same for the same seed."""
    dice = random.Random(seed)
    cases = []
    for number in range(count):
        filled = {
            "word": dice.choice(["alpha", "Beta", "x_1", "gamma"]),
            "number": str(dice.choice([0, 1, 2, 7, 100])),
            "size": dice.choice(["100", "1.5GB", "2048K", "3 MB"]),
            "choice": dice.choice(["YES", "NO", "IF_NEEDED"]),
            "note": dice.choice(["Never", "Always", "Error"]),
            "universe": dice.choice(["vanilla", "local", "scheduler", "vanilla"]),
            "flag": dice.choice(["true", "false"]),
        }
        lines = ["executable = job.sh"]
        for template in dice.sample(_LINES, dice.randint(2, 8)):
            lines.append(dice.choice(template.split("|") if "||" not in template else [template]).format(**filled))
        lines.append(dice.choice(_QUEUES))
        cases.append(Case(f"generated-{seed}-{number}", "\n".join(lines) + "\n"))
    return cases


def make_tree(data: Path, tree: Path) -> None:
    """Build the files that descriptions refer to, readable for everybody."""
    submit_vectors.build_tree(data, tree)
    (tree / "rows").write_text("1, 2\n3, 4\n")
    uid = roots.USERS[roots.DAEMON_USER]
    for path in (tree, *tree.rglob("*")):
        os.chown(path, uid, uid)
        if path.is_dir():
            path.chmod(0o777)
