"""The form of a manifest: what every key holds. No manifest is written that has other keys."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType


class Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a run was asked for, on what, with what, and how it ended.

    `commit` is that of the checkout in which it ran, empty when it was none; `dirty` says whether
    that had changes of its own, null when nobody knows. `rig_fingerprint` digests `rig` and other
    people's `versions`, `code_sha256` the code of the harness that is measured. `options` and
    `corpus` are what was asked for; `not_measured` says in words what was left out, `warnings` what
    to beware of. By binary, `modes` are permission bits; by probe, `overhead` is what it costs.
    `flame` lists flame graphs, `pooled` the runs whose replicates these are. `promoted`
    marks a baseline, which nobody reads without its seal. `finished_at` and
    `elapsed_s` are there once it ended.
    """

    format: int
    run_id: str
    started_at: str
    state: str
    kind: str = "run"
    command: str
    commit: str = ""
    dirty: bool | None = None
    versions: dict[str, str]
    rig: dict[str, str | int]
    rig_fingerprint: str
    code_sha256: str
    options: dict[str, Any]
    corpus: list[dict[str, Any]]
    not_measured: list[str]
    warnings: list[str]
    modes: dict[str, int] = {}
    overhead: dict[str, dict[str, float]] = {}
    flame: list[dict[str, Any]] = []
    pooled: list[str] = []
    promoted: bool = False
    finished_at: str = ""
    elapsed_s: float = 0.0


class _Named(Struct, frozen=True):
    name: str


class _Options(Struct, frozen=True):
    arms: list[_Named] = []
    sources: list[str] = []
    probes: list[str] = []


class _Overhead(Struct, frozen=True):
    cpu_factor: float
    rss_bytes: float
    cells: int


# What readers take for granted of parts whose whole form other rooms know.
_RELIED_ON: dict[str, Any] = {
    "options": _Options,
    "corpus": list[_Named],
    "overhead": dict[str, _Overhead],
}
_AnyPart = msgspec.defstruct(
    "_AnyPart",
    [
        (field.name, _RELIED_ON.get(field.name, field.type) | UnsetType, UNSET)
        for field in msgspec.structs.fields(Manifest)
    ],
    kw_only=True,
    forbid_unknown_fields=True,
)


def check_keys(manifest: dict[str, Any]) -> None:
    """Refuse a key that has no place in the form, or a value of another kind; any may be missing.

    Whoever adds a key to a manifest has to add it to the form, and so to the published schema.

    Raises:
        msgspec.ValidationError: Our own mistake, whatever the input was.
    """
    msgspec.convert(manifest, _AnyPart)
