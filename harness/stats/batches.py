"""What a pipeline's batches were like: how many there were, and how far they overshot."""

from __future__ import annotations

import pandas as pd
from msgspec import Struct


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


def summarise_batches(batches: pd.DataFrame) -> Batching | None:
    """Return what `batches`, all of one binary, arm and source, have in common; None for none."""
    if batches.empty:
        return None
    counts = batches.groupby(["probe", "replicate"], dropna=False)["batch_num"].nunique()
    reached = reached_threshold(batches)
    return Batching(
        fewest=int(counts.min()),
        most=int(counts.max()),
        threshold_bytes=int(batches["threshold_bytes"].max()),
        largest_payload_bytes=int(batches["payload_bytes"].max()),
        largest_overshoot_bytes=None if reached.empty else int(reached["overshoot_bytes"].max()),
    )


def reached_threshold(batches: pd.DataFrame) -> pd.DataFrame:
    """Return the batches that were flushed because their payload reached a threshold.

    A final batch was flushed because nothing was left to add, and a pipeline that counts
    functions instead of bytes has no threshold to overshoot.
    """
    return batches[~batches["final"].astype(bool) & (batches["threshold_bytes"] > 0)]
