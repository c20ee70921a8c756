"""Packages of C, C++ and Rust binaries: one root a compilation unit, in file order."""

from __future__ import annotations

import posixpath
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from harness.config import SymbolOptions
from harness.model import LanguageSpecifics, Scope
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.dies import Die, read_die
from harness.symbols.dwarf.linehead import join_path
from harness.symbols.dwarf.lists import CODE, pc_ranges
from harness.symbols.dwarf.unithead import UT_TYPE
from harness.symbols.native.context import Identity, UnitContext, reason_to_skip
from harness.symbols.native.far import FarNames
from harness.symbols.native.functions import build_abstract, build_function
from harness.symbols.native.paths import TYPE_TAGS
from harness.symbols.native.prepass import collect_foreign, iter_imports
from harness.symbols.native.signed import SignedTypes, TypeUnits, iter_signed_types
from harness.symbols.native.types import build_type
from harness.symbols.split import SKELETON, open_split

if TYPE_CHECKING:
    from harness.symbols.dwarf.units import Dwarf, Unit

STAGE = "extraction"

SYSTEM_ROOTS = ("/usr/", "/rustc/", "/rust/deps/")


def iter_native_contents(
    dwarf: Dwarf, options: SymbolOptions, skipped: Counter[str]
) -> Iterator[tuple[str, str, Iterator[Scope]]]:
    """Yield name, language and children of one package per compilation unit, in file order.

    File order, not the order of names: sorting a unit by name would need all its names at once,
    and a unit can be the whole program.
    """
    strict = options.locations == "strict"
    with ExitStack() as stack:
        far = FarNames(dwarf, skipped)
        signed = stack.enter_context(closing(SignedTypes(TypeUnits(dwarf), far, skipped)))
        foreign = None if options.single_pass else collect_foreign(dwarf, skipped, strict)
        if foreign is not None:
            stack.enter_context(closing(foreign))
        for unit in dwarf.iter_units():
            if unit.kind == UT_TYPE or unit.root_tag == dw.TAG_PARTIAL_UNIT:
                continue  # what it has is delivered with the units that refer to it
            if reason := reason_to_skip(unit):
                if reason == SKELETON:
                    yield from _iter_split(unit, options, skipped)
                else:
                    skipped[reason] += 1
                continue
            name = _package_name(unit)
            context = UnitContext(unit, skipped, signed, foreign, strict=strict)
            children = _iter_scopes(context, options)
            del context  # it lasts as long as its children
            yield name, unit.language, children
        if unreferred := signed.unreferred():
            skipped["type unit that no unit refers to"] += unreferred


def _iter_split(
    skeleton: Unit, options: SymbolOptions, skipped: Counter[str]
) -> Iterator[tuple[str, str, Iterator[Scope]]]:
    """Yield what a skeleton stands for, as if it were a binary of its own."""
    split = open_split(skeleton, options.debug_dirs)
    if split is None:
        skipped[SKELETON] += 1
        return
    with closing(split):
        yield from iter_native_contents(split, options, skipped)


def _package_name(unit: Unit) -> str:
    if unit.language == "rust":
        return unit.name.partition("/@/")[0]
    return join_path(unit.comp_dir, unit.name)


def _iter_scopes(context: UnitContext, options: SymbolOptions) -> Iterator[Scope]:
    own = _iter_own(context, options, None)
    imported = list(iter_imports(context.unit)) if context.index.imports else []
    yield from _iter_with_parts(own, imported, context, options) if imported else own
    yield from iter_signed_types(context)


def _iter_with_parts(
    own: Iterator[Scope], imported: list[int], context: UnitContext, options: SymbolOptions
) -> Iterator[Scope]:
    """Yield what a unit holds, and what it imports.

    Some of what dwz copies to the supplementary file stays in the binary, and both are imported:
    what says nothing new comes once.
    """
    dwarf = context.unit.dwarf
    shared_from = sys.maxsize if dwarf.supplement is None else dwarf.supplement.origin
    known: set[int] = set()
    for scope in own:
        known.add(_digest(scope))
        yield scope
    for offset in sorted(imported, key=lambda offset: offset >= shared_from):
        unit = dwarf.unit_of(offset)
        part = UnitContext(
            unit, context.skipped, context.signed, context.foreign, strict=context.strict
        )
        for scope in _iter_own(part, options, context):
            digest = _digest(scope)
            if offset < shared_from or scope.end_line or digest not in known:
                known.add(digest)
                yield scope


def _digest(scope: Scope) -> int:
    """Return what tells a type by its fields, and a function by where it is declared."""
    named = scope.language_specifics or LanguageSpecifics()
    place = (scope.name, scope.source_file, scope.start_line, named.qualified_name)
    fields = [] if scope.source_file else [(one.name, one.type) for one in scope.symbols]
    return hash((*place, named.linkage_name, *fields))


def _iter_own(
    context: UnitContext, options: SymbolOptions, home: UnitContext | None
) -> Iterator[Scope]:
    """Yield what one unit holds; `home` imports it, and has the code of its functions."""
    context.count_nameless()
    for offset in context.index.iter_emitted():
        die = read_die(context.unit, offset)
        is_type = die.tag in TYPE_TAGS
        scope = build_type(context, die) if is_type else _build(context, die, home)
        if scope is None:
            continue
        if not is_type and options.scope != "all" and _is_system(scope.source_file):
            context.skipped["function of the system or the toolchain"] += 1
            continue
        yield scope
    context.settle_nameless()


def _build(context: UnitContext, die: Die, home: UnitContext | None) -> Scope | None:
    context.open_scope()
    identity = context.identify(die.offset, die.attributes)
    if not identity.name:
        context.skipped["function without a name"] += 1
        return None
    if dw.AT_ABSTRACT_ORIGIN in die.attributes:
        return None
    if home is not None and not context.unit.comp_dir:  # files are seen from where home's are
        file = join_path(home.unit.comp_dir, identity.file) if identity.file else ""
        identity = identity._replace(file=file)
    ranges = pc_ranges(context.unit, die.attributes)
    if not any(attribute in die.attributes for attribute in CODE):
        return build_abstract(context, die, identity, home)
    if not ranges or _is_discarded(context, ranges[0][0], identity):
        context.skipped["function that the linker discarded"] += 1
        return None
    if not identity.file:
        identity = identity._replace(file=context.file_at(ranges))
    return build_function(context, die, identity)


def _is_discarded(context: UnitContext, address: int, identity: Identity) -> bool:
    """Tell whether another function is at an address; a frame of its own keeps nothing for long."""
    names = (identity.linkage_name, identity.name)
    return context.unit.dwarf.elf.low_functions.is_discarded(address, names)


def _is_system(file: str) -> bool:
    return posixpath.normpath(file).startswith(SYSTEM_ROOTS) if file else False
