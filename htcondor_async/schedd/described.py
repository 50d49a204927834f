"""Submit descriptions into the queue."""

from __future__ import annotations

import functools
import itertools
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from htcondor_async._core.context import Context, Target
from htcondor_async._core.submit import ScheddTraits, ask_traits, submit_cluster, submit_factory
from htcondor_async._dialogues.expressions import attribute_pairs
from htcondor_async._dialogues.submit import ClusterPlan, FactoryPlan, FactoryText, Submitted
from htcondor_async._submit_world import submit_world
from htcondor_async.classad import ClassAd
from htcondor_async.errors import HTCondorValueError
from htcondor_async.submit import (
    DEFAULT_IDENTITY,
    ClusterBuilder,
    Factory,
    JobOptions,
    Submit,
    SubmitWarning,
    Version,
)

__all__ = ["Described", "in_world_of", "submit_description", "warn_of"]


def in_world_of(description: Submit, context: Context, traits: ScheddTraits) -> Submit:
    """Return a copy of a description that knows the world as a client does, where it was told nothing else."""
    own = description.context
    world = submit_world(context.config, context.version, context.platform)
    version = own.schedd_version if traits.version is None else Version.parse(traits.version)
    if own.v1:  # bindings make the ads that they know
        version = min(version, own.schedd_version)
    return description.in_context(
        attrs.evolve(
            own,
            environment=own.environment or world.environment,
            param=own.param or world.param,
            identity=world.identity if own.identity is DEFAULT_IDENTITY else own.identity,
            schedd_version=version,
        )
    )


@attrs.define
class Described:
    """A description, and what else a submission says: how many jobs of each item, which items."""

    description: Submit
    count: int
    items: list[object] | None
    spool: bool
    results: list[ClassAd] | None
    now: int
    cluster_ad: ClassAd = attrs.field(factory=ClassAd)
    traits: ScheddTraits | None = None
    _first: ClusterBuilder | None = None
    _spooled: list[ClassAd] = attrs.field(factory=list)

    def prepare(self, context: Context, traits: ScheddTraits) -> Factory | None:
        """Do all that can be done before the cluster has a number: read the items, find mistakes.

        Returns what the schedd needs to make the jobs itself, or None if the jobs are made here.
        """
        self.description = in_world_of(self.description, context, traits)
        self.traits = traits
        if traits.makes_jobs:
            factory = self.description.factory(self.count, self.items, self._options())
            if factory is not None:
                return factory
        self._first = self.builder(1)
        return None

    def _options(self) -> JobOptions:
        extended = self.traits.extended_commands if self.traits is not None else None
        method = self.description.submit_method
        return JobOptions(qdate=self.now, spool=self.spool, extended_commands=extended, method=method, submitting=True)

    def builder(self, cluster: int) -> ClusterBuilder:
        """Return what makes the jobs."""
        made = self.description.cluster_builder(self.count, self.items, self._options())
        made.cluster_id = cluster
        return made

    def plan(self, cluster: int) -> ClusterPlan:
        """Return the cluster and its jobs; looks at files."""
        builder, self._first = self._first or self.builder(cluster), None
        builder.cluster_id = cluster
        deltas = iter(builder)
        first = next(deltas, None)
        if first is None:
            raise HTCondorValueError("the description makes no jobs: there are no items to queue")
        self.cluster_ad = builder.cluster_ad()

        def own() -> Iterator[list[tuple[str, str]]]:
            for delta in itertools.chain((first,), deltas):
                if self.results is not None:
                    self.results.append(builder.job_ad(delta))
                if self.spool:
                    self._spooled.append(builder.job_ad(delta))
                yield attribute_pairs(builder.proc_ad(delta))

        return ClusterPlan(attribute_pairs(self.cluster_ad), own(), may_block=True)

    def factory_plan(self, factory: Factory) -> FactoryPlan:
        """Return how the jobs are described to the schedd."""

        def describe(cluster: int) -> FactoryText:
            factory.number(cluster)
            self.cluster_ad = factory.cluster_ad

            def limit(rows: int) -> int:
                factory.row_count = rows
                return factory.limit

            def jobs(rows: int) -> int:
                factory.row_count = rows
                return factory.job_count

            return FactoryText(attribute_pairs(factory.cluster_ad), factory.digest, limit, jobs)

        return FactoryPlan(factory.rows() if factory.has_items else None, describe)

    def jobs(self, cluster: int) -> Iterator[ClassAd]:
        """Give the whole ads of the jobs; those that were not kept for spooling are made again."""
        if self._spooled:
            yield from self._spooled
            return
        builder = self.builder(cluster)
        for delta in builder:
            yield builder.job_ad(delta)


async def submit_description(context: Context, target: Target, described: Described, deadline: float) -> Submitted:
    """Submit the jobs of a description, or let the schedd make them where the description asks for that.

    The schedd's version and what it can do are asked for first. Then all that needs no cluster number is prepared, in
    a worker thread, for it looks at files; only then does the transaction begin.
    """
    traits = await ask_traits(context, target, deadline)
    factory = await context.runtime.call(functools.partial(described.prepare, context, traits))
    if factory is not None:
        return await submit_factory(context, target, described.factory_plan(factory), deadline)
    return await submit_cluster(context, target, described.plan, deadline, may_block=True)


def warn_of(submitted: Submitted) -> None:
    """Raise a schedd's remarks on a submission as warnings of Python."""
    for text in submitted.warnings:
        warnings.warn(f"the schedd took cluster {submitted.cluster} and remarks: {text}", SubmitWarning, stacklevel=4)


def items_of(item_data: Iterable[Any] | None) -> list[object] | None:
    """Return items as a list: they may be gone through more than once."""
    return None if item_data is None else list(item_data)
