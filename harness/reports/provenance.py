"""Where a run comes from, as its manifest tells; what a manifest lacks is empty, never guessed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self

from msgspec import Struct

COMPLETE = "complete"


_UNTRACED = "bare"  # the probe that every other one is held against


class Overhead(Struct, frozen=True):
    """What one probe made of time and memory: CPU time as a factor, max RSS as a rise."""

    probe: str
    cpu_factor: float
    rss_bytes: float
    cells: int


class Provenance(Struct, frozen=True):
    """What is needed to repeat a run and to judge whether another is comparable."""

    run_id: str
    state: str
    command: str
    started_at: str
    elapsed_s: float | None
    versions: Mapping[str, str]
    rig: Mapping[str, Any]
    rig_fingerprint: str
    options: Mapping[str, Any]
    paths: Mapping[str, str]
    not_measured: tuple[str, ...]
    overheads: tuple[Overhead, ...] = ()

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> Self:
        """Return what `manifest` says."""
        elapsed_s = manifest.get("elapsed_s")
        corpus = manifest.get("corpus", [])
        return cls(
            run_id=str(manifest.get("run_id", "")),
            state=str(manifest.get("state", "")),
            command=str(manifest.get("command", "")),
            started_at=str(manifest.get("started_at", "")),
            elapsed_s=None if elapsed_s is None else float(elapsed_s),
            versions={name: str(value) for name, value in manifest.get("versions", {}).items()},
            rig=dict(manifest.get("rig", {})),
            rig_fingerprint=str(manifest.get("rig_fingerprint", "")),
            options=dict(manifest.get("options", {})),
            paths={str(binary["name"]): str(binary.get("path", "")) for binary in corpus},
            not_measured=tuple(map(str, manifest.get("not_measured", []))),
            overheads=tuple(_iter_overheads(manifest.get("overhead", {}))),
        )

    @property
    def complete(self) -> bool:
        """Whether the run says of itself that it reached its end."""
        return self.state == COMPLETE

    @property
    def overhead_gap(self) -> str:
        """Why it is not known what the probes cost; empty where it is, or where none was used."""
        probes = set(self.options.get("probes", ()))
        if self.overheads or not probes - {_UNTRACED}:
            return ""
        if _UNTRACED not in probes:
            return f"The overhead of the probes was not measured: add --probe {_UNTRACED}."
        if not self.complete:
            return "The overhead of the probes is worked out when a run ends."
        return "The overhead of the probes is not known: no case succeeded with one and without."


def _iter_overheads(found: Mapping[str, Mapping[str, Any]]) -> Iterator[Overhead]:
    for probe, one in found.items():
        factor, rise = float(one["cpu_factor"]), float(one["rss_bytes"])
        yield Overhead(str(probe), cpu_factor=factor, rss_bytes=rise, cells=int(one["cells"]))
