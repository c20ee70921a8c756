"""What a fetch left behind in a corpus directory, so that the next start can trust it at once.

A file whose size and modification time are still those of the stamp has the stamp's digest;
`verify` trusts nothing and reads every byte again.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.corpus.binary import digest_file

STAMP_NAME = ".harness-corpus.json"


class Verified(BaseModel):
    """A file that had this digest when it had this size and time."""

    model_config = ConfigDict(extra="forbid")

    sha256: str
    size_bytes: int
    mtime_ns: int


class Stamp(BaseModel):
    """The tiers that were asked for in this directory, and the digests seen there."""

    model_config = ConfigDict(extra="forbid")

    manifest_sha256: str = ""
    tiers: list[str] = []
    files: dict[str, Verified] = {}

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Return the stamp of a directory; an empty one when it has none that can be read."""
        try:
            return cls.model_validate_json((directory / STAMP_NAME).read_bytes())
        except (OSError, ValidationError):
            return cls()

    def write(self, directory: Path) -> None:
        """Replace the stamp of a directory in one step."""
        handle, name = tempfile.mkstemp(prefix=STAMP_NAME, dir=directory)
        with os.fdopen(handle, "w") as stream:
            stream.write(self.model_dump_json(indent=1))
        Path(name).chmod(0o644)
        Path(name).replace(directory / STAMP_NAME)

    def digest(self, path: Path) -> str:
        """Return the digest of a file of this directory, without reading it when it is known."""
        info = path.stat()
        known = self.files.get(path.name)
        if known and (known.size_bytes, known.mtime_ns) == (info.st_size, info.st_mtime_ns):
            return known.sha256
        digest = digest_file(path)
        self.remember(path, digest)
        return digest

    def remember(self, path: Path, digest: str) -> None:
        """Note the digest of a file that was just read or written."""
        info = path.stat()
        self.files[path.name] = Verified(
            sha256=digest, size_bytes=info.st_size, mtime_ns=info.st_mtime_ns
        )


def is_stamped(directory: Path) -> bool:
    """Tell whether a fetch has been at work in this directory."""
    return (directory / STAMP_NAME).is_file()
