"""Tell what was alive at the peak by whole stack: `python -m harness.probes.stacks FILE`.

As `harness.probes.capture` does, it reads a capture in a process of its own. It prints one JSON
array of `[bytes, [outermost frame, ...]]`, each frame as `file:line function`.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import closing

import msgspec

from harness.probes.stages import label_of
from harness.probes.tracking import FileReader

Stack = tuple[str, ...]


def read_stacks(path: str, roots: Sequence[str] = ()) -> Counter[Stack]:
    """Return live bytes at the peak by stack, outermost frame first; they sum to the peak."""
    sizes: Counter[Stack] = Counter()
    with closing(FileReader(path)) as reader:
        for record in reader.get_high_watermark_allocation_records(merge_threads=True):
            stack = tuple(label_of(frame, roots) for frame in reversed(record.stack_trace()))
            sizes[stack] += record.size
    return sizes


def main() -> None:
    """Print the stacks of the capture that is named last, behind the roots."""
    stacks = read_stacks(sys.argv[-1], sys.argv[1:-1]).items()
    sys.stdout.buffer.write(msgspec.json.encode([(size, stack) for stack, size in stacks]))


if __name__ == "__main__":
    main()
