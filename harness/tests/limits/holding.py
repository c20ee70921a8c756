"""Pipelines that hold a known number of MiB more than streaming, for measured processes."""

from harness.bench.planted import needs_8_mib_more, taking, touched
from harness.config import MIB

holds_8 = needs_8_mib_more
holds_64 = taking(lambda: touched(64 * MIB))
