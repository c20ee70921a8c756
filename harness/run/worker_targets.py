"""Names of jobs that measure nothing, known to the parent and to the worker."""

VERIFY = "verify"
RECORD_REPLAY = "record-replay"
UNMEASURED = "harness.probes.bare:UnmeasuredProbe"
