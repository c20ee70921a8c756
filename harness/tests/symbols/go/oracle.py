"""Compare extracted packages with reference output, order-free.

Functions are matched by (package, kind, qualified name); of functions that share all three, equal
ones are paired first. What the reference does not have is not looked at: it leaves things out.
"""

from __future__ import annotations

import json
import lzma
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Tree = dict[str, Any]
Key = tuple[str, str, str]

ASPECTS = ("file", "start_line", "end_line", "injectible", "variables", "availability", "blocks")
IDENTITY = ASPECTS[:5]
"""What "identical" means before availability is asked for."""


@dataclass
class Agreement:
    """How much of the reference was found, and how much of that is the same."""

    functions: int = 0
    missing: list[Key] = field(default_factory=list)
    differing: dict[str, list[tuple[Key, Any, Any]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    identical: int = 0
    identical_with_availability: int = 0
    types: int = 0
    missing_types: list[str] = field(default_factory=list)
    differing_types: list[tuple[str, Any, Any]] = field(default_factory=list)

    @property
    def identity(self) -> float:
        """Share of reference functions that are identical, availability aside."""
        return self.identical / self.functions if self.functions else 1.0

    @property
    def availability(self) -> float:
        """Share of reference functions that are identical, availability included."""
        return self.identical_with_availability / self.functions if self.functions else 1.0

    def summary(self) -> str:
        """Return the figures and the first few differences of each kind."""
        lines = [
            f"functions {self.functions}, missing {len(self.missing)}",
            f"identical {self.identity:.4%}, with availability {self.availability:.4%}",
            f"types {self.types}, missing {len(self.missing_types)}",
            f"types that differ {len(self.differing_types)}",
        ]
        lines += [f"missing {key}" for key in self.missing[:10]]
        lines += [f"missing type {name}" for name in self.missing_types[:10]]
        lines += [f"type {name}: {a} != {b}" for name, a, b in self.differing_types[:10]]
        for aspect, found in self.differing.items():
            lines.append(f"{aspect}: {len(found)} differ")
            lines += [f"  {key}\n    - {a}\n    + {b}" for key, a, b in found[:5]]
        return "\n".join(lines)


def read_reference(path: Path) -> Iterator[Tree]:
    """Yield the package scopes of an xz-compressed JSON Lines file."""
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def compare(reference: Iterable[Tree], extracted: Iterable[Tree]) -> Agreement:
    """Compare two sequences of package scopes; parts of one package count as one."""
    found_functions: dict[Key, list[Tree]] = defaultdict(list)
    found_types: dict[str, Counter[tuple[str, str]]] = {}
    for package in extracted:
        for key, function in _iter_functions(package):
            found_functions[key].append(_facts(function))
        found_types.update(_iter_types(package))
    agreement = Agreement()
    for package in reference:
        _compare_types(package, found_types, agreement)
        grouped: dict[Key, list[Tree]] = defaultdict(list)
        for key, function in _iter_functions(package):
            grouped[key].append(_facts(function))
        for key, wanted in grouped.items():
            _compare_group(key, wanted, found_functions.get(key, []), agreement)
    return agreement


def _compare_group(key: Key, wanted: list[Tree], found: list[Tree], agreement: Agreement) -> None:
    remaining = list(found)
    for facts in wanted:
        agreement.functions += 1
        if not remaining:
            agreement.missing.append(key)
            continue
        best = min(remaining, key=lambda other: _distance(facts, other))
        remaining.remove(best)
        different = [aspect for aspect in ASPECTS if facts[aspect] != best[aspect]]
        for aspect in different:
            agreement.differing[aspect].append((key, facts[aspect], best[aspect]))
        same = not any(aspect in IDENTITY for aspect in different)
        agreement.identical += same
        agreement.identical_with_availability += same and "availability" not in different


def _distance(left: Tree, right: Tree) -> int:
    return sum(left[aspect] != right[aspect] for aspect in ASPECTS)


def _compare_types(
    package: Tree, found: dict[str, Counter[tuple[str, str]]], agreement: Agreement
) -> None:
    for name, fields in _iter_types(package):
        agreement.types += 1
        if name not in found:
            agreement.missing_types.append(name)
        elif found[name] != fields:
            agreement.differing_types.append((name, dict(fields), dict(found[name])))


def _iter_functions(package: Tree) -> Iterator[tuple[Key, Tree]]:
    for child in package.get("scopes", ()):
        inside = child.get("scopes", ()) if child["scope_type"] == "struct" else (child,)
        for function in inside:
            qualified = function["language_specifics"]["go_qualified_name"]
            yield (package["name"], function["scope_type"], qualified), function


def _iter_types(package: Tree) -> Iterator[tuple[str, Counter[tuple[str, str]]]]:
    for child in package.get("scopes", ()):
        if child["scope_type"] == "struct":
            fields = ((symbol["name"], symbol["type"]) for symbol in child.get("symbols", ()))
            yield child["name"], Counter(fields)


def _facts(function: Tree) -> Tree:
    """Return what two functions are compared by, without the order of anything."""
    variables: Counter[Any] = Counter()
    available: Counter[Any] = Counter()
    blocks: Counter[Any] = Counter()
    for depth, scope in _iter_scopes(function, 0):
        if depth:
            blocks[depth, scope["start_line"], scope["end_line"]] += 1
        for symbol in scope.get("symbols", ()):
            fact = (symbol["symbol_type"], symbol["name"], symbol["type"], symbol.get("line"))
            variables[fact] += 1
            specifics = symbol.get("language_specifics", {})
            available[(*fact, _ranges(specifics.get("available_line_ranges", ())))] += 1
    return {
        "file": function.get("source_file", ""),
        "start_line": function["start_line"],
        "end_line": function["end_line"],
        "injectible": _ranges(function.get("injectible_lines", ())),
        "variables": variables,
        "availability": available,
        "blocks": blocks,
    }


def _iter_scopes(scope: Tree, depth: int) -> Iterator[tuple[int, Tree]]:
    yield depth, scope
    for child in scope.get("scopes", ()):
        yield from _iter_scopes(child, depth + 1)


def _ranges(ranges: Iterable[Tree]) -> tuple[tuple[int, int], ...]:
    return tuple((span["start"], span["end"]) for span in ranges)
