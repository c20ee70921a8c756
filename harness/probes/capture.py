"""Read a memray capture in a process of its own: `python -m harness.probes.capture FILE`.

A damaged capture can crash its reader, so neither a worker nor the parent ever opens one. Prints
one JSON object: the peak, what was alive at it by stage and source line, and the heap over time.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import msgspec

from harness.probes.capture_format import Capture
from harness.probes.guard import last_mark
from harness.probes.heap_line import steady_times, thin_out
from harness.probes.stages import SMALLER, location_of, stage_of
from harness.probes.tracking import FileReader
from harness.records import HeapPoint, Holding

TIMELINE_POINTS = 400
_SMALL_SHARE = 0.001
DAMAGED = 3


def read_capture(path: str, roots: Sequence[str] = ()) -> Capture:
    """Return the peak, its holdings and the timeline of an intact capture."""
    with closing(FileReader(path)) as reader:
        metadata = reader.metadata
        started_ms = metadata.start_time.timestamp() * 1000
        holdings = _holdings(reader, roots)
        snapshots = list(reader.get_memory_snapshots())
        times = steady_times([started_ms, *(snapshot.time for snapshot in snapshots)])[1:]
        points = [
            HeapPoint(at_ms / 1000, snapshot.heap)
            for at_ms, snapshot in zip(times, snapshots, strict=True)
        ]
        return Capture(
            peak_bytes=metadata.peak_memory,
            holdings=holdings,
            timeline=thin_out(points, TIMELINE_POINTS),
            attributed=_is_attributed(reader),
        )


def _holdings(reader: FileReader, roots: Sequence[str]) -> list[Holding]:
    sizes: Counter[tuple[str, str, str]] = Counter()
    for record in reader.get_high_watermark_allocation_records(merge_threads=True):
        stack = record.stack_trace()
        sizes[stage_of(stack, roots), *location_of(stack, roots)] += record.size
    return fold_small(sizes)


def _is_attributed(reader: FileReader) -> bool:
    """Tell whether the mark that the probe left when it stopped is traced to where it was made."""
    return any(
        function == last_mark.__name__
        for record in reader.get_leaked_allocation_records(merge_threads=True)
        for function, _, _ in record.stack_trace()
    )


def fold_small(sizes: Counter[tuple[str, str, str]]) -> list[Holding]:
    """Return holdings largest first; what is below 0.1 % of all is folded into one a stage."""
    least = sizes.total() * _SMALL_SHARE
    folded: Counter[tuple[str, str, str]] = Counter()
    for place, size in sizes.items():
        folded[place if size >= least else (place[0], SMALLER, "")] += size
    return [
        Holding(stage, location, size, code)
        for (stage, location, code), size in folded.most_common()
    ]


def is_intact(path: str, size_bytes: int, sha256: str) -> bool:
    """Tell whether the file is byte for byte what its worker left."""
    with Path(path).open("rb") as file:
        same_size = os.fstat(file.fileno()).st_size == size_bytes
        return same_size and hashlib.file_digest(file, "sha256").hexdigest() == sha256


def main() -> None:
    """Check the file against what is known of it, read it, print what it says."""
    parser = argparse.ArgumentParser(prog="python -m harness.probes.capture")
    parser.add_argument("file", help="a memray capture")
    parser.add_argument("--size", type=int, help="its size in bytes; another size is damage")
    parser.add_argument("--sha256", help="its digest; another digest is damage")
    parser.add_argument("--root", action="append", default=[], help="where called modules lie")
    parser.add_argument("--out", type=int, default=1, help="file descriptor to print to")
    options = parser.parse_args()
    if options.sha256 and not is_intact(options.file, options.size, options.sha256):
        print(f"{options.file} is not what its worker left", file=sys.stderr)
        sys.exit(DAMAGED)
    os.write(options.out, msgspec.json.encode(read_capture(options.file, options.root)) + b"\n")


if __name__ == "__main__":
    main()
