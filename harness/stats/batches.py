"""What a pipeline's batches were like: how many there were, and how far they overshot."""

from __future__ import annotations

from typing import Any

import pandas as pd
from msgspec import Struct

_CASE = ["binary", "source", "arm"]


class Batching(Struct, frozen=True):
    """The batches of one arm over one binary and source.

    `fewest` and `most` batches of any one replicate are equal unless the pipeline is not
    deterministic. `threshold_bytes` is 0 for a pipeline that has none. `largest_overshoot_bytes`
    is over the batches that `reached_threshold`; None when there are none: then nothing is known
    of overshoot.
    """

    fewest: int
    most: int
    threshold_bytes: int
    largest_payload_bytes: int
    largest_overshoot_bytes: int | None


def batching_of(batches: pd.DataFrame) -> dict[tuple[str, str, str], Batching]:
    """Return what the batches of each arm over each binary and source have in common."""
    each = batches.groupby([*_CASE, "probe", "replicate"], dropna=False)["batch_num"].nunique()
    counts = each.groupby(level=_CASE).agg(["min", "max"])
    sizes = batches.groupby(_CASE)[["threshold_bytes", "payload_bytes"]].max()
    overshoot = reached_threshold(batches).groupby(_CASE)["overshoot_bytes"].max().to_dict()
    return {
        case: Batching(
            fewest=int(fewest),
            most=int(most),
            threshold_bytes=int(threshold),
            largest_payload_bytes=int(payload),
            largest_overshoot_bytes=int(overshoot[case]) if case in overshoot else None,
        )
        for case, fewest, most, threshold, payload in counts.join(sizes).itertuples(name=None)
    }


def reached_threshold(batches: pd.DataFrame) -> pd.DataFrame:
    """Return the batches that were flushed because their payload reached a threshold.

    A final batch was flushed because nothing was left to add, and a pipeline that counts
    functions instead of bytes has no threshold to overshoot.
    """
    return batches[has_reached(batches["final"].astype(bool), batches["threshold_bytes"])]


def has_reached(final: Any, threshold_bytes: Any) -> Any:
    """Tell the same of one batch, or of columns of them."""
    return (final ^ True) & (threshold_bytes > 0)
