"""What a schedd needs to make the jobs of a cluster by itself (late materialization).

The schedd gets the cluster ad, a *digest* of the description, and a file of rows. The digest is what is left of the
description once everything is expanded that does not change from job to job
[src/condor_utils/submit_utils.cpp, SubmitHash::make_digest].
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import attrs

from htcondor_async.classad._ad import ClassAd

from .commands.program import universe_number
from .commands.table import SIMPLE, SIMPLE_25, SPECIAL, Command
from .items import RowSource
from .macros import MacroTable
from .problems import SubmitError
from .queue import join_fields
from .settings import Settings
from .values import INT_MAX, parse_int
from .words import absolute_path, is_url, split_list

__all__ = ["Factory", "make_digest", "materialize_limit", "queue_line"]

_CHANGING = frozenset({"process", "procid", "step", "row", "node", "item"})
_OMITTED = frozenset({"getenv", "get_env", "requirements"})
_NEWLINE = "\n"
_DIRECTORY_KEYS = frozenset({"initial_dir", "initialdir", "iwd", "job_iwd"})


def _prunable(commands: Iterable[Command]) -> frozenset[str]:
    names: set[str] = set()
    for command in commands:
        names.update((command.key.lower(), command.attribute.lower()))
    for key, attribute in SPECIAL.items():
        names.update((key.lower(), attribute.lower()))
    return frozenset(names - {"-"})


_PRUNABLE = _prunable(SIMPLE)
_PRUNABLE_25 = _prunable((*SIMPLE, *SIMPLE_25)) | frozenset(
    [
        "retry_request_memory",
        "retry_request_memory_max",
        "retry_request_memory_increase",
        "transfer_common_input",
        "commoninputfiles",
    ]
)


def _param(macros: MacroTable, name: str, alias: str) -> str:
    raw = macros.lookup(name)
    if raw is None:
        raw = macros.lookup(alias)
    return macros.expand(raw) if raw else ""


@attrs.frozen
class _Kind:
    """The universe as the digest sees it: its number, what sits on top of it, and whether the program is a label."""

    number: int
    topping: str
    label: bool


def _kind(macros: MacroTable, settings: Settings) -> _Kind:
    text = _param(macros, "universe", "JobUniverse") or settings.get("DEFAULT_UNIVERSE") or "vanilla"
    number, topping, label = universe_number(text), "", False
    if not number and text.lower() in ("docker", "container"):
        number, topping = 5, text.lower()
    if number == 9:
        label = _param(macros, "grid_resource", "GridResource").partition(" ")[0].lower() in ("ec2", "gce", "azure")
    elif number == 13:
        label = True
    elif number == 5 and not topping:
        images = (("container_image", "ContainerImage"), ("docker_image", "DockerImage"))
        if any(_param(macros, *names) for names in images):
            topping = "container"
    return _Kind(number, topping, label)


def make_digest(
    macros: MacroTable, settings: Settings, variables: Iterable[str], has_items: bool, cluster_id: int, cwd: str
) -> str:
    """Return the digest of a description, without its QUEUE line.

    Parameters
    ----------
    macros
        The description; loop variables must not be set.
    settings
        The configuration.
    variables
        Names of the loop variables.
    has_items
        Whether there are rows.
    cluster_id
        The number of the cluster.
    cwd
        The directory of the submitting process.
    """
    table = macros.copy()
    table.cwd = cwd
    table.set_built_in(cluster=str(cluster_id), clusterid=str(cluster_id))
    table.set("FACTORY.Iwd", cwd)
    if not has_items:
        table.set("Item", "")
    table.sort()
    kind = _kind(table, settings)
    lines = []
    if kind.topping and not _param(table, "universe", "JobUniverse"):
        lines.append(f"Universe={kind.topping}")
    lines.append("FACTORY.Requirements=MY.Requirements")
    skipped = _CHANGING | {name.lower() for name in variables}
    prunable, omitted = _PRUNABLE, _OMITTED
    if settings.version.major >= 25:
        skipped |= {"taskid"}
        prunable, omitted = _PRUNABLE_25, _OMITTED | _evict_keys(table)
    for key in table:
        lower = key.lower()
        if lower in omitted or key.startswith("$"):
            continue
        text, pending = table.expand_except(table.values[lower], skipped)
        text = _fixed(lower, text, pending, kind, cwd)
        if pending or not (lower in prunable or lower.startswith("my.")):
            lines.append(f"{key}@=end\n{text.rstrip(_NEWLINE)}\n@end" if _NEWLINE in text else f"{key}={text}")
    return "\n".join(lines) + "\n"


def _evict_keys(table: MacroTable) -> frozenset[str]:
    """Return the keys of transforms for evicted jobs: they are the same for all jobs, and so in the cluster ad."""
    names = split_list(_param(table, "on_evict_checks", "TransformOnEvict").lower())
    prefixes = ("transform_body_", "transformbody_")
    return frozenset(["on_evict_checks", "transformonevict", *(prefix + name for prefix in prefixes for name in names)])


def _fixed(key: str, text: str, pending: bool, kind: _Kind, cwd: str) -> str:
    """Return the value of a key as it must read where the current directory is another one."""
    if key == "universe":
        return kind.topping or text
    executable = key in ("cmd", "executable") and not kind.label and not pending
    if not (executable or key in _DIRECTORY_KEYS) or not text or "$$(" in text or is_url(text):
        return text
    return absolute_path(cwd, text)


def queue_line(count: int, variables: Iterable[str], items_file: str) -> str:
    """Return the QUEUE line that ends a digest.

    Parameters
    ----------
    count
        Jobs for each row; 0 if none was given.
    variables
        Names of the loop variables.
    items_file
        The name under which the schedd stored the rows, or "" if there are none.
    """
    line = "\nQueue "
    if count:
        line += f"{count} "
    names = ",".join(variables)
    if names:
        line += f"{names} "
    if items_file:
        line += f"from {items_file}"
    return line + "\n"


def materialize_limit(macros: MacroTable) -> int | None:
    """Return how many jobs may exist at once if the description asks for late materialization, else None."""
    for name, alias, counts in (
        ("max_materialize", "JobMaterializeLimit", True),
        ("max_idle", "JobMaterializeMaxIdle", False),
        ("materialize_max_idle", "JobMaterializeMaxIdle", False),
    ):
        text = _param(macros, name, alias)
        if not text:
            continue
        number = parse_int(text)
        if number is None or not -INT_MAX <= number < INT_MAX:
            raise SubmitError(
                f"{name}={text} is invalid, must eval to an integer",
                key=name,
                value=text,
                line=macros.lines.get(name.lower(), 0),
                expected="a whole number",
            )
        return number if counts else INT_MAX
    return None


@attrs.define
class Factory:
    """A submission with late materialization.

    Send the cluster ad, then the chunks of :meth:`rows`; then, with the name that the schedd gave to the rows, what
    :meth:`digest` returns, with :attr:`limit`.

    Attributes
    ----------
    cluster_ad
        The cluster ad.
    has_items
        Whether there are rows to send.
    count
        Jobs for each row, as given.
    wanted_limit
        The limit that the description asks for.
    """

    cluster_ad: ClassAd
    has_items: bool
    count: int
    wanted_limit: int
    _head: str
    _source: RowSource
    _iterator: Iterator[object]
    _describe: Callable[[int], tuple[ClassAd, str]]
    row_count: int = 0

    def number(self, cluster_id: int) -> None:
        """Give the cluster another number, once the schedd has said which; the items are not read again."""
        self.cluster_ad, self._head = self._describe(cluster_id)

    def rows(self) -> Iterator[bytes]:
        """Yield the rows as the schedd reads them, one line each; may be done once."""
        while True:
            self.row_count += 1
            yield (join_fields(self._source.values) + "\n").encode("utf-8", "surrogateescape")
            if next(self._iterator, None) is None:
                return

    def digest(self, items_file: str) -> str:
        """Return the digest with its QUEUE line."""
        variables = self._source.variables if self.has_items else ()
        return self._head + queue_line(self.count, variables, items_file if self.has_items else "")

    @property
    def job_count(self) -> int:
        """The number of jobs in all, once the rows have been sent."""
        return (self.row_count if self.has_items else 1) * max(1, self.count)

    @property
    def limit(self) -> int:
        """The limit to send to the schedd, once the rows have been sent."""
        return max(1, min(self.wanted_limit, self.job_count))
