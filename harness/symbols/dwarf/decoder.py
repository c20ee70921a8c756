"""Turn an abbreviation declaration into Python code that reads just what extraction needs.

A declaration fixes, for every entry that uses it, which attributes follow in which form. Walking
that list for each of millions of entries is what makes a general reader slow. Here it is walked
once: runs of fixed-size attributes become one `struct.unpack_from` with pad bytes over what nobody
asked for, the rest becomes straight-line code. The source handed to `exec` is built from numbers
and from the fixed texts below only; nothing of the input's own bytes gets into it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from harness.errors import InputRejected
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.forms import JoinedLayout, Layout, read_sleb, read_uleb, shape_of

STAGE = "extraction"

Decode = Callable[[bytes, int, int], tuple[int, dict[int, Any]]]
"""(data, position, unit's offset) -> (position behind the entry, wanted attributes)."""

ELSEWHERE = -1
"""Value of a reference that leads into a supplementary file, which we do not have."""

SIGNATURE = -2
"""A reference to a type unit has this value less its signature; all below -1 are such."""

STRP, LINE_STRP, STRX, STRP_SUP = range(4)
"""The low three bits of a string that is not inline: which section its offset (>> 3) is for."""

_STRING_KINDS = {"strp": STRP, "line_strp": LINE_STRP, "strx": STRX, "strp_sup": STRP_SUP}
_CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}
_KEYS = {
    (dw.AT_LOW_PC, "addrx"): dw.AT_LOW_PC_INDEX,
    (dw.AT_HIGH_PC, "const"): dw.AT_HIGH_PC_OFFSET,
    (dw.AT_HIGH_PC, "addrx"): dw.AT_HIGH_PC_INDEX,
    (dw.AT_RANGES, "rnglistx"): dw.AT_RANGES_INDEX,
    (dw.AT_LOCATION, "sec_offset"): dw.AT_LOCATION_LIST,
    (dw.AT_LOCATION, "const"): dw.AT_LOCATION_LIST,
    (dw.AT_LOCATION, "loclistx"): dw.AT_LOCATION_LIST_INDEX,
}


_TEXTS = frozenset(
    (dw.AT_NAME, dw.AT_COMP_DIR, dw.AT_PRODUCER, dw.AT_LINKAGE_NAME, dw.AT_MIPS_LINKAGE_NAME,
     dw.AT_DWO_NAME, dw.AT_GNU_DWO_NAME, dw.LNCT_PATH)
)  # fmt: skip
_LINES = 0xFFFF_FFFF  # line numbers wrap at 32 bits, as in the line table
_LINE = (dw.AT_DECL_LINE, dw.AT_CALL_LINE)
_SMALL = (1, 2, 4)
_BOUNDS = (dw.AT_UPPER_BOUND, dw.AT_COUNT)
_NO_NUMBERS = frozenset(("string", "block", "wide"))


class Attribute(NamedTuple):
    """One line of an abbreviation declaration. `constant` is for DW_FORM_implicit_const."""

    at: int
    form: int
    constant: int


def fixed_size(attributes: tuple[Attribute, ...], layout: Layout) -> int:
    """Return how many bytes the attributes take, -1 when it depends on their values.

    Raises:
        InputRejected: A form is unknown.
    """
    sizes = [shape_of(attribute.form, layout).size for attribute in attributes]
    numbers = [0 if size == "none" else size for size in sizes]
    return -1 if any(isinstance(size, str) for size in numbers) else sum(map(int, numbers))


def compile_decoder(
    attributes: tuple[Attribute, ...], wanted: frozenset[int], layout: Layout
) -> Decode:
    """Compile one declaration into a function that reads the `wanted` attributes.

    Raises:
        InputRejected: A form is unknown.
    """
    return _Writer(layout, wanted).write(attributes)


_NAMES: dict[str, Any] = {"uleb": read_uleb, "sleb": read_sleb}
"""The globals of all decode functions: the number readers, and a struct reader a run's shape."""


@lru_cache(maxsize=512)
def _compile(source: str) -> Decode:
    """Compile one function. Declarations of the same shape share it, whatever their tags."""
    found: dict[str, Any] = {}
    exec(source, _NAMES, found)  # noqa: S102 - see the module's docstring
    decode: Decode = found["decode"]
    return decode


def _reader(shape: str) -> str:
    """Return the global name of the struct reader of `shape`, made if it is new."""
    name = f"read_{'le' if shape[0] == '<' else 'be'}_{shape[1:]}"
    if name not in _NAMES:
        _NAMES[name] = struct.Struct(shape).unpack_from
    return name


def _fits(attribute: int, kind: str) -> bool:
    """Tell whether an attribute may have a value of this kind; one that may not is passed over.

    Readers rely on it: texts are what `Strings` takes, a location is an expression unless a key of
    its own says otherwise, and everything else is a number.
    """
    if kind == "indirect":  # asked again when the form is known
        return True
    if attribute in _TEXTS:
        return kind == "string" or kind in _STRING_KINDS
    if attribute == dw.LNCT_MD5:
        return kind == "wide"
    if attribute == dw.AT_LOCATION:
        return kind == "block" or (attribute, kind) in _KEYS
    if attribute in _BOUNDS:  # which may also refer to the variable that holds them
        return kind == "const"
    return kind not in _NO_NUMBERS


def _constant(attribute: Attribute) -> int:
    return attribute.constant & _LINES if attribute.at in _LINE else attribute.constant


class _Writer:
    """Writes the source of one decode function."""

    def __init__(self, layout: Layout, wanted: frozenset[int]) -> None:
        self.layout = layout
        self.wanted = wanted
        self.order = "<" if layout.little_endian else ">"
        self.lines: list[str] = []
        self.results: list[str] = []
        self.run: list[tuple[int, str]] = []

    def write(self, attributes: tuple[Attribute, ...]) -> Decode:
        """Return the compiled function."""
        for attribute in attributes:
            self._add(f"v{len(self.results)}", attribute)
        self._close_run()
        body = "\n    ".join(self.lines) or "pass"
        source = (
            "def decode(data, at, unit):\n"
            f"    {body}\n"
            f"    return at, {{{', '.join(self.results)}}}\n"
        )
        return _compile(source)

    def _add(self, name: str, attribute: Attribute) -> None:
        size, kind = shape_of(attribute.form, self.layout)
        keep = attribute.at in self.wanted and _fits(attribute.at, kind)
        if isinstance(size, int):
            self.run.append((size, name if keep else ""))
        elif size != "none":
            self._close_run()
            self._add_variable(name, size, attribute, keep)
        if keep and size == "indirect":
            self.results.append(f"**{name}")
        elif keep:
            self.results.append(f"{_KEYS.get((attribute.at, kind), attribute.at)}: ")
            self.results[-1] += self._value(name, kind, attribute, size)

    def _value(self, name: str, kind: str, attribute: Attribute, size: int | str) -> str:
        if size == "none":
            return str(_constant(attribute)) if kind == "const" else "True"
        if size == 3:
            name = f'int.from_bytes({name}, "{"little" if self.order == "<" else "big"}")'
        if kind in _STRING_KINDS:
            return f"{name} << 3 | {_STRING_KINDS[kind]}"
        joined = self.layout if isinstance(self.layout, JoinedLayout) else None
        texts = {
            "ref": f"unit + {name}",
            "ref_addr": f"{name} + {joined.origin}" if joined else name,
            "elsewhere": f"{name} + {joined.elsewhere}" if joined else str(ELSEWHERE),
            "signature": f"{SIGNATURE} - {name}",
            "flag": f"{name} != 0",
        }
        if attribute.at in _LINE and size not in _SMALL:
            return f"{name} & {_LINES:#x}"
        return texts.get(kind, name)

    def _close_run(self) -> None:
        total = sum(size for size, _ in self.run)
        kept = [name for _, name in self.run if name]
        if kept:
            code = "".join(
                (_CODES.get(size) or f"{size}s") if name else f"{size}x" for size, name in self.run
            )
            self.lines.append(f"{', '.join(kept)}, = {_reader(self.order + code)}(data, at)")
        if total:
            self.lines.append(f"at += {total}")
        self.run.clear()

    def _add_variable(self, name: str, size: str, attribute: Attribute, keep: bool) -> None:
        add = self.lines.append
        if size in ("uleb", "sleb"):
            # Nearly all numbers have one octet or two.
            add(f"{name} = data[at]")
            add(f"if {name} < {128 if size == 'uleb' else 64}: at += 1")
            if size == "uleb":
                add(f"elif data[at + 1] < 128: {name} += (data[at + 1] << 7) - 128; at += 2")
            add(f"else: {name}, at = {size}(data, at)")
        elif size == "string":
            add("end = data.index(0, at)")
            if keep:
                add(f"{name} = data[at:end]")
            add("at = end + 1")
        elif size == "indirect":
            what = f"{attribute.at}, {tuple(self.layout)}"
            add(f"at, {name if keep else '_'} = indirect(data, at, unit, {what})")
        else:
            self._add_block(name, size, keep)

    def _add_block(self, name: str, size: str, keep: bool) -> None:
        if size == "block":
            self.lines.append("n, at = uleb(data, at)")
        else:
            width = int(size[-1])
            self.lines.append(f"n, = {_reader(self.order + _CODES[width])}(data, at)")
            self.lines.append(f"at += {width}")
        if keep:
            self.lines.append(f"{name} = data[at:at + n]")
        self.lines.append("at += n")


def _read_indirect(
    data: bytes, at: int, unit: int, attribute: int, parts: tuple[Any, ...]
) -> tuple[int, dict[int, Any]]:
    """Read an attribute whose form stands in the entry itself (DW_FORM_indirect)."""
    form, at = read_uleb(data, at)
    if form in (dw.FORM_INDIRECT, dw.FORM_IMPLICIT_CONST):
        raise InputRejected(f"form {form:#x} behind DW_FORM_indirect")
    one = (Attribute(attribute, form, 0),)
    layout = Layout(*parts[:4])
    if parts[4:]:
        layout = JoinedLayout(layout, *parts[4:])
    return compile_decoder(one, frozenset((attribute,)), layout)(data, at, unit)


_NAMES["indirect"] = _read_indirect
