"""Why a row proves nothing, or less than was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from harness.limits.found import PROBE
from harness.records import CALL, DIFFERENT
from harness.stats.metrics import Metrics

if TYPE_CHECKING:
    from harness.stats.summary import ArmSummary


_UNCHECKED = "nobody checked that both arms delivered the same scopes"


class Failure(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Replicates of one arm and probe that did not end well; `detail` is the first one's cause."""

    arm: str
    probe: str
    status: str
    replicates: int
    detail: str

    @property
    def doubt(self) -> str:
        """What it is called where it makes a row doubtful."""
        who = f"{self.arm} ({self.probe}): " if self.arm else ""
        return f"{who}{self.status}"


def iter_failures(failed: Iterable[Any], arms: tuple[str, str]) -> Iterator[Failure]:
    """Yield what failed, including what failed before an arm was even chosen."""
    alike: dict[tuple[str, str, str], list[Any]] = {}
    for row in failed:
        if row.arm in {*arms, ""}:
            alike.setdefault((row.arm, row.probe, row.status), []).append(row)
    for arm, probe, status in sorted(alike):
        rows = alike[arm, probe, status]
        replicates, detail = len({row.replicate for row in rows}), rows[0].detail
        yield Failure(arm=arm, probe=probe, status=status, replicates=replicates, detail=detail)


def iter_doubts(
    arms: tuple[ArmSummary, ...],
    failures: tuple[Failure, ...],
    same: bool | None,
    defined: tuple[str, str],
    digests: int,
) -> Iterator[str]:
    """Yield the causes; what merely follows from a failure is not said again."""
    metric, probe = defined
    failed = [f for f in failures if not f.arm or f.probe in (probe, "verify")]
    yield from (failure.doubt for failure in failed)
    if same is None and not failed and len(arms) > 1:
        silent = [arm.name for arm in arms if arm.peak and not arm.batching]
        # Callables send nothing, nor does anybody of a binary without scopes.
        yield f"{silent[0]} sent nothing" if len(silent) == 1 else _UNCHECKED
    elif same is False:
        yield DIFFERENT
    if digests != 1:
        yield "the binary changed during the run"
    for arm in arms:
        if arm.peak is None:
            if not {f.arm for f in failed} & {arm.name, ""}:
                yield f"{arm.name} has no {metric}"
        elif arm.peak.low <= 0:
            yield f"{arm.name} held nothing at its peak, which is no measurement"
    counts = [arm.peak.replicates for arm in arms if arm.peak]
    if len(set(counts)) > 1:
        yield f"unequal replicates: {' and '.join(map(str, counts))}"


def iter_unmeasured(
    arms: tuple[ArmSummary, ...], metrics: Metrics, peak: str, *, calls: bool
) -> Iterator[str]:
    """Yield what was asked for by default and is not there, by arm or of both."""
    lacking = [_lacking(arm, metrics, peak, calls=calls) for arm in arms]
    if len(arms) == 2 and lacking[0] and lacking[0] == lacking[1]:
        yield f"{lacking[0]} of both arms"
        return
    yield from (f"{what} of {arm.name}" for arm, what in zip(arms, lacking, strict=True) if what)


def _lacking(arm: ArmSummary, metrics: Metrics, peak: str, *, calls: bool) -> str:
    lacking = [] if arm.peak else [peak]
    lacking += [] if arm.batching or calls else ["batches"]
    others = [
        name
        for name in metrics.compared
        if not metrics[name].peak_rank and metrics.probe(name) != PROBE
    ]
    others.sort(key=lambda name: metrics[name].unit, reverse=True)  # seconds come first
    lacking += [name for name in others if arm.find(name, metrics.probe(name)) is None]
    return ", ".join(lacking)


def unchecked_of(deliveries: Iterable[Any], arms: tuple[str, str]) -> str:
    """Return why what a callable did has no digest; empty where it has, or for an upload."""
    calls = (row for row in deliveries if row.source == CALL and row.status == "ok")
    return "; ".join(
        f"{row.arm}: {row.detail}" for row in calls if row.arm in arms and not row.digest
    )


def same_output(deliveries: Iterable[Any], arms: tuple[str, str]) -> bool | None:
    """Say whether both arms delivered the same scopes.

    None when either arm has no successful delivery to look at; False also when one arm delivered
    different scopes at different times.
    """
    rows = list(deliveries)
    old, new = (delivered(rows, arm) for arm in arms)
    return len(old | new) == 1 if old and new else None


def delivered(deliveries: Iterable[Any], arm: str) -> set[str]:
    """Return the digests of what an arm delivered over one binary and source."""
    return {row.digest for row in deliveries if row.arm == arm and row.status == "ok"} - {""}
