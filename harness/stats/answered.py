"""Whether a run answered what it was asked; a command that leaves something open never exits 0."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.errors import GateFailed, HarnessError, MeasurementInvalid
from harness.records import CALL, DIFFERENT, DIFFERENT_CALLS
from harness.stats.frames import Frames, succeeded
from harness.stats.summary import Row, has_two_sides
from harness.text import first_cause


def refuse_unanswered(frames: Frames, rows: Iterable[Row]) -> None:
    """Refuse a run in which something was lost, or of which not every row carries a verdict.

    Raises:
        HarnessError: No binary could be read.
        MeasurementInvalid: Something else that was asked for is not known.
    """
    rows = list(rows)
    differing = sorted({row.binary for row in rows if row.same_output is False})
    if differing:
        raise MeasurementInvalid(
            f"{DIFFERENT_CALLS if frames.manifest.kind == CALL else DIFFERENT} for "
            f"{', '.join(differing)}",
            remedy="no memory verdict counts until both do the same",
        )
    refuse_nothing(frames)
    refuse_losses(frames)
    undecided = [row for row in rows if not row.counts] if _asks_for_verdict(frames) else []
    if undecided:
        row = undecided[0]
        told = [f"{one.binary} from {one.source}: {'; '.join(one.doubts)}" for one in undecided]
        raise MeasurementInvalid(
            f"no verdict{_first_of(told)}", remedy=f"measure it again: {row.repeat}"
        )


def refuse_nothing(frames: Frames, *, told: bool = False) -> None:
    """Refuse a run that measured nothing at all; causes that were `told` just before are left out.

    Raises:
        HarnessError: No binary could be read.
        MeasurementInvalid: Everything else went wrong.
    """
    if succeeded(frames.samples).empty:
        unread = set(frames.failures["status"]) == {"rejected"}
        kind = HarnessError if unread else MeasurementInvalid
        lost = list(iter_losses(frames, causes=not told))
        # A cause that ends in a remedy of its own needs no second one.
        alone = len(lost) == 1 and " — " in lost[0]
        kept = "" if alone else f"every reason is kept in {frames.path}"
        raise kind(
            f"nothing could be measured{_first_of(lost)}",
            remedy="the reason is told above" if told and lost else kept,
        )


def refuse_grown(rows: Iterable[Row], tolerance_pct: float) -> None:
    """Refuse a run in which the candidate needs more than is tolerated.

    Raises:
        GateFailed: It does; the largest growth is named.
    """
    grown = [row for row in rows if _grew(row, tolerance_pct)]
    if grown:
        worst = min(grown, key=lambda row: row.reduction_pct or 0)
        raise GateFailed(
            f"{worst.candidate.name} needs {-(worst.reduction_pct or 0):.1f} % more peak heap than "
            f"{worst.baseline.name} over {worst.binary}, and {tolerance_pct:g} % is tolerated",
            remedy="the lines that hold more are in the table",
        )


def _grew(row: Row, tolerance_pct: float) -> bool:
    """Tell whether a peak grew by more; by rounding, 5 % of 100 bytes would be more than 5."""
    old, new = (arm.peak for arm in row.arms)
    if row.reduction_pct is None or old is None or new is None:
        return False
    return 100 * new.median > (100 + tolerance_pct) * old.median


def refuse_losses(frames: Frames) -> None:
    """Refuse a run in which a replicate does not count.

    Raises:
        MeasurementInvalid: One does not; the first is named.
    """
    losses = list(iter_losses(frames))
    if losses:
        raise MeasurementInvalid(
            f"not everything could be measured{_first_of(losses)}",
            remedy=f"what was measured is kept in {frames.path}, with every reason",
        )


def iter_losses(frames: Frames, *, causes: bool = True) -> Iterator[str]:
    """Yield one line for each arm, source, probe and status in which a replicate does not count."""
    cells = ["binary", "arm", "source", "probe", "status"]
    for (binary, arm, source, probe, status), rows in frames.failures.groupby(cells, sort=False):
        count = f", {len(rows)} replicates" if len(rows) > 1 else ""
        place = " ".join([f"over {binary}", *([f"from {source}"] if source != CALL else [])])
        who = f"{arm} {place} ({probe}{count})" if arm else binary
        cause = first_cause(str(rows["detail"].iloc[0])) if causes else ""
        yield f"{who}: {status}{cause and ': '}{cause}"


def _first_of(lines: list[str]) -> str:
    """Return the first of some lines, and how many more there are, to follow a sentence."""
    more = f", and {len(lines) - 1} more" if len(lines) > 1 else ""
    return "".join([": " if lines else "", *lines[:1], more])


def _asks_for_verdict(frames: Frames) -> bool:
    """Tell whether two pipelines were to be compared by a peak, and not one alone or by time."""
    asked = frames.manifest.options
    peaks = {frames.metrics.probe(name) for name in frames.metrics.peaks}
    return has_two_sides(frames.manifest) and not peaks.isdisjoint(asked.probes)
