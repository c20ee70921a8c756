"""What a gate may look at: the suite's demands, the tables of both sides, the promoted bounds."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from harness.gates.suite import PEAK, Experiment, Suite
from harness.stats.check import Case
from harness.stats.environment import differences, environment_of
from harness.stats.frames import Frames
from harness.stats.repeat import repeat_command
from harness.stats.samples import Demands, collect_all
from harness.stats.sides import Samples

if TYPE_CHECKING:
    from harness.store.baseline import Bound

BASELINE, CANDIDATE = "baseline", "candidate"


class Evidence(Struct, frozen=True, dict=True):
    """Everything that was measured, and everything that was asked.

    `inputs` is the corpus that the suite names: the digest of each binary, whether it was measured
    or not. `sources` are those of binaries that it measures from some only. `bounds` are those kept
    beside the baseline. `defaults` are the options of pipelines of which the suite says nothing.
    `warnings` are what reading the two runs back showed to be wrong with them.
    """

    suite: Suite
    inputs: Mapping[str, str]
    candidate: Frames
    baseline: Frames | None = None
    bounds: Sequence[Bound] = ()
    warnings: Collection[str] = ()
    defaults: Mapping[str, Any] = {}
    sources: Mapping[str, Collection[str]] = {}

    def iter_cases(self, experiment: Experiment) -> Iterator[Case]:
        """Yield every case that an experiment expects, measured or not."""
        for binary in sorted(self.inputs):
            if any(fnmatchcase(binary, pattern) for pattern in experiment.binary):
                possible = self.sources.get(binary, experiment.source)
                for source in (one for one in experiment.source if one in possible):
                    for arm in experiment.arm:
                        yield Case(
                            experiment=experiment.name, binary=binary, source=source, arm=arm
                        )

    @property
    def runs(self) -> dict[str, Frames]:
        """The tables of each side that there is."""
        baseline = {} if self.baseline is None else {BASELINE: self.baseline}
        return {**baseline, CANDIDATE: self.candidate}

    @cached_property
    def sides(self) -> dict[str, Samples]:
        """The samples of each side that there is, by key, every arm under its own name."""
        metrics = {metric for experiment in self.suite.experiments for metric in experiment.metrics}
        return {side: collect_all(run, sorted(metrics)) for side, run in self.runs.items()}

    def bound(self, experiment: Experiment, check: str) -> Bound | None:
        """Return the bound of a check that is kept beside the baseline, if there is one."""
        wanted = (experiment.name, check)
        return next((b for b in self.bounds if (b.experiment, b.check) == wanted), None)

    def objection(self, bound: Bound, series: str) -> str:
        """Return how what the candidate's values of a series depend on differs from the bound's.

        Empty where it does not: elsewhere a bound says nothing.
        """
        here = environment_of(series, self.candidate.manifest)
        return "; ".join(
            differences(
                {"suite": bound.suite, "series": bound.series, **bound.environment},
                {"suite": self.suite.name, "series": series, **here},
            )
        )

    def demands(self, experiment: Experiment, metric: str) -> Demands:
        """Return what an experiment insists on before it believes any number.

        It needs as many replicates as it says, or as the candidate's run set out to make when
        those were more: one that was lost on the way is missed.
        """
        manifest = self.candidate.manifest
        options = manifest.options
        planned = options.replicates.get(self.candidate.metrics.probe(metric), 0)
        runs = len(manifest.pooled) // manifest.shards or 1
        return Demands(
            replicates=max(experiment.replicates_of(metric), planned),
            topped_up_to=runs * options.top_up,
        )

    def repeat(self, experiment: Experiment, case: Case, series: str) -> str:
        """Return the command that measures a case of the candidate again."""
        metrics = self.candidate.metrics
        arms = [arm for arm in (experiment.against, case.arm) if arm]
        return repeat_command(
            self.candidate.manifest,
            (case.binary, case.source),
            arms,
            probe=metrics.probe(series) or metrics.probe(PEAK),
            replicates=experiment.replicates,
        )
