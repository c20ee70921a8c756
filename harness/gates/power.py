"""Before anything is measured: can a suite see what it asks for with so few replicates?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.gates.suite import Suite
from harness.records import Metric
from harness.stats.change import replicates_at, tolerable_variation_pct
from harness.text import counted


def iter_doubts(
    suite: Suite, metrics: Mapping[str, Metric], replicates: Mapping[str, int]
) -> Iterator[str]:
    """Yield a line per metric that varies, on how much it may vary to be judged.

    Nothing is known of the noise yet, so a line says what noise would leave the answer open, and
    what the noisiest measurement that a verdict accepts would need. `replicates` are those of each
    side, by metric.
    """
    asked: dict[tuple[str, float], int] = {}
    for experiment in suite.experiments:
        for name in experiment.optimization_goal:
            if name in metrics and not metrics[name].exact and not experiment.erratic:
                asked.setdefault((name, experiment.tolerance), replicates[name])
    for (name, tolerance_pct), count in sorted(asked.items()):
        yield _doubt(metrics[name], tolerance_pct, count)


def _doubt(metric: Metric, tolerance_pct: float, count: int) -> str:
    varies_pct = 100 * metric.erratic_above
    needed = replicates_at(varies_pct, tolerance_pct)
    most = f"{needed} where it varies by {varies_pct:g} %" if needed else "an exact metric"
    seen = tolerable_variation_pct(count, tolerance_pct)
    how = f"only where it varies by less than {seen:.2g} %" if seen else "never"
    return (
        f"{metric.name} varies: with {counted(count, 'replicate')} a change of "
        f"{tolerance_pct:g} % is seen {how} — it takes {most} (replicates of the suite)"
    )
