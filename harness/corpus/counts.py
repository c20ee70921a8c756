"""How many debugging entries a pinned or committed binary has, as an independent tool counted."""

from __future__ import annotations

import json
from functools import cache

from harness.corpus.fixtures import fixtures_directory


def counted_dies(sha256: str) -> int | None:
    """Return the number of entries of the binary with this digest, or None when nobody counted."""
    return _counts().get(sha256)


@cache
def _counts() -> dict[str, int]:
    fixtures = fixtures_directory()
    files = [fixtures / "corpus-counts.json", *fixtures.glob("binaries/*/expected.json")]
    return {
        one["sha256"]: one["dies"]
        for file in files
        for one in json.loads(file.read_bytes())["files"].values()
    }
