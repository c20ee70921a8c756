"""What a gate may look at: the suite's demands, the tables of both sides, the promoted bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from harness.gates.suite import Experiment, Suite
from harness.stats.frames import Frames
from harness.stats.verdict import Case


@dataclass(frozen=True, slots=True)
class RatchetedBound:
    """A bound that was derived from a run, never written by hand."""

    upper_bound: float
    margin_pct: float
    run: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that was measured, and everything that was asked.

    `inputs` is the corpus that the suite names: the digest of each binary, whether it was measured
    or not. `ratcheted` holds the bounds kept beside the baseline, by experiment and check.
    """

    suite: Suite
    inputs: Mapping[str, str]
    candidate: Frames
    baseline: Frames | None = None
    ratcheted: Mapping[tuple[str, str], RatchetedBound] = field(default_factory=dict)

    def iter_cases(self, experiment: Experiment) -> Iterator[Case]:
        """Yield every case that an experiment expects, measured or not."""
        for binary in sorted(self.inputs):
            if any(fnmatchcase(binary, pattern) for pattern in experiment.binary):
                for source in experiment.source:
                    for arm in experiment.arm:
                        yield Case(
                            experiment=experiment.name, binary=binary, source=source, arm=arm
                        )
