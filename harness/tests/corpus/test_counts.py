"""The counts that ship with the fixtures are found by digest."""

from __future__ import annotations

import hashlib

from harness.corpus import counted_dies, fixtures_directory, pinned_manifest


def test_every_pinned_binary_of_the_default_tier_is_counted() -> None:
    pins = [pin for pin in pinned_manifest().tier("default") if pin.sha256]
    assert all((counted_dies(pin.sha256) or 0) > 0 for pin in pins)


def test_a_committed_binary_is_counted_and_a_strange_one_is_not() -> None:
    content = (fixtures_directory() / "binaries/cpp/dwarf5.so").read_bytes()
    assert counted_dies(hashlib.sha256(content).hexdigest()) == 382
    assert counted_dies("00" * 32) is None
