"""Every single value behind a median, for those who want to see the spread themselves."""

from __future__ import annotations

import pandas as pd

from harness.stats.frames import succeeded

Place = tuple[str, str, str, str, str]
"""Binary, source, arm, probe and metric."""


def replicate_values(samples: pd.DataFrame) -> dict[Place, list[float]]:
    """Return the values of all successful replicates, in the order of the replicates."""
    good = succeeded(samples).sort_values(["replicate", "order"], kind="stable")
    if good.empty:
        return {}
    grouped = good.groupby(["binary", "source", "arm", "probe", "metric"])["value"].agg(list)
    return {
        (str(binary), str(source), str(arm), str(probe), str(metric)): list(map(float, values))
        for (binary, source, arm, probe, metric), values in grouped.items()
    }
