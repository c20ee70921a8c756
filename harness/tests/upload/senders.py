"""Uploaders for the tests of this directory."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from harness.config import UploadOptions
from harness.intake import VERIFY_PATH
from harness.intake.server import IntakeServer
from harness.tests.intake.bodies import UPLOAD_ID
from harness.upload.client import Uploader
from harness.upload.retry import RetryPolicy

HASTY = RetryPolicy(attempts=3, base_s=0.001, wait_s_max=0.01, total_s=30.0)
ONCE = RetryPolicy(attempts=1)


def held() -> tuple[int, int]:
    """Return how many file descriptors and threads this process has."""
    return len(list(Path("/proc/self/fd").iterdir())), threading.active_count()


def make_uploader(
    intake: IntakeServer, policy: RetryPolicy = HASTY, *, timeout_s: float = 20.0, **rest: Any
) -> Uploader:
    url = intake.url + VERIFY_PATH
    options = UploadOptions(url=url, upload_id=UPLOAD_ID, timeout_s=timeout_s)
    return Uploader(options, policy, **rest)
