"""What a corpus argument means: a file, a directory, or something to be fetched."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.corpus import committed_corpus, pinned_manifest, resolve
from harness.errors import ConfigError, CorpusError
from harness.tests.corpus.conftest import ELF

SMALL = {pin.name for pin in pinned_manifest().tier("small")}


def test_a_file_is_itself(tmp_path: Path) -> None:
    (tmp_path / "lib.so").write_bytes(ELF)
    corpus = resolve(tmp_path / "lib.so")
    assert [plan.name for plan in corpus.planned] == ["lib.so"]
    assert [binary.status for binary in corpus.planned] == ["ok"]
    assert corpus.warning == ""


def test_a_text_file_is_listed_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("notes")
    assert [binary.status for binary in resolve(tmp_path / "notes").planned] == ["text"]


def test_a_directory_is_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "lib.so").write_bytes(ELF)
    (tmp_path / "damaged.so").write_bytes(bytes(4))
    corpus = resolve(tmp_path)
    assert [binary.name for binary in corpus.planned] == ["damaged.so", "lib.so"]
    assert corpus.label == f"directory {tmp_path}"


def test_texts_beside_binaries_are_not_measured_and_are_named(tmp_path: Path) -> None:
    (tmp_path / "lib.so").write_bytes(ELF)
    for number in range(7):
        (tmp_path / f"build{number}.sh").write_text("#!/bin/sh\n")
    corpus = resolve(tmp_path)
    assert [binary.name for binary in corpus.planned] == ["lib.so"]
    assert corpus.label.endswith(
        "not measured, as texts: "
        + ", ".join(f"build{number}.sh" for number in range(5))
        + " and 2 more"
    )


def test_a_directory_of_texts_alone_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "build.sh").write_text("#!/bin/sh\n")
    with pytest.raises(CorpusError, match="contains only text files"):
        resolve(tmp_path)


@pytest.mark.parametrize("hidden", [False, True])
def test_an_empty_directory_is_an_error_with_a_remedy(tmp_path: Path, hidden: bool) -> None:
    if hidden:
        (tmp_path / ".hidden").write_bytes(ELF)
    with pytest.raises(CorpusError, match="is empty") as caught:
        resolve(tmp_path)
    assert "harness corpus fetch" in caught.value.remedy


@pytest.mark.parametrize("name", ["lib.so", "absent/corpus", "my-binray"])
def test_a_mistyped_name_is_not_filled_with_downloads(tmp_path: Path, name: str) -> None:
    with pytest.raises(CorpusError, match="does not exist"):
        resolve(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_new_directory_is_filled_with_the_tier_that_was_asked_for(tmp_path: Path) -> None:
    corpus = resolve(tmp_path / "corpus", "small")
    fetched = [one for one in corpus.arrivals if one]
    assert {binary.name for binary in fetched} == SMALL
    assert {plan.name for plan in corpus.planned} == SMALL
    assert corpus.label.startswith("small tier, pinned")


def test_a_directory_that_a_fetch_began_is_completed(tmp_path: Path) -> None:
    """Its stamp says with what; what the user added is measured too."""
    corpus = tmp_path / "corpus"
    resolve(corpus, "small").close()
    (corpus / "mine").write_bytes(ELF + b"mine")
    (corpus / "c-dwarf5").unlink(missing_ok=True)
    assert {binary.name for binary in resolve(corpus).planned} == SMALL | {"mine"}


def test_an_unknown_tier_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no tier 'huge'.*known: default, small, large"):
        resolve(tmp_path / "corpus", "huge")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("unreachable_index")
def test_committed_binaries_stand_in_plainly_labelled(tmp_path: Path) -> None:
    corpus = resolve(tmp_path / "corpus", "default")
    assert "NOT the default tier" in corpus.label
    assert "nothing could be fetched" in corpus.warning
    assert {binary.name for binary in corpus.planned} == SMALL


def test_committed_binaries_are_verified() -> None:
    binaries = list(committed_corpus().planned)
    assert all(binary.is_elf and binary.pin for binary in binaries)
