"""The Go benchmark format, which benchstat reads: one line a replicate.

`key: value` lines describe the run, `Unit` lines what is known of a unit, and a result line is a
name, a count of iterations, and pairs of value and unit. White space separates, and `/key=value`
within the name says what varies, so neither may be in a name of ours.

Source:
    golang.org/design/14313-benchmark-format; `Unit` lines: golang.org/issue/43744.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from harness.reports.exports.measurements import Measurement, measure_name, plain

_ACTIVE = re.compile(r"[\s/=%\x00-\x1f\x7f]")


def render(measurements: Sequence[Measurement]) -> bytes:
    """Return every replicate; units of exact metrics are declared so, which calls for no test."""
    return "".join(f"{line}\n" for line in _iter_lines(measurements)).encode()


def _iter_lines(measurements: Sequence[Measurement]) -> Iterator[str]:
    units = {measure_name(m.metric, m.unit): m for m in measurements}
    for unit, m in sorted(units.items()):
        better = "higher" if m.better == "more" else "lower"
        yield f"Unit {_one_word(unit)} better={better} assume={'exact' if m.exact else 'nothing'}"
    ordered = sorted(measurements, key=lambda m: (m.started_at, m.run_id, *_process(m), m.metric))
    for _, run in groupby(ordered, key=lambda m: m.run_id):
        yield from _iter_run(list(run))


def _iter_run(measurements: Sequence[Measurement]) -> Iterator[str]:
    first = measurements[0]
    for key, value in (("run", first.run_id), ("commit", first.commit)):
        # Without a value, what another run said before would be forgotten, as it should be.
        yield f"{key}: {value}".rstrip()
    for _, process in groupby(measurements, key=_process):
        yield _result(list(process))


def _process(measurement: Measurement) -> tuple[object, ...]:
    """Return what tells the process that measured this from the others of its run."""
    return (*measurement.case, measurement.probe, measurement.replicate)


def _result(measurements: Sequence[Measurement]) -> str:
    case = measurements[0].case
    parts = (f"{key}={_one_word(value)}" for key, value in case._asdict().items())
    pairs: Iterable[str] = (
        f"{plain(m.value)!r} {_one_word(measure_name(m.metric, m.unit))}" for m in measurements
    )
    return f"BenchmarkUpload/{'/'.join(parts)} 1 {' '.join(pairs)}"


def _one_word(text: str) -> str:
    """Return `text` with whatever has a meaning in the format as %xx, and none of it lost.

    A trailing number after a dash would be read as a count of processors.
    """
    spelt = _ACTIVE.sub(lambda found: f"%{ord(found[0]):02x}", text)
    return re.sub(r"-(?=[0-9]+$)", "%2d", spelt)
