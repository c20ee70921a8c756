"""Pipelines that hold a known number of MiB more than streaming, for measured processes."""

import os

from harness.bench.planted import needs_8_mib_more, taking, touched
from harness.config import MIB

holds_8 = needs_8_mib_more
holds_64 = taking(lambda: touched(64 * MIB))


def _in_a_child(size_bytes: int) -> None:
    pid = os.fork()
    if not pid:
        try:
            touched(size_bytes)
        except MemoryError:
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert status == 0, "the child could not do its part"


child_holds_8 = taking(lambda: _in_a_child(8 * MIB))
child_holds_64 = taking(lambda: _in_a_child(64 * MIB))
