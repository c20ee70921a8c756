"""Inputs and arms for runs that ask how the peak depends on something: on size, or threshold."""

from __future__ import annotations

from msgspec import structs

from harness.config import KIB, PipelineOptions
from harness.run.request import Arm, Binary

THRESHOLDS = tuple(64 * KIB << power for power in range(8))


def even_shares(sizes: int) -> tuple[float, ...]:
    """Return the shares below 1 that with the whole make `sizes` inputs in even steps."""
    return tuple(step / sizes for step in range(1, sizes))


def prefixes(binary: Binary, shares: tuple[float, ...]) -> list[Binary]:
    """Return growing parts of a binary, each an input of its own; the whole is not among them."""
    return [
        structs.replace(
            binary,
            name=f"{binary.name} [{share:.1%}]",
            size_bytes=round(binary.size_bytes * share),
            share=share,
            extra={},
        )
        for share in shares
    ]


def sweep_arms(
    arm: Arm, options: PipelineOptions, thresholds: tuple[int, ...] = THRESHOLDS
) -> list[Arm]:
    """Return one arm for each flush threshold, named `<arm> @ <KiB>`."""
    return [
        Arm(
            name=f"{arm.name} @ {threshold // KIB} KiB",
            pipeline=arm.pipeline,
            options=structs.replace(arm.options or options, threshold_bytes=threshold),
        )
        for threshold in thresholds
    ]
