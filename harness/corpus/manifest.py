"""The pinned corpora: which binaries, from which wheel or source, with which digest.

What is committed of them stands in the fixtures, beside what an independent tool counted.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, PrivateAttr, model_validator

from harness.config import Tier
from harness.errors import ConfigError, CorpusError
from harness.text import repeated
from harness.toml import Name, reading

TIERS: tuple[str, ...] = get_args(Tier)
COMMITTED: Tier = "small"
"""The tier whose binaries ship with the harness."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_PACKAGE = Path(__file__).resolve().parent.parent
_Item = TypeVar("_Item")
# TOML has arrays, which strict validation would refuse as tuples.
_Array = Annotated[tuple[_Item, ...], Field(strict=False)]


class _Strict(BaseModel):
    """A table of the manifest: immutable, and nothing in it goes unread."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Wheel(_Strict):
    """One immutable file of the package index."""

    project: str
    version: str
    platform: str
    python: str
    abi: str
    sha256: Sha256
    size_bytes: PositiveInt
    licence: str


class GoToolchain(_Strict):
    """How the Go binaries are built: the wheel, GOROOT in it, the environment.

    `machine` is what the toolchain itself runs on.
    """

    wheel: str
    root: str
    machine: str
    environment: dict[str, str]


class Pin(_Strict):
    """One binary that was pinned, and where it comes from: exactly one of three sources."""

    name: Name
    tier: Tier
    language: Literal["C", "C++", "Go", "Rust"]
    dwarf: _Array[int]
    arch: str
    sha256: Sha256
    size_bytes: PositiveInt
    wheel: str = ""
    member: str = ""
    package: str = ""
    path: str = ""
    note: str = ""
    sources: _Array[Literal["dwarf", "replay"]] = ()

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [key for key in ("member", "package", "path") if getattr(self, key)]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(
                f"{self.name} needs exactly one of member, package, path; it has {found}"
            )
        if bool(self.wheel) == bool(self.path):
            raise ValueError(f"{self.name} needs a wheel for member and package, none for path")
        return self


class CorpusManifest(_Strict):
    """What `fixtures/corpus.toml` says."""

    format: Literal[1]
    wheels: dict[Name, Wheel]
    go: GoToolchain
    binaries: _Array[Pin]
    _digest: str = PrivateAttr(default="")

    @property
    def digest(self) -> str:
        """The sha256 of the file this was read from."""
        return self._digest

    def tier(self, tier: str) -> tuple[Pin, ...]:
        """Return the binaries of one tier, smallest first.

        Raises:
            ConfigError: There is no such tier.
        """
        if tier not in TIERS:
            raise ConfigError(f"there is no tier {tier!r}", remedy=f"known: {', '.join(TIERS)}")
        members = (pin for pin in self.binaries if pin.tier == tier)
        return tuple(sorted(members, key=lambda pin: (pin.size_bytes, pin.name)))

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        twice = repeated(pin.name for pin in self.binaries)
        faults = [f"the name {name!r} is given twice" for name in twice]
        users = {pin.name: pin.wheel for pin in self.binaries if pin.wheel}
        users["[go]"] = self.go.wheel
        faults += [
            f"{user} names the wheel {wheel!r}, which is not in [wheels]"
            for user, wheel in users.items()
            if wheel not in self.wheels
        ]
        if faults:
            raise ValueError("; ".join(faults))
        return self


def load_manifest(file: Path) -> CorpusManifest:
    """Read and check a corpus manifest.

    Raises:
        ConfigError: The file cannot be read, or says something that cannot be; every fault is
            named, with the file and the key.
    """
    with reading(file, CorpusManifest, Wheel, GoToolchain, Pin):
        content = file.read_bytes()
        manifest = CorpusManifest.model_validate(tomllib.loads(content.decode()))
    manifest._digest = hashlib.sha256(content).hexdigest()  # noqa: SLF001 - the reader's to set
    return manifest


def fixtures_directory() -> Path:
    """Return the directory that holds `corpus.toml`, `binaries/` and `suites/`.

    A wheel carries it inside the package; a checkout, beside the package.

    Raises:
        CorpusError: It is in neither place.
    """
    for place in (_PACKAGE / "fixtures", _PACKAGE.parent / "fixtures"):
        if (place / "corpus.toml").is_file():
            return place
    raise CorpusError(
        "the fixtures are missing from this installation",
        remedy="install harness again, from a wheel or from a whole checkout",
    )


def committed_path(pin: Pin) -> Path:
    """Return where a committed binary is."""
    return fixtures_directory() / "binaries" / pin.path


@cache
def pinned_manifest() -> CorpusManifest:
    """Return the manifest that ships with the harness."""
    return load_manifest(fixtures_directory() / "corpus.toml")


@cache
def counted_dies() -> dict[str, int]:
    """Return how many debugging entries an independent tool counted, by the binary's digest."""
    fixtures = fixtures_directory()
    files = [fixtures / "corpus-counts.json", *fixtures.glob("binaries/*/expected.json")]
    return {
        one["sha256"]: one["dies"]
        for file in files
        for one in json.loads(file.read_bytes())["files"].values()
    }
