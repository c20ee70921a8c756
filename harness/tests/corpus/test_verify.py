"""Verifying reads every byte again, and calls things by their state."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.corpus import CorpusManifest, verify
from harness.errors import CorpusError
from harness.tests.corpus.conftest import ELF, manifest, pin

WHEEL = {
    "project": "tiny",
    "version": "1.0",
    "platform": "any",
    "python": "3.11",
    "abi": "none",
    "sha256": "0" * 64,
    "size_bytes": 1,
    "licence": "MIT",
}


@pytest.fixture
def two_pins() -> CorpusManifest:
    large = pin("other-tier", wheel="w", member="b", tier="large")
    return manifest({"w": WHEEL}, pin("lib", wheel="w", member="a"), large)


@pytest.mark.parametrize(
    ("content", "state"),
    [
        pytest.param(ELF, "ok", id="the pinned bytes"),
        pytest.param(ELF[:-1], "changed", id="another size"),
        pytest.param(ELF[:-1] + b"?", "changed", id="the same size"),
        pytest.param(None, "missing", id="no file"),
    ],
)
def test_a_pinned_binary_has_a_state(
    content: bytes | None, state: str, two_pins: CorpusManifest, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "lib").write_bytes(content)
    assert [finding.state for finding in verify(two_pins, "default", tmp_path)] == [state]


def test_a_change_that_keeps_size_and_time_is_found(
    two_pins: CorpusManifest, tmp_path: Path
) -> None:
    file = tmp_path / "lib"
    file.write_bytes(ELF)
    before = file.stat()
    file.write_bytes(ELF[:-1] + b"?")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert verify(two_pins, "default", tmp_path)[0].state == "changed"


def test_a_binary_of_another_tier_is_not_extra_but_a_stranger_is(
    two_pins: CorpusManifest, tmp_path: Path
) -> None:
    for name in ("lib", "other-tier", "stranger"):
        (tmp_path / name).write_bytes(ELF)
    states = {finding.name: finding.state for finding in verify(two_pins, "default", tmp_path)}
    assert states == {"lib": "ok", "stranger": "extra"}


def test_a_directory_that_is_not_there_is_an_error(
    two_pins: CorpusManifest, tmp_path: Path
) -> None:
    with pytest.raises(CorpusError, match="there is no directory"):
        verify(two_pins, "default", tmp_path / "absent")
