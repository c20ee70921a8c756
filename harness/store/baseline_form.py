"""The form of what `harness baseline show` says as one JSON document."""

from __future__ import annotations

from msgspec import Struct

from harness.store.bounds import Bound
from harness.store.seal import SealedFile

SCHEMA = "harness.baseline/1"


class BaselineDocument(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `--json` of `harness baseline show` and `promote` prints.

    `dirty` is null when nobody knows whether the checkout differed from its commit. `counts_here`
    holds for each metric what differs on this machine: nothing means that its values count.
    """

    schema: str = SCHEMA
    run_id: str
    commit: str
    dirty: bool | None
    command: str
    promoted_at: str
    versions: dict[str, str]
    rig: dict[str, str | int]
    experiments: int
    files: dict[str, SealedFile]
    left_out: dict[str, SealedFile]
    counts_here: dict[str, list[str]]
    bounds: tuple[Bound, ...]
