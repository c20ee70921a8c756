"""The pre-pass: one walk over every unit, which fills the index and stores what it decodes.

A function with code of its own is decoded here, once, and its scope stored until its package is
delivered: the walk meets all its entries anyway, on the way to what was inlined into it, and has
its line table at hand.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.units import Unit
from harness.symbols.go.binary import GoBinary
from harness.symbols.go.index import GoIndex
from harness.symbols.go.placement import Placement
from harness.symbols.go.unitscan import UnitScan

STAGE = "extraction"


def build_index(binary: GoBinary) -> GoIndex:
    """Walk all units of the binary and return the sealed index; the caller closes it."""
    index = GoIndex()
    try:
        _scan(binary, index)
        index.seal()
    except BaseException:
        index.close()
        raise
    return index


def _scan(binary: GoBinary, index: GoIndex) -> None:
    placement = Placement(binary, index)
    placement.look_ahead(unit for unit, reason in _iter_units(binary) if not reason)
    for unit, reason in _iter_units(binary):
        if reason:
            binary.skip(reason)
            continue
        wanted = placement.begin(unit)
        occupied = UnitScan(binary, index, placement, unit, wanted=wanted).run()
        if wanted:
            placement.end(unit, occupied=occupied)
    placement.settle("")


def _iter_units(binary: GoBinary) -> Iterator[tuple[Unit, str]]:
    """Yield every unit, and why it is skipped if it is."""
    for unit in binary.dwarf.iter_units():
        reason = ""
        if unit.root_tag != dw.TAG_COMPILE_UNIT or unit.language != "go":
            reason = "unit: not Go"
        elif not unit.name:
            reason = "unit: no name"
        yield unit, reason
