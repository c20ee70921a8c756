import subprocess
import sys

import pytest

BANNED = (
    "numpy", "pandas", "matplotlib", "rich", "typer", "pydantic", "importlib.metadata",
    "harness.units", "harness.registry", "harness.cli",
)  # fmt: skip


def run_python(code: str) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    "module", ["harness.pipelines.streaming", "harness.pipelines.legacy", "harness.upload.client"]
)
def test_a_measured_process_does_not_load_what_would_fill_its_heap(module: str) -> None:
    code = f"import sys, {module}; print([m for m in {BANNED!r} if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_urllib3_still_finds_versions_when_it_asks_for_them() -> None:
    code = (
        "import harness.upload.client, urllib3.http2 as h, importlib.metadata as m;"
        "print(h.version('urllib3') == m.version('urllib3'))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "True"
