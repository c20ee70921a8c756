"""The metrics of the probes that ship with the harness, for runs whose manifest has none."""

from __future__ import annotations

from harness.records import Metric


def builtin_metrics() -> dict[str, tuple[Metric, ...]]:
    """Return what each built-in probe declares, by the name of the probe."""
    # Imported here: only runs stored before manifests had declarations need memray to be read.
    from harness.probes.bare import BareProbe  # noqa: PLC0415
    from harness.probes.gc_trace import GcProbe  # noqa: PLC0415
    from harness.probes.memray_peak import MemrayNativeProbe, MemrayProbe  # noqa: PLC0415
    from harness.probes.peak import PeakProbe  # noqa: PLC0415
    from harness.probes.tracemalloc_ext import TracemallocProbe  # noqa: PLC0415

    return {
        "peak": PeakProbe.metrics,
        "memray": MemrayProbe.metrics,
        "memray-native": MemrayNativeProbe.metrics,
        "tracemalloc": TracemallocProbe.metrics,
        "gc": GcProbe.metrics,
        "bare": BareProbe.metrics,
    }
