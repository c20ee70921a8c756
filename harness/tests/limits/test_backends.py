"""Memory limits hold for real: who keeps to one ends well, who does not is stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from harness.config import MIB
from harness.limits import cgroup2
from harness.limits.backend import Backend, own_cgroup
from harness.limits.choice import find_backends
from harness.limits.edge import KILLED, SURVIVED, find_edge
from harness.run.confined import run_confined, try_backend
from harness.tests.commands import ran
from harness.tests.waiting import wait_until

LIMIT = 48 * MIB
TOUCHED = "held = bytearray({0}); held[::4096] = b'x' * len(held[::4096])"
MAPPED = "import mmap; held = mmap.mmap(-1, {0}, flags=mmap.MAP_PRIVATE)"
THREAD = "import threading; one = threading.Thread(target=hold); one.start(); one.join()"
SITE = str(Path(np.__file__).parents[1])
NUMPY = f"import sys; sys.path.insert(0, {SITE!r}); import numpy"

NOTHING = ""
IDLE_THREAD = f"hold = int\n{THREAD}"
HOLDERS = {
    "touched 4": (TOUCHED.format(4 * MIB), NOTHING, (4, 4)),
    "touched 16": (TOUCHED.format(16 * MIB), NOTHING, (16, 16)),
    "touched 40": (TOUCHED.format(40 * MIB), NOTHING, (40, 40)),
    "mmap 8, touched": (
        f"{MAPPED.format(8 * MIB)}\nfor at in range(0, {8 * MIB}, 4096): held[at] = 1",
        NOTHING,
        (8, 8),
    ),
    "mmap 8, untouched": (MAPPED.format(8 * MIB), NOTHING, (0, 8)),
    "a thread": (f"def hold():\n    {TOUCHED.format(8 * MIB)}\n{THREAD}", IDLE_THREAD, (8, 8)),
    "the stack of a thread": (IDLE_THREAD, NOTHING, (1, 9)),
    "a child process": (
        f"import os\nif os.fork():\n    os.wait()\nelse:\n    {TOUCHED.format(8 * MIB)}",
        NOTHING,
        (9, 9),
    ),
}
"""Who holds what, who holds as much less, and how many MiB that is in a cgroup and in mappings."""

QUICK = {"touched 16", "mmap 8, untouched"}


@pytest.fixture(params=find_backends(), ids=lambda backend: str(backend.name))
def backend(request: pytest.FixtureRequest) -> Backend:
    found: Backend = request.param
    if found.missing:
        pytest.skip(f"{found.missing} here")
    return found


@cache
def edge_of(code: str, backend: Backend) -> int:
    """Return the smallest limit in MiB under which Python code ends well."""

    def attempt(limit_bytes: int) -> str:
        ending = run_confined(code, backend, limit_bytes)
        assert ending.report is not None, ending.stderr_tail
        killed = backend.counts_kills and ending.report.oom_kills > 0
        # A thread, a child or a caller may survive what it was refused.
        refused = not backend.counts_kills and (ending.report.exit_code or ending.stderr_tail)
        return KILLED if killed or refused else SURVIVED

    report = run_confined(code, backend, 0).report
    assert report is not None
    found = find_edge(report.charged_bytes or 12 * MIB, MIB, 1, attempt)
    assert found is not None
    return found.survives_bytes // MIB


@pytest.mark.parametrize(
    ("more", "less", "moved"),
    [
        pytest.param(*held, id=name, marks=() if name in QUICK else pytest.mark.slow)
        for name, held in HOLDERS.items()
    ],
)
def test_the_limit_moves_by_what_is_held(
    backend: Backend, more: str, less: str, moved: tuple[int, int]
) -> None:
    """One grain for each of the two edges: both are rounded up."""
    expected = moved[not backend.counts_kills]
    assert abs(edge_of(more, backend) - edge_of(less, backend) - expected) <= 1


@pytest.mark.slow
def test_the_limit_moves_by_what_numpy_holds(backend: Backend) -> None:
    held = f"{NUMPY}; held = numpy.ones({MIB})"  # eight bytes each
    assert abs(edge_of(held, backend) - edge_of(NUMPY, backend) - 8) <= 1


def test_a_backend_that_is_there_passes_its_own_test(backend: Backend) -> None:
    assert try_backend(backend) == ""


def groups_in(backend: Backend) -> set[Path]:
    return set(Path(backend.parent).glob("harness-*"))


def group_of(launcher: str, backend: Backend) -> Path | None:
    return next(Path(backend.parent).glob(f"harness-{launcher}-*"), None)


def pids_in(group: Path | None) -> list[str]:
    try:
        return Path(f"{group}/cgroup.procs").read_text().split()
    except OSError:  # not yet, or not any more
        return []


def group_below(ancestor: int, backend: Backend) -> Path | None:
    """Return the cgroup in which descendants of a process are: other tests have theirs."""
    for group in groups_in(backend):
        for pid in pids_in(group):
            if descends(int(pid), ancestor):
                return group
    return None


def descends(pid: int, ancestor: int) -> bool:
    while pid not in {0, ancestor}:
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            return False
    return pid == ancestor


CONFINED = """
import sys
from harness.limits.choice import find_backends
from harness.run.confined import run_confined
(backend,) = [one for one in find_backends() if one.name == sys.argv[1]]
run_confined(sys.argv[2], backend, 64 << 20)
"""

SLEEP = "import os, time; os.fork() or os.setsid(); time.sleep(600)"


def is_gone(pid: str) -> bool:
    """Whether a process has ended; who reaps it once its parent was killed is not our affair."""
    try:
        return Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.parametrize("victim", ["parent", "launcher"])
def test_no_cgroup_and_no_process_outlives_a_kill(backend: Backend, victim: str) -> None:
    """A killed parent's launcher tidies up, and a killed launcher's watcher does."""
    if not backend.parent:
        pytest.skip("it makes no cgroup")
    parent = subprocess.Popen([sys.executable, "-c", CONFINED, backend.name, SLEEP])
    started = f"/proc/{parent.pid}/task/{parent.pid}/children"
    assert wait_until(lambda: bool(Path(started).read_text().split()))
    launcher = Path(started).read_text().split()[0]
    assert wait_until(lambda: len(pids_in(group_of(launcher, backend))) == 2)
    group = group_of(launcher, backend)
    helpers = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
    everybody = {launcher, *pids_in(group), *helpers}
    assert len(everybody) == 4
    os.kill(parent.pid if victim == "parent" else int(launcher), signal.SIGKILL)
    parent.wait()
    assert wait_until(lambda: all(map(is_gone, everybody)))
    assert wait_until(lambda: group not in groups_in(backend))


APART = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]


@pytest.mark.parametrize(
    ("holder", "other"),
    [(APART, []), pytest.param([], APART, marks=pytest.mark.slow)],
    ids=["theirs", "ours"],
)
def test_a_cgroup_in_use_in_another_pid_namespace_is_left_alone(
    backend: Backend, holder: list[str], other: list[str]
) -> None:
    """Neither sees the other's launcher. What a killed launcher left goes all the same."""
    if not backend.parent:
        pytest.skip("it makes no cgroup")
    if subprocess.run([*APART, "true"], check=False).returncode:
        pytest.skip("no PID namespace can be made here")
    confined = [sys.executable, "-c", CONFINED, backend.name]
    holding = subprocess.Popen([*holder, *confined, SLEEP])
    try:
        assert wait_until(lambda: len(pids_in(group_below(holding.pid, backend))) == 2)
        group = group_below(holding.pid, backend)
        assert group
        left = Path(backend.parent, f"harness-{holding.pid}-left")
        left.mkdir()
        with subprocess.Popen(["sleep", "600"]) as behind:
            (left / "cgroup.procs").write_text(str(behind.pid))
            subprocess.run([*other, *confined, ""], check=True)
            assert len(pids_in(group)) == 2
            run_confined("", backend, LIMIT)
        assert not left.exists()
        assert len(pids_in(group)) == 2
    finally:
        holding.kill()
        holding.wait()
    # With a whole namespace, all who could tidy up are gone.
    assert wait_until(lambda: not pids_in(group))
    run_confined("", backend, LIMIT)
    assert not group.exists()


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


def delegated(root: Path, memory_at: str | None, controllers: str = "cpu memory") -> Backend:
    """Look for cgroup v2 in the files of a delegated subtree, as the kernel's manual has them."""
    own = root / "user" / "app" / "run.scope"
    own.mkdir(parents=True)
    for directory in (own, *list(own.parents)[:3]):
        (directory / "cgroup.procs").touch()
        (directory / "cgroup.controllers").write_text(f"{controllers}\n")
        (directory / "cgroup.subtree_control").write_text("cpu pids\n")
    if memory_at is not None:
        (root / memory_at / "cgroup.subtree_control").write_text("cpu memory\n")
    return cgroup2.find("4:memory:/\n0::/user/app/run.scope\n", f"cgroup2 {root} cgroup2 rw 0 0\n")


@pytest.mark.parametrize(
    ("memory_at", "parent"), [("user/app", "user/app"), ("user", "user"), ("", ".")]
)
def test_workers_go_below_the_nearest_cgroup_v2_that_hands_memory_on(
    tmp_path: Path, memory_at: str, parent: str
) -> None:
    found = delegated(tmp_path, memory_at)
    assert (found.parent, found.missing) == (str(tmp_path / parent), "")


@pytest.mark.parametrize(
    ("controllers", "missing", "remedy"),
    [
        ("cpu memory", "{}/user/app/run.scope does not hand its memory controller on",
         "write +memory to {}/user/app/run.scope/cgroup.subtree_control; "),
        ("cpu", "the memory controller is bound to cgroup v1", "boot with cgroup_no_v1=memory"),
    ],
)  # fmt: skip
def test_a_cgroup_v2_without_memory_says_what_would_help(
    tmp_path: Path, controllers: str, missing: str, remedy: str
) -> None:
    found = delegated(tmp_path, None, controllers)
    assert found.missing == missing.format(tmp_path)
    assert found.remedy.startswith(remedy.format(tmp_path))


READ_ONLY = """
mount -t tmpfs none "$1" && mkdir "$1/mine" && echo memory >"$1/cgroup.controllers"
mount -o remount,ro "$1"
"$2" -c 'import sys; from harness.limits import cgroup1, cgroup2
at = sys.argv[1]
print(cgroup1.find("4:memory:/mine", f"cgroup {at} cgroup rw,memory 0 0").missing)
print(cgroup2.find("0::/mine", f"cgroup {at} cgroup2 rw 0 0").missing)' "$1"
"""


def test_a_cgroup_file_system_that_is_read_only_cannot_be_used(tmp_path: Path) -> None:
    command = ["unshare", "-Urm", "sh", "-c", READ_ONLY, "sh", str(tmp_path), sys.executable]
    done = ran(*command)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr}")
    assert done.stdout == f"{tmp_path}/mine is read-only\n{tmp_path} is read-only\n"


# Another user, who may read everything: the checkout can be root's alone.
NOBODY = ["setpriv", "--reuid=65534", "--inh-caps=+dac_read_search"]
NOBODY += ["--ambient-caps=+dac_read_search", sys.executable, "-c"]
LOOK = """
import json; from harness.limits.choice import find_backends
print(json.dumps({one.name: [one.missing, one.remedy] for one in find_backends()}))
"""


def test_who_may_change_no_cgroup_is_told_so_and_has_the_limit_that_needs_no_rights() -> None:
    done = ran(*NOBODY, LOOK)
    if done.returncode:
        pytest.skip(f"only root can be another user: {done.stderr}")
    theirs = json.loads(done.stdout)
    assert theirs["rlimit_data"] == ["", ""]
    for ours in (one for one in find_backends() if one.parent):
        missing, remedy = theirs[ours.name]
        assert missing.endswith("changed by this user")
        assert remedy
