"""Pipelines that hold a known number of MiB more than streaming, for measured processes."""

import mmap
import os
import resource
import signal
import tempfile
from pathlib import Path

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


def _reread(size_bytes: int) -> None:
    """Look at every page of a file in turn, over and over, as if it were in memory."""
    with tempfile.TemporaryFile() as file:
        for _ in range(size_bytes // MIB):
            file.write(b"x" * MIB)
            file.flush()
            os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        with mmap.mmap(file.fileno(), size_bytes, prot=mmap.PROT_READ) as pages:
            pages.madvise(mmap.MADV_RANDOM)
            for _ in range(100):
                assert pages[:: mmap.PAGESIZE].count(b"x") == size_bytes // mmap.PAGESIZE


def _lose_the_launcher_once() -> None:
    """Have one process under a limit end without a word, by somebody else's hand."""
    limited = "/harness-" in Path("/proc/self/cgroup").read_text(encoding="ascii")
    limited = limited or resource.getrlimit(resource.RLIMIT_DATA)[0] != resource.RLIM_INFINITY
    mark = Path(os.environ["MARK"])
    if limited and not mark.exists():
        mark.touch()
        os.kill(os.getppid(), signal.SIGKILL)
        signal.pause()


loses_its_launcher_once = taking(_lose_the_launcher_once)
rereads_64 = taking(lambda: _reread(64 * MIB))
