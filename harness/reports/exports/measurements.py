"""The measurements of a run as plain values: what every export is made from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from msgspec import Struct

from harness.errors import ConfigError
from harness.stats.frames import Frames, succeeded
from harness.stats.metrics import Metrics


class Case(NamedTuple):
    """What was measured: one arm over one binary from one source."""

    binary: str
    source: str
    arm: str

    @property
    def name(self) -> str:
        """One name for the three; binaries may hold slashes, the other two do not."""
        return "/".join(self)


class Measurement(Struct, frozen=True, kw_only=True):
    """One value of one successful replicate, in `unit`, and where it comes from."""

    run_id: str
    started_at: str
    commit: str
    binary: str
    binary_sha256: str
    source: str
    arm: str
    probe: str
    replicate: int
    metric: str
    unit: str
    value: float
    exact: bool = False
    better: str = "less"

    @property
    def case(self) -> Case:
        """What was measured."""
        return Case(self.binary, self.source, self.arm)


class Series(NamedTuple):
    """All replicates of one metric of one case, in their order."""

    case: Case
    metric: str
    unit: str
    values: tuple[float, ...]


def measurements_of(frames: Frames) -> list[Measurement]:
    """Return every value that a successful replicate of a run measured; failures give none."""
    good = succeeded(frames.samples)
    started_at = frames.manifest.started_at
    commit = frames.manifest.commit
    found = [
        Measurement(
            run_id=str(row.run_id),
            started_at=started_at,
            commit=commit,
            binary=str(row.binary),
            binary_sha256=str(row.binary_sha256),
            source=str(row.source),
            arm=str(row.arm),
            probe=str(row.probe),
            replicate=int(row.replicate),
            metric=str(row.metric),
            unit=str(row.unit),
            value=float(row.value),
            exact=frames.metrics[str(row.metric)].exact,
            better=frames.metrics[str(row.metric)].better,
        )
        for row in good.itertuples()
    ]
    return sorted(found, key=lambda m: (m.case, m.probe, m.metric, m.replicate))


def tracked(
    measurements: Iterable[Measurement], metrics: Metrics, names: Collection[str] = ()
) -> list[Measurement]:
    """Return the values of some metrics, each from the one probe whose values count.

    Args:
        measurements: Of one or more runs.
        metrics: What those runs declare.
        names: The metrics that are wanted; by default all that are compared.

    Raises:
        ConfigError: A metric comes from several probes, each of which distorts it.
    """
    names = names or metrics.compared
    wanted = [m for m in measurements if m.metric in names]
    takers: dict[str, set[str]] = {}
    for measurement in wanted:
        takers.setdefault(measurement.metric, set()).add(measurement.probe)
    probe_of = {
        metric: metrics.probe(metric) or _one_probe(metric, probes)
        for metric, probes in takers.items()
    }
    return [m for m in wanted if m.probe == probe_of[m.metric]]


def _one_probe(metric: str, probes: Collection[str]) -> str:
    if len(probes) > 1:
        raise ConfigError(
            f"{metric} was taken by {' and '.join(sorted(probes))}, and the values differ by probe",
            remedy="export it as csv or parquet, which name the probe",
        )
    return next(iter(probes))


def iter_series(measurements: Sequence[Measurement]) -> Iterator[Series]:
    """Yield the replicates of each case and metric together, sorted by both."""
    ordered = sorted(measurements, key=lambda m: (m.case, m.metric, m.unit, m.replicate))
    for (case, metric, unit), group in groupby(ordered, key=lambda m: (m.case, m.metric, m.unit)):
        yield Series(case, metric, unit, tuple(m.value for m in group))


def plain(value: float) -> int | float:
    """Return a whole number as one: bytes are exact, and `4096.0` would not say so."""
    return int(value) if value.is_integer() else value


_UNITS = {"byte": "bytes", "second": "sec", "count": ""}


def measure_name(metric: str, unit: str) -> str:
    """Return a metric with its unit as one word: `heap-peak-memray-bytes`.

    For formats without a place for the unit, or whose tools tell it by how the name ends.
    """
    words = [metric.replace("_", "-"), _UNITS.get(unit, unit.replace("_", "-"))]
    return "-".join(word for word in words if word)
