"""Did two pipelines deliver the same scopes? Until they did, comparing their memory is idle."""

from __future__ import annotations

import pandas as pd


def same_output(deliveries: pd.DataFrame, arms: tuple[str, str]) -> bool | None:
    """Say whether both arms delivered the same scopes.

    Args:
        deliveries: What reached the intake, of one binary and source.
        arms: The two pipelines.

    Returns:
        None when either arm has no successful delivery to look at; False also when one arm
        delivered different scopes at different times.
    """
    good = deliveries[deliveries["status"] == "ok"]
    digests = [set(good.loc[good["arm"] == arm, "digest"]) - {""} for arm in arms]
    if not all(digests):
        return None
    return len(digests[0] | digests[1]) == 1
