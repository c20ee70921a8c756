"""Packages of C, C++ and Rust binaries: one root a compilation unit, in file order."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.config import SymbolOptions
from harness.model import Package, Scope, package_scope
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.dies import Die, read_die
from harness.symbols.dwarf.linehead import join_path
from harness.symbols.dwarf.ranges import pc_ranges
from harness.symbols.dwarf.units import UT_COMPILE, UT_SKELETON, UT_TYPE, unit_offsets
from harness.symbols.native.functions import build_function
from harness.symbols.native.index import TYPE_TAGS
from harness.symbols.native.inlined import build_abstract
from harness.symbols.native.types import build_type
from harness.symbols.native.unit import UnitContext

if TYPE_CHECKING:
    from harness.symbols.dwarf.units import Dwarf, Unit

SYSTEM_ROOTS = ("/usr/", "/rustc/", "/rust/deps/")
_REASONS = {UT_TYPE: "type unit", UT_SKELETON: "skeleton unit without its split file"}


def iter_native_packages(
    dwarf: Dwarf, options: SymbolOptions, skipped: dict[str, int]
) -> Iterator[Package]:
    """Yield one package a compilation unit; its children come in file order, one at a time.

    File order, not the order of names: sorting a unit by name would need all its names at once,
    and a unit can be the whole program.
    """
    types = dwarf.elf.section(".debug_types")
    if types is not None:
        skipped["type unit"] = len(unit_offsets(types, dwarf.order, dwarf.budget)) - 1
    for unit in dwarf.iter_units():
        reason = _reason_to_skip(unit)
        if reason:
            skipped[reason] = skipped.get(reason, 0) + 1
            continue
        children = _iter_scopes(UnitContext(unit, skipped, options.locations == "strict"), options)
        first = next(children, None)
        if first is not None:
            scope = package_scope(_package_name(unit))
            yield Package(scope, unit.language, _chain(first, children))


def _chain(first: Scope, rest: Iterator[Scope]) -> Iterator[Scope]:
    yield first
    del first
    yield from rest


def _reason_to_skip(unit: Unit) -> str:
    if unit.kind != UT_COMPILE:
        return _REASONS.get(unit.kind, "partial, imported or split unit")
    if unit.root_tag != dw.TAG_COMPILE_UNIT:
        return "partial, imported or split unit"
    if dw.AT_GNU_DWO_NAME in unit.attributes or dw.AT_DWO_NAME in unit.attributes:
        return "skeleton unit without its split file"
    if unit.language not in ("c", "cpp", "rust"):
        return "unit in another language"
    return ""


def _package_name(unit: Unit) -> str:
    if unit.language == "rust":
        return unit.name.partition("/@/")[0]
    return join_path(unit.comp_dir, unit.name)


def _iter_scopes(context: UnitContext, options: SymbolOptions) -> Iterator[Scope]:
    for offset in context.index.iter_emitted():
        die = read_die(context.unit, offset)
        if die.tag in TYPE_TAGS:
            yield build_type(context, die)
            continue
        scope = _build(context, die)
        if scope is None:
            continue
        if options.scope != "all" and _is_system(scope.source_file):
            context.skip("function of the system or the toolchain")
            continue
        yield scope


def _build(context: UnitContext, die: Die) -> Scope | None:
    identity = context.identify(die.offset, die.attributes)
    if not identity.name:
        context.skip("function without a name")
        return None
    if dw.AT_ABSTRACT_ORIGIN in die.attributes:
        return None
    ranges = pc_ranges(context.unit, die.attributes)
    if not ranges:
        return build_abstract(context, die, identity)
    if ranges[0][0] == 0:
        context.skip("function that the linker discarded")
        return None
    return build_function(context, die, identity)


def _is_system(file: str) -> bool:
    return posixpath.normpath(file).startswith(SYSTEM_ROOTS) if file else False
