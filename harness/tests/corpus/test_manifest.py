"""The manifest is read strictly, and the one that ships agrees with the files that ship."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.corpus import counted_dies, fixtures_directory, load_manifest, pinned_manifest
from harness.corpus.binary import digest_file
from harness.errors import ConfigError

PINNED = (fixtures_directory() / "corpus.toml").read_text()


def faults_of(tmp_path: Path, text: str) -> str:
    file = tmp_path / "corpus.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_manifest(file)
    assert str(file) in caught.value.message
    return caught.value.message


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        pytest.param("tier = ", "teir = ", "binaries[0].teir: unknown key; did you mean 'tier'?"),
        pytest.param("\n[go]\n", "\n[go]\ncolour = 1\n", "go.colour: unknown key"),
        pytest.param('name = "libelf"', 'name = "../x"', "binaries[1].name: "),
        pytest.param('name = "libelf"', 'name = "go"', "the name 'go' is given twice"),
        pytest.param('arch = "x86-64"', "arch = 64", "binaries[0].arch: "),
        pytest.param('sha256 = "4d55', 'sha256 = "', "wheels.memray.sha256: "),
        pytest.param("size_bytes = 128897", "size_bytes = -1", "binaries[0].size_bytes: "),
        pytest.param("format = 1", "format = 2", "format: "),
        pytest.param('wheel = "memray"', 'wheel = "memory"', "names the wheel 'memory'"),
        pytest.param('package = "cmd/go"', "", "go needs exactly one of member, package, path"),
        pytest.param('package = "cmd/go"', 'path = "go"', "none for path"),
        pytest.param("[wheels.memray]", "[wheels.memray", "not TOML"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_fault_is_named_with_its_key(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert old in PINNED
    assert fault in faults_of(tmp_path, PINNED.replace(old, new, 1))


def test_all_faults_are_reported_together(tmp_path: Path) -> None:
    text = PINNED.replace('abi = "none"', "abi = 3").replace("licence", "license")
    message = faults_of(tmp_path, text)
    assert message.count("abi: ") == PINNED.count('abi = "none"')
    assert message.count("did you mean 'licence'?") == PINNED.count("licence")


def test_an_unreadable_file_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_manifest(tmp_path / "absent.toml")


@pytest.mark.parametrize("tier", ["default", "small", "large"])
def test_a_tier_is_not_empty_and_comes_smallest_first(tier: str) -> None:
    sizes = [pin.size_bytes for pin in pinned_manifest().tier(tier)]
    assert sizes
    assert sizes == sorted(sizes)


def test_the_default_tier_covers_every_language_and_dwarf_version() -> None:
    pins = pinned_manifest().tier("default")
    assert {pin.language for pin in pins} == {"C", "C++", "Go", "Rust"}
    assert {version for pin in pins for version in pin.dwarf} == {2, 3, 4, 5}
    assert {pin.arch for pin in pins} == {"x86-64", "i386", "aarch64", "s390x"}


def test_independent_counts_belong_to_the_pinned_bytes() -> None:
    counted = json.loads((fixtures_directory() / "corpus-counts.json").read_text())["files"]
    pinned = {pin.name: pin.sha256 for pin in pinned_manifest().binaries if not pin.path}
    assert {name: counts["sha256"] for name, counts in counted.items()} == pinned


def test_independent_counts_belong_to_the_committed_bytes() -> None:
    for expected in sorted(fixtures_directory().glob("binaries/*/expected.json")):
        for name, counts in json.loads(expected.read_text())["files"].items():
            assert digest_file(expected.parent / name) == counts["sha256"], expected


def test_every_pinned_binary_of_the_default_tier_is_counted() -> None:
    pins = [pin for pin in pinned_manifest().tier("default") if pin.sha256]
    assert all(counted_dies()[pin.sha256] > 0 for pin in pins)


def test_a_committed_binary_is_counted() -> None:
    digest = digest_file(fixtures_directory() / "binaries/cpp/dwarf5.so")
    assert counted_dies()[digest] == 382
