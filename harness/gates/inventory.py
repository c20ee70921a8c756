"""Is everything there that the suite expects, whole and from where it should be?"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pandas as pd
from msgspec import structs

from harness.gates.evidence import BASELINE, Evidence
from harness.gates.suite import Experiment
from harness.stats.check import Case, Check, Outcome, Precondition
from harness.stats.frames import COLUMNS, Frames
from harness.stats.samples import Key, Sample, iter_own_faults
from harness.text import counted

_RUN = "run"


def judge(evidence: Evidence) -> list[Check]:
    """Look for every expected case, arm and metric on both sides, and for what does not belong."""
    checks: list[Check] = [*_iter_run_faults(evidence), *_iter_option_faults(evidence)]
    for experiment in evidence.suite.experiments:
        checks += [
            Precondition(what=experiment.name, reason=f"no binary is called {pattern}")
            for pattern in experiment.binary
            if not any(fnmatchcase(binary, pattern) for binary in evidence.inputs)
        ]
        for case in evidence.iter_cases(experiment):
            whole = Precondition(what=str(case), outcome=Outcome.PASS)
            checks += list(_iter_case_faults(evidence, experiment, case)) or [whole]
    return checks


def _iter_run_faults(evidence: Evidence) -> Iterator[Precondition]:
    for warning in evidence.warnings:
        yield Precondition(what="data", reason=warning)
    if evidence.baseline is None and evidence.suite.needs_baseline:
        reason = (
            "the suite needs one, and none was given; promote a run, name one, or set "
            "needs_baseline = false where bounds are all that is asked"
        )
        yield Precondition(what=BASELINE, reason=reason)
    runs = [frames.manifest.run_id for frames in evidence.runs.values()]
    if len(runs) > 1 and runs[0] == runs[1]:
        yield Precondition(what=BASELINE, reason="a run cannot be compared with itself")
    for side, frames in evidence.runs.items():
        if frames.manifest.unfinished:
            yield Precondition(what=side, reason=frames.manifest.unfinished)
        if frames.samples.empty:
            yield Precondition(what=side, reason="nothing was measured")
        yield from _iter_foreign(side, frames)


def _iter_foreign(side: str, frames: Frames) -> Iterator[Precondition]:
    """Yield what says that the numbers are of another run, or of a run made for something else."""
    kind = frames.manifest.kind
    if kind != _RUN:
        yield Precondition(what=side, reason=f"it is a {kind}, which a suite does not ask for")
    own = frames.manifest.run_id
    for name in COLUMNS:
        others = sorted(set(map(str, getattr(frames, name)["run_id"].unique())) - {own})
        if others:
            yield Precondition(what=side, reason=f"{name} has rows of another run: {others[0]}")
    lost = _replicates(frames.failures) - _replicates(frames.samples[frames.samples.status != "ok"])
    if lost:
        reason = f"{counted(len(lost), 'replicate')} failed of which samples says nothing"
        yield Precondition(what=side, reason=reason)


def _replicates(rows: pd.DataFrame) -> set[tuple[str, ...]]:
    columns = ["binary", "source", "arm", "probe", "replicate"]
    return set(rows[columns].astype(str).itertuples(index=False, name=None))


def _iter_option_faults(evidence: Evidence) -> Iterator[Precondition]:
    """Yield what was measured otherwise than the suite says, or on the two sides differently."""
    wanted = {**evidence.defaults, **evidence.suite.options.as_pipeline_options()}
    for side, frames in evidence.runs.items():
        options = _pipeline_options(frames)
        other = sorted(name for name, value in wanted.items() if options.get(name) != value)
        if other:
            reason = f"measured with another {', '.join(other)} than the suite says"
            yield Precondition(what=side, reason=reason)
    if evidence.baseline is None:
        return
    old, new = _pipeline_options(evidence.baseline), _pipeline_options(evidence.candidate)
    differing = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    if differing:
        reason = f"the two sides were measured with different {', '.join(differing)}"
        yield Precondition(what="options", reason=reason)


def _iter_case_faults(
    evidence: Evidence, experiment: Experiment, case: Case
) -> Iterator[Precondition]:
    for side, samples in evidence.sides.items():
        for arm in dict.fromkeys(filter(None, (experiment.against, case.arm))):
            for metric in experiment.metrics:
                key = Key(case.binary, case.source, arm, metric)
                for reason in _iter_faults(evidence, experiment, samples.get(key), key):
                    yield Precondition(
                        what=f"{side}: {' '.join(key)}",
                        reason=reason,
                        repeat_command=evidence.repeat(experiment, case, metric),
                    )


def _iter_faults(
    evidence: Evidence, experiment: Experiment, sample: Sample | None, key: Key
) -> Iterator[str]:
    if sample is None:
        yield "not measured"
        return
    yield from iter_own_faults(sample, evidence.demands(experiment, key.metric))
    named = evidence.inputs[key.binary]
    if named and sample.inputs != {named}:
        yield "it is not the binary that the corpus names"


def _pipeline_options(frames: Frames) -> dict[str, Any]:
    return structs.asdict(frames.manifest.options.pipeline_options)
