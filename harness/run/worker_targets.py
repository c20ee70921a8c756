"""Names of jobs that measure nothing, known to the parent and to the worker."""

from harness.records import VERIFY

__all__ = ["RECORD_REPLAY", "UNMEASURED", "VERIFY"]

RECORD_REPLAY = "record-replay"
UNMEASURED = "harness.probes.bare:UnmeasuredProbe"
