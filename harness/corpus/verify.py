"""Compare a directory with a pinned tier, byte by byte."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.corpus.binary import Binary, digest_file
from harness.corpus.inventory import inventory
from harness.corpus.manifest import Manifest, Pin
from harness.errors import CorpusError

State = Literal["ok", "missing", "changed", "extra"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One binary, and how it stands to the manifest."""

    name: str
    state: State
    detail: str = ""


def verify(manifest: Manifest, tier: str, directory: Path) -> list[Finding]:
    """Return how each pinned binary and each other file of `directory` stands to the manifest.

    Every byte is read again. A pinned binary of another tier is not extra.

    Raises:
        CorpusError: There is no such directory.
    """
    if not directory.is_dir():
        raise CorpusError(
            f"there is no directory {directory}",
            remedy=f"python -m harness corpus fetch --tier {tier} {directory}",
        )
    pinned = [_check(pin, directory / pin.name) for pin in manifest.tier(tier)]
    known = {pin.name for pin in manifest.binaries}
    extra = [_extra(binary) for binary in inventory(directory) if binary.name not in known]
    return pinned + extra


def _check(pin: Pin, path: Path) -> Finding:
    try:
        size, digest = path.stat().st_size, digest_file(path)
    except FileNotFoundError:
        return Finding(pin.name, "missing")
    except OSError as error:
        return Finding(pin.name, "missing", error.strerror or "")
    if size != pin.size_bytes:
        return Finding(pin.name, "changed", f"{size} bytes, pinned are {pin.size_bytes}")
    if digest != pin.sha256:
        return Finding(pin.name, "changed", f"sha256 is {digest}, pinned is {pin.sha256}")
    return Finding(pin.name, "ok")


def _extra(binary: Binary) -> Finding:
    return Finding(binary.name, "extra", binary.detail)
