"""A run in which everything that is foreign is hostile: names, paths, commands, reasons, places."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from harness.stats.check import Case, Outcome, Precondition
from harness.stats.verdict import FileChange, FileChanges, GateSummary, Side, Verdict
from harness.tests.reports.golden_files import RUN
from harness.tests.reports.verdicts import bound, row

RUN_SCRIPT = "window.pwned = true; alert(1)"
NAMES = (
    f"</script></style></title><script>{RUN_SCRIPT}</script>",
    f"\"'><img src=x onerror='{RUN_SCRIPT}'>",
    "invoice\u202efdp.exe",
    "\x1b[31mred\x07\x00\u2066\u200b",
    f"javascript:{RUN_SCRIPT}",
    "{{ 7 * 7 }}{% raw %}",
    f"<svg/onload={RUN_SCRIPT!r}>" + "\u05d0" * 30,
    "&lt;b&gt;<!--",
    "long" * 60,
)
ORIGINALS = (
    *("small.so", "big.so", "varies.so", "differs.so", "unchecked.so", "broken.so", "notes.txt"),
    *("never.so",),
)


def make_hostile_run(directory: Path) -> Path:
    """Write the run, with copies, flame graphs and a gate's report, and return its directory."""
    run = directory / "run"
    run.mkdir()
    called = dict(zip(ORIGINALS, NAMES, strict=False))
    for path in RUN.iterdir():
        lines = (_renamed(json.loads(line), called) for line in _documents(path))
        (run / path.name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    _add_holdings(run / "records.jsonl", called["big.so"])
    _mend_manifest(run, called["big.so"])
    (run / "gate").mkdir()
    (run / "gate" / "report.json").write_bytes(msgspec.json.encode(_verdict(run)))
    return run


def _documents(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    return [text] if path.suffix == ".json" else text.splitlines()


def _renamed(value: Any, called: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _renamed(inner, called) for key, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner, called) for inner in value]
    return called.get(value, value) if isinstance(value, str) else value


def _add_holdings(path: Path, binary: str) -> None:
    """Let the first replicate of each arm hold something in hostile places."""
    records = [json.loads(line) for line in path.read_text().splitlines()]
    for arm in ("legacy", "streaming"):
        jobs = {"binary": binary, "arm": arm, "source": "dwarf", "probe": "memray"}
        first = next(r for r in records if r["job"].items() >= jobs.items())
        first["holdings"] = [
            {"stage": name, "location": f"{name}:{number} {name}", "size_bytes": 1000 * number}
            for number, name in enumerate(NAMES, start=1)
        ]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def _mend_manifest(run: Path, binary: str) -> None:
    path = run / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["command"] = f"python -m harness run '{NAMES[0]}'"
    manifest["rig"][NAMES[1]] = NAMES[0]
    manifest["versions"][NAMES[0]] = NAMES[3]
    manifest["warnings"] = [NAMES[0], NAMES[3]]
    manifest["overhead"] = {NAMES[1]: {"cpu_factor": 2.0, "rss_bytes": 1e6, "cells": 3}}
    graph = {"binary": binary, "source": "dwarf", "arms": [NAMES[0]], "path": "flame/0000 #?.html"}
    manifest["flame"] = [graph]
    (run / "flame").mkdir()
    (run / "flame" / "0000 #?.html").write_text("<!doctype html><title>flame</title>")
    path.write_text(json.dumps(manifest))


def _verdict(run: Path) -> Verdict:
    run_id = str(json.loads((run / "manifest.json").read_text())["run_id"])
    name, other = NAMES[0], NAMES[1]
    case = Case(experiment=name, binary=name, source="dwarf", arm=other)
    return Verdict(
        decision=Outcome.FAIL,
        exit_code=3,
        reasons=[name, NAMES[3]],
        suite=other,
        run_id=run_id,
        baseline=Side(kind="run", run_id=name, commit=other),
        candidate=Side(kind="run", run_id=run_id),
        inventory=FileChanges(
            checked=True, changed=True, rows=[FileChange(path=name, change="grown")], note=other
        ),
        experiments=[
            row(
                Outcome.REGRESSED, 12.0, case=case, metric=name, unit=other, low_pct=None,
                high_pct=13.0, exact=False, faults=[name], remarks=[other], repeat_command=name,
            )
        ],
        bounds=[
            bound(
                Outcome.FAIL, 2.0, case=case, check=name, judged_by=other, series=name,
                upper_bound=1.0, headroom_pct=-100.0, detail=name, repeat_command=other,
            )
        ],
        faults=[Precondition(what=name, reason=other, repeat_command=name)],
        gates=[GateSummary(name=name, gate=True, outcome=Outcome.FAIL, detail=other)],
    )  # fmt: skip
