"""memray without a look at the collector, to see what the look costs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from memray import FileDestination, FileFormat, Tracker

from harness.probes.memray_peak import MemrayProbe


class UnmarkedMemrayProbe(MemrayProbe):
    """Trace as the probe does, and note nothing."""

    @contextmanager
    def measure(self) -> Iterator[None]:
        """Trace what runs inside."""
        with Tracker(
            destination=FileDestination(self.capture_path, compress_on_exit=False),
            trace_python_allocators=True,
            file_format=FileFormat.AGGREGATED_ALLOCATIONS,
        ):
            yield
