"""Instances of functions that live only as copies: kept until wanted, and taken together.

What an instance says about its definition is worked out where its line table is at hand, and
delivered with the definition, which may be anywhere else in the binary.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from msgspec import Struct, msgpack

from harness.errors import InputRejected
from harness.symbols.lines import Range, intersect, merge_overlapping
from harness.symbols.spill import Records, SortedKeys

STAGE = {"": "extraction", "iter_of": "scope tree"}

_OFFSET_BITS = 32
_MERGED_AT = 64


class Instance(Struct, array_like=True):
    """What one instance contributes to its definition.

    `variables` are offsets of the definition's variables, and on which lines each is available. If
    `near`, it counts for a definition of Go that is reported with its unit. `file` is that of the
    instance, where the definition does not say it.
    """

    lines: list[Range]
    variables: dict[int, list[Range]]
    near: bool = True
    file: str = ""


_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(Instance).decode


class StoredInstances:
    """What instances contribute, as records in unlinked files, by the offset of their origin."""

    def __init__(self) -> None:
        self._keys = SortedKeys()
        self._records = Records()

    def add(self, origin: int, instance: Instance) -> None:
        """Store what one instance says about the definition at `origin`."""
        position = self._records.append(_encode(instance))
        if max(origin, position) >= 1 << _OFFSET_BITS:
            raise InputRejected("more than 4 GiB of debug information", section=".debug_info")
        self._keys.add(origin << _OFFSET_BITS | position)

    def seal(self) -> None:
        """Sort everything; nothing may be added after."""
        self._keys.seal()
        self._records.seal()

    def iter_of(self, origin: int) -> Iterator[Instance]:
        """Yield the instances of a definition, in the order in which they were added."""
        mask = (1 << _OFFSET_BITS) - 1
        for key in self._keys.iter_range(origin << _OFFSET_BITS, (origin + 1) << _OFFSET_BITS):
            yield _decode(self._records.read(key & mask))

    def close(self) -> None:
        """Give the files back."""
        self._keys.close()
        self._records.close()


@dataclass(slots=True)
class Merged:
    """All instances of one definition taken together: lines intersect, availability unites."""

    injectible: list[Range] | None = None
    end_line: int = 0
    _variables: dict[int, list[Range]] = field(default_factory=dict)

    def add(self, instance: Instance) -> None:
        """Take one instance in, which has at least one range of lines."""
        lines, known = instance.lines, self.injectible
        self.injectible = lines if known is None else intersect(known, lines)
        self.end_line = max(self.end_line, lines[-1][1])
        for variable, ranges in instance.variables.items():
            spans = self._variables.setdefault(variable, [])
            spans += ranges
            if len(spans) > _MERGED_AT:  # a popular function has thousands of instances
                spans[:] = merge_overlapping(spans)

    def available(self, variable: int) -> list[Range]:
        """Return the lines on which any instance has a variable, overlapping ranges merged."""
        return merge_overlapping(self._variables.get(variable, ()))
