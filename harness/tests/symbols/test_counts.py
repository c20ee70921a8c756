"""The reader meets every entry that an independent tool counts, in real binaries of every kind."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.corpus import fixtures_directory
from harness.corpus.manifest import load_manifest
from harness.symbols.dwarf.dies import Die, Walk
from harness.symbols.dwarf.units import Dwarf, Unit
from harness.symbols.elf import ElfFile
from harness.tests.symbols.binaries import BINARIES, counted, name_of
from harness.tests.symbols.counting import count_entries

# Types of DWARF 4 have units of their own in .debug_types, which is not walked as a whole.
IN_DEBUG_INFO = [path for path in BINARIES if path.name != "types4.so"]

CORPUS = os.environ.get("HARNESS_CORPUS")
MANIFEST = load_manifest(fixtures_directory() / "corpus.toml")
COUNTS = json.loads((fixtures_directory() / "corpus-counts.json").read_text())["files"]


@pytest.mark.parametrize("path", IN_DEBUG_INFO, ids=name_of)
def test_units_entries_functions_parameters_and_variables_are_all_met(path: Path) -> None:
    expected, found = counted(path), count_entries(path)
    assert found == {key: expected[key] for key in found}


@pytest.mark.parametrize("path", BINARIES, ids=name_of)
def test_a_walk_for_some_tags_meets_what_one_for_all_meets_of_them(path: Path) -> None:
    """For each tag alone, and for all but one, which steps over different entries."""
    for unit, every, met in iter_walked(path):
        for tag in met:
            for tags in (frozenset((tag,)), met - {tag}):
                found = list(Walk(unit, unit.first, tags))
                assert found == [die for die in every if die.tag in tags]


@pytest.mark.parametrize("path", BINARIES, ids=name_of)
def test_a_walk_into_some_tags_meets_nothing_below_others(path: Path) -> None:
    """Whether the others are yielded, which tells where their children end, or passed over."""
    for unit, every, met in iter_walked(path):
        for tag in met:
            into = met - {tag}
            reached = list(reached_through(every, into))
            for tags in (None, into, frozenset((tag,))):
                found = list(Walk(unit, unit.first, tags, into=into))
                assert found == [die for die in reached if tags is None or die.tag in tags]


def iter_walked(path: Path) -> Iterator[tuple[Unit, list[Die], frozenset[int]]]:
    """Yield each unit with all of its entries, and their tags."""
    with ElfFile(str(path)) as elf:
        for unit in Dwarf(elf).iter_units():
            every = list(Walk(unit, unit.first))
            yield unit, every, frozenset(die.tag for die in every)


def reached_through(every: list[Die], into: frozenset[int]) -> Iterator[Die]:
    """Yield the entries whose parents, but for the first entry, all have a tag of `into`."""
    closed = len(every)
    for die in every:
        if die.depth <= closed:
            closed = die.depth if die.depth and die.tag not in into else len(every)
            yield die


@pytest.mark.slow
@pytest.mark.skipif(CORPUS is None, reason="HARNESS_CORPUS names no directory with the corpus")
@pytest.mark.parametrize("name", [pin.name for pin in MANIFEST.tier("default")])
def test_all_entries_of_the_default_corpus_are_met(name: str) -> None:
    """A binary that is not there fails: an absent one agrees with nothing."""
    expected, found = COUNTS[name], count_entries(Path(str(CORPUS), name))
    assert found == {key: expected[key] for key in found}
