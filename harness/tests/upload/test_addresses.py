"""Names that take long to look up: a name server that never answers, in a network of its own."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.intake.server import IntakeServer
from harness.tests.commands import ran
from harness.tests.intake.bodies import make_body
from harness.tests.upload.senders import make_uploader

SILENT_NAME_SERVER = """
import fcntl, os, socket, struct, sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
fcntl.ioctl(server, 0x8914, struct.pack("16sH14x", b"lo", 0x41))  # bring the loopback up
server.bind(("127.0.0.1", 53))
server.set_inheritable(True)
os.execv(sys.executable, [sys.executable, "-c", *sys.argv[1:]])
"""
# The threads are counted at the end: after two attempts one lookup may be under way, not two.
POST = """
import signal, threading
from harness.config import UploadOptions
from harness.errors import HarnessError
from harness.tests.intake.bodies import make_body
from harness.upload.client import Uploader
from harness.upload.guard import Cancellation
from harness.upload.retry import RetryPolicy
cancellation = Cancellation()
signal.signal(signal.SIGINT, lambda *_: cancellation.cancel())
policy = RetryPolicy(attempts=2, base_s=0.001)
options = UploadOptions(url="http://intake.example/", timeout_s={timeout_s})
with Uploader(options, policy, cancellation=cancellation) as uploader:
    print("ready", flush=True)
    try:
        uploader.post(make_body())
    except HarnessError as error:
        print(type(error).__name__, error, threading.active_count(), flush=True)
"""


def start_without_names(directory: Path, *code: str) -> subprocess.Popen[str]:
    """Run Python where no name server answers; the resolver's patience with one is a minute."""
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare")
    resolv = directory / "resolv.conf"
    resolv.write_text("nameserver 127.0.0.1\noptions timeout:30 attempts:2\n")
    mount = f"mount --bind {resolv} /etc/resolv.conf"
    if subprocess.run(["unshare", "-rmn", "sh", "-c", mount], check=False).returncode:
        pytest.skip("needs namespaces")
    command = ["unshare", "-rmn", "sh", "-c", f'{mount} && exec "$@"', "sh"]
    command += [sys.executable, "-c", *code]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_name_that_is_not_resolved_meets_the_deadline_of_every_attempt(tmp_path: Path) -> None:
    post = POST.format(timeout_s=0.5)
    with start_without_names(tmp_path, SILENT_NAME_SERVER, post) as process:
        said, _ = process.communicate(timeout=25)
    assert process.returncode == 0
    assert "RequestFailed" in said
    assert "intake.example was not resolved before the deadline 2\n" in said


def test_an_interrupt_ends_a_lookup(tmp_path: Path) -> None:
    post = POST.format(timeout_s=3600)
    with start_without_names(tmp_path, SILENT_NAME_SERVER, post) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=25)
    assert "Cancelled" in said


def test_batches_reach_a_host_by_its_name(intake: IntakeServer) -> None:
    intake.server_address = ("localhost", intake.server_port)
    for number in (1, 2):
        with make_uploader(intake) as uploader:
            uploader.post(make_body(number))


def test_a_name_that_cannot_be_resolved_is_an_upload_error(tmp_path: Path) -> None:
    """Without a network the resolver gives up at once, and both attempts ask it."""
    with start_without_names(tmp_path, POST.format(timeout_s=3600)) as process:
        said, _ = process.communicate(timeout=25)
    assert "RequestFailed" in said
    assert "name resolution 1\n" in said


NO_THREADS = """
import resource, threading
threading.stack_size(1 << 30)
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
"""


def test_a_process_without_room_for_a_thread_gets_an_upload_error() -> None:
    code = NO_THREADS + POST.format(timeout_s=20)
    done = ran(sys.executable, "-c", code, check=True)
    assert "RequestFailed" in done.stdout
    assert "cannot be looked up" in done.stdout
