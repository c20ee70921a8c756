"""Memory limits hold for real: who keeps to one ends well, who does not is stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.config import MIB
from harness.limits import cgroup2
from harness.limits.backend import Backend, own_cgroup
from harness.limits.choice import find_backends
from harness.run.confined import run_confined, try_backend, was_stopped

LIMIT = 48 * MIB
TOUCHED = "held = bytearray({0}); held[::4096] = b'x' * len(held[::4096])"
HOLDERS = {
    "touched": TOUCHED,
    "mmap": "import mmap; held = mmap.mmap(-1, {0}, flags=mmap.MAP_PRIVATE)\n"
    "for at in range(0, {0}, 4096): held[at] = 1",
    "thread": f"def hold():\n    {TOUCHED}\nimport threading\n"
    "one = threading.Thread(target=hold); one.start(); one.join()",
}


@pytest.fixture(params=find_backends(), ids=lambda backend: str(backend.name))
def backend(request: pytest.FixtureRequest) -> Backend:
    found: Backend = request.param
    if found.missing:
        pytest.skip(f"{found.missing} here")
    return found


@pytest.mark.parametrize("holder", HOLDERS.values(), ids=HOLDERS)
@pytest.mark.parametrize(("held", "stopped"), [(16 * MIB, False), (56 * MIB, True)])
def test_who_holds_more_than_the_limit_is_stopped_and_nobody_else(
    backend: Backend, holder: str, held: int, stopped: bool
) -> None:
    ending = run_confined(holder.format(held), backend, LIMIT)
    assert ending.report is not None, ending.stderr_tail
    if backend.counts_kills:
        assert was_stopped(ending, backend) is stopped, ending.stderr_tail
    else:  # a thread or a caller may survive what it was refused
        refused = ("MemoryError", "Cannot allocate memory")
        assert any(text in ending.stderr_tail for text in refused) is stopped


def test_untouched_pages_count_only_where_mappings_do(backend: Backend) -> None:
    code = "import mmap; held = mmap.mmap(-1, 64 << 20, flags=mmap.MAP_PRIVATE)"
    ending = run_confined(code, backend, LIMIT)
    assert ending.report is not None
    assert bool(ending.report.exit_code) is (not backend.counts_kills)


def test_what_a_child_process_holds_counts_in_a_cgroup_alone(backend: Backend) -> None:
    code = f"import os\nif os.fork():\n    os.wait()\nelse:\n    {TOUCHED.format(56 * MIB)}"
    ending = run_confined(code, backend, LIMIT)
    assert ending.report is not None
    assert (ending.report.oom_kills > 0) is backend.counts_kills


def test_the_peak_in_a_cgroup_rises_by_what_is_held(backend: Backend) -> None:
    if not backend.counts_kills:
        pytest.skip("this limit tells no peak")
    peaks = []
    for held in (8 * MIB, 16 * MIB):
        report = run_confined(TOUCHED.format(held), backend, 0).report
        assert report is not None
        peaks.append(report.charged_bytes)
    assert peaks[1] - peaks[0] == pytest.approx(8 * MIB, abs=MIB)


def test_a_backend_that_is_there_passes_its_own_test(backend: Backend) -> None:
    assert try_backend(backend) == ""


def groups_in(backend: Backend) -> list[str]:
    return [path.name for path in Path(backend.parent).glob("harness-*")]


def wait_until(condition: Callable[[], bool]) -> bool:
    """Poll for what must become true; only a bug runs into the bound."""
    for _ in range(600):
        if condition():
            return True
        time.sleep(0.05)
    return False


SLEEPER = """
import sys
from harness.limits.choice import find_backends
from harness.run.confined import run_confined
(backend,) = [one for one in find_backends() if one.name == sys.argv[1]]
fork = "import os, time; os.fork() or os.setsid(); time.sleep(600)"
run_confined(fork, backend, 64 << 20)
"""


def is_gone(pid: str) -> bool:
    """Whether a process has ended; who reaps it once its parent was killed is not our affair."""
    try:
        return Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.parametrize("victim", ["parent", "launcher"])
def test_no_cgroup_and_no_process_outlives_a_kill(backend: Backend, victim: str) -> None:
    """A killed parent's launcher tidies up, and a killed launcher's watcher does."""
    if not backend.parent:
        pytest.skip("it makes no cgroup")
    parent = subprocess.Popen([sys.executable, "-c", SLEEPER, backend.name])
    started = f"/proc/{parent.pid}/task/{parent.pid}/children"
    assert wait_until(lambda: bool(Path(started).read_text().split()))
    launcher = Path(started).read_text().split()[0]
    group = f"harness-{launcher}"
    procs = Path(backend.parent, group, "cgroup.procs")
    assert wait_until(lambda: procs.exists() and len(procs.read_text().split()) == 2)
    helpers = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
    everybody = {launcher, *procs.read_text().split(), *helpers}
    assert len(everybody) == 4
    os.kill(parent.pid if victim == "parent" else int(launcher), signal.SIGKILL)
    parent.wait()
    assert wait_until(lambda: all(map(is_gone, everybody)))
    assert wait_until(lambda: group not in groups_in(backend))


def test_a_cgroup_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    ending = run_confined("", Backend(name="cgroup_v1", parent=str(tmp_path)), LIMIT)
    assert ending.report is None
    assert ending.stderr_tail.startswith(f"cannot limit memory in {tmp_path}/harness-")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("cgroups", "controller", "path"),
    [
        ("4:memory:/a/b\n0::/c\n", "memory", "/a/b"),
        ("4:cpu,memory:/a:b\n0::/c\n", "memory", "/a:b"),
        ("4:memory:/a/b\n0::/c\n", "", "/c"),
        ("0::/c\n", "memory", None),
    ],
)
def test_the_own_cgroup_is_read_as_the_kernel_writes_it(
    cgroups: str, controller: str, path: str | None
) -> None:
    assert own_cgroup(controller, cgroups) == path


@pytest.mark.parametrize(
    ("memory_at", "parent"),
    [("user/app", "user/app"), ("user", "user"), ("", "."), (None, None)],
)
def test_workers_go_below_the_nearest_cgroup_v2_that_hands_memory_on(
    tmp_path: Path, memory_at: str | None, parent: str | None
) -> None:
    """The files of a delegated subtree, as the kernel's documentation has them."""
    own = tmp_path / "user" / "app" / "run.scope"
    own.mkdir(parents=True)
    for directory in (own, *list(own.parents)[:3]):
        (directory / "cgroup.procs").touch()
        (directory / "cgroup.controllers").write_text("cpu memory pids\n")
        (directory / "cgroup.subtree_control").write_text("cpu pids\n")
    if memory_at is not None:
        (tmp_path / memory_at / "cgroup.subtree_control").write_text("cpu memory\n")
    found = cgroup2.find("0::/user/app/run.scope\n", f"cgroup2 {tmp_path} cgroup2 rw 0 0\n")
    assert found.parent == (str(tmp_path / parent) if parent is not None else "")
    assert bool(found.missing) is bool(found.remedy) is (parent is None)
