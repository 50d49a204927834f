"""Submit descriptions into the queue."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from htcondor_async._core.context import Context, Target
from htcondor_async._core.submit import submit_cluster, submit_factory
from htcondor_async._dialogues.expressions import attribute_pairs
from htcondor_async._dialogues.submit import ClusterPlan, FactoryPlan, FactoryText, Submitted
from htcondor_async.classad import ClassAd
from htcondor_async.errors import HTCondorInternalError, HTCondorValueError
from htcondor_async.submit import ClusterBuilder, Factory, Submit

__all__ = ["Described", "submit_description"]


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

    def builder(self, cluster: int) -> ClusterBuilder:
        """Return what makes the jobs."""
        return self.description.cluster_builder(
            self.count,
            self.items,
            cluster,
            qdate=self.now,
            spool=self.spool,
            method=self.description.submit_method,
        )

    def plan(self, cluster: int) -> ClusterPlan:
        """Return the cluster and its jobs; looks at files."""
        builder = self.builder(cluster)
        deltas = iter(builder)
        first = next(deltas, None)
        if first is None:
            raise HTCondorValueError("the description makes no jobs: there are no items to queue")
        self.cluster_ad = builder.cluster_ad()

        def own() -> Iterator[list[tuple[str, str]]]:
            for delta in itertools.chain((first,), deltas):
                if self.results is not None:
                    self.results.append(builder.job_ad(delta))
                yield attribute_pairs(builder.proc_ad(delta))

        return ClusterPlan(attribute_pairs(self.cluster_ad), own(), may_block=True)

    def factory(self, cluster: int) -> Factory | None:
        """Return what the schedd needs to make the jobs itself, or None if the description does not ask for that."""
        return self.description.factory(
            self.count,
            self.items,
            cluster,
            self.now,
            spool=self.spool,
            method=self.description.submit_method,
        )

    def factory_plan(self, factory: Factory) -> FactoryPlan:
        """Return how the jobs are described to the schedd."""

        def describe(cluster: int) -> FactoryText:
            made = self.factory(cluster)
            if made is None:
                raise HTCondorInternalError("a description no longer asks for late materialization")
            self.cluster_ad = made.cluster_ad

            def limit(rows: int) -> int:
                made.row_count = rows
                return made.limit

            def jobs(rows: int) -> int:
                made.row_count = rows
                return made.job_count

            return FactoryText(attribute_pairs(made.cluster_ad), made.digest, limit, jobs)

        return FactoryPlan(factory.rows() if factory.has_items else None, describe)

    def jobs(self, cluster: int) -> Iterator[ClassAd]:
        """Give the whole ads of the jobs."""
        builder = self.builder(cluster)
        for delta in builder:
            yield builder.job_ad(delta)


async def submit_description(context: Context, target: Target, described: Described, deadline: float) -> Submitted:
    """Submit the jobs of a description, or let the schedd make them where the description asks for that."""
    factory = await context.runtime.call(lambda: described.factory(1))
    if factory is not None:
        submitted = await submit_factory(context, target, described.factory_plan(factory), deadline)
        if submitted is not None:
            return submitted
    return await submit_cluster(context, target, described.plan, deadline, may_block=True)


def items_of(item_data: Iterable[Any] | None) -> list[object] | None:
    """Return items as a list: they may be gone through more than once."""
    return None if item_data is None else list(item_data)
