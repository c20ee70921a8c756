"""What a run is asked to measure, as plain values that a manifest can hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec import Struct

from harness.config import PipelineOptions, SymbolOptions
from harness.run.sources import SOURCES

DEFAULT_PROBES = ("memray", "tracemalloc", "gc", "bare")


class Binary(Struct, frozen=True, kw_only=True):
    """One input. `name` identifies it in every table; `extra` is kept in the manifest as it is."""

    name: str
    path: str
    sha256: str
    size_bytes: int
    extra: dict[str, Any] = {}


class Arm(Struct, frozen=True, kw_only=True):
    """One side of the comparison: a name and the pipeline behind it, as `module:attribute`."""

    name: str
    pipeline: str
    options: PipelineOptions | None = None


class RunRequest(Struct, frozen=True, kw_only=True):
    """Everything that decides what a run measures, and where it is put.

    `replicates` overrides the cost model for the probes it names. Cells of an exact metric whose
    replicates disagree are measured again until they have `top_up` of them. `seed` decides which
    arm comes first where, and every hash seed.
    """

    binaries: list[Binary]
    arms: list[Arm]
    results: Path
    probes: tuple[str, ...] = DEFAULT_PROBES
    sources: tuple[str, ...] = SOURCES
    replicates: dict[str, int] = {}
    top_up: int = 5
    seed: int = 1
    timeout_s: float = 900.0
    address_space_bytes: int = 0
    slots: int = 2
    pipeline_options: PipelineOptions = PipelineOptions()
    symbol_options: SymbolOptions = SymbolOptions()
    command: list[str] = []
    cache: Path | None = None
