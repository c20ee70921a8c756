"""The four files of a verdict. Nothing here draws: no gate waits for pictures to be imported."""

from __future__ import annotations

from pathlib import Path

from harness.errors import StoreError
from harness.reports.gate.junit import render_junit
from harness.reports.gate.markdown import render_decision, render_verdict
from harness.stats.verdict import Verdict
from harness.text import escaped, json_bytes, write_file


def write_verdict(verdict: Verdict, description: str, target: Path) -> str:
    """Write report.md, report.json, junit.xml and decision.md into `target`; return report.md.

    Raises:
        StoreError: `target` cannot be written.
    """
    report = escaped(render_verdict(verdict, description))
    outputs = {
        "report.md": report.encode(),
        "report.json": json_bytes(verdict, indent=1) + b"\n",
        "junit.xml": render_junit(verdict),
        "decision.md": escaped(render_decision(verdict)).encode(),
    }
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name, content in outputs.items():
            write_file(target / name, content)
    except OSError as error:
        raise StoreError(
            f"cannot write into {target}: {error.strerror}", remedy="choose another with --out"
        ) from error
    return report
