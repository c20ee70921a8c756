"""Extraction's own peak heap: every allocation of a fresh process that keeps no package."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import deque
from pathlib import Path

from harness.config import MIB
from harness.probes.memray_peak import aggregating_tracker
from harness.probes.tracking import FileReader
from harness.symbols import open_packages


def trace(path: str, capture: str) -> None:
    """Extract in this process, child by child, and trace what is alive after the imports."""
    with aggregating_tracker(capture), open_packages(path) as source:
        for package in source.packages:
            deque(package.children, maxlen=0)


def report(path: str) -> None:
    """Print the peak heap of one extraction, and the three places that hold most of it."""
    with tempfile.TemporaryDirectory() as folder:
        capture = str(Path(folder, "capture.bin"))
        command = [sys.executable, "-m", __name__, path, capture]
        subprocess.run(command, check=True)
        with FileReader(capture) as reader:
            print(f"{path}: peak heap of extraction {reader.metadata.peak_memory / MIB:.2f} MiB")
            records = reader.get_high_watermark_allocation_records(merge_threads=True)
            for record in sorted(records, key=lambda record: -record.size)[:3]:
                place = " < ".join(
                    f"{Path(file).name}:{line} {function}"
                    for function, file, line in record.stack_trace(3)
                )
                print(f"  {record.size / MIB:.2f} MiB  {place}")


if __name__ == "__main__":
    trace(*sys.argv[1:])
