"""What a run and the commands around it cost, as ratios, kept by commit in `results/bench.json`.

    python -m harness.bench.figures RUN [results/bench.json [BINARY ...]]

Of each binary, `harness scopes` is held against a plain walk over every entry with pyelftools,
which extracts nothing: the floor of what reading entries one by one in Python takes.

Start-up is CPU time beside that of an interpreter which does nothing, taken in turn; the least of
several counts, for what else a machine does only adds. One more replicate is what twelve of them
take beyond what two do, by ten: its launcher, its worker, its batches at the intake, its record.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from harness.bench.scale import cost_of
from harness.config import BASELINE
from harness.corpus import fixtures_directory
from harness.store import Run, read_run

_ROUNDS = 5
_WORKER = """
from harness.probes.placeholders import missing
with missing("typing_extensions"):
    import harness.run.worker
import harness.probes.peak
"""
_WALK = """
import sys
from elftools.elf.elffile import ELFFile
with open(sys.argv[1], "rb") as file:
    for unit in ELFFile(file).get_dwarf_info().iter_CUs():
        for _ in unit.iter_DIEs():
            pass
"""
_WALK_ROUNDS = 3
_FEW, _MORE = 2, 12
_REPLICATES = ("--arm", "streaming", "--source", "replay", "--probe", "bare", "--no-report")
_COMMANDS = {
    "nothing": ("-c", "pass"),
    "harness --version": ("-m", "harness", "--version"),
    "harness --help": ("-m", "harness", "--help"),
    "a worker's imports, replaying": ("-c", _WORKER),
    "a worker's imports, extracting": ("-c", f"{_WORKER}import harness.symbols"),
}
_CPU = {"cpu", "cpu_under_probe"}


def of_run(run: Run) -> dict[str, object]:
    """Return what a stored run took: seconds in all, CPU seconds by source and probe, and factors.

    The factors are CPU time under a probe over CPU time without, from the same run.
    """
    spent: defaultdict[str, float] = defaultdict(float)
    for record in run.records:
        for metric in _CPU & record.values.keys():
            spent[f"{record.job.source} {record.job.probe}"] += record.values[metric]
    return {
        "elapsed_s": run.manifest.elapsed_s,
        "cpu_s": {name: round(seconds, 1) for name, seconds in sorted(spent.items())},
        "cpu_factor": {
            probe: round(cost.cpu_factor, 2) for probe, cost in run.manifest.overhead.items()
        },
    }


def of_commands() -> dict[str, float]:
    """Return the CPU time of each command over that of an interpreter which does nothing."""
    least: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as target:
        report = ("-m", "harness", "report", str(BASELINE), "--output", target)
        for _ in range(_ROUNDS):
            for name, arguments in {**_COMMANDS, "report of the baseline": report}.items():
                taken = _cpu_s(arguments)
                least[name] = min(taken, least.get(name, taken))
    least["one more replicate"] = min(_replicate_s() for _ in range(_ROUNDS))
    return {name: round(taken / least["nothing"], 1) for name, taken in least.items()}


def of_extraction(paths: Iterable[str], rounds: int = _WALK_ROUNDS) -> dict[str, float]:
    """Return the CPU time of `harness scopes` over that of a plain walk, by file, taken in turn."""
    ratios: dict[str, float] = {}
    for path in paths:
        taken = [
            (_cpu_s(("-m", "harness", "scopes", path)), _cpu_s(("-c", _WALK, path)))
            for _ in range(rounds)
        ]
        scopes_s, walk_s = (min(seconds) for seconds in zip(*taken, strict=True))
        ratios[Path(path).name] = round(scopes_s / walk_s, 2)
    return ratios


def _replicate_s() -> float:
    """Return the CPU seconds that one more replicate takes of a small binary, everything included.

    A process counts with the descendants that were waited for, and all of a run are.
    """
    binary = fixtures_directory() / "binaries" / "c" / "dwarf5.so"
    with tempfile.TemporaryDirectory() as results:
        command = ("-m", "harness", "run", str(binary), *_REPLICATES, "--results", results)
        few, more = (_cpu_s((*command, "--replicates", str(count))) for count in (_FEW, _MORE))
    return (more - few) / (_MORE - _FEW)


def _cpu_s(arguments: tuple[str, ...]) -> float:
    return cost_of(arguments, codes={0}).cpu_s


def main(run_dir: str, ledger: str = "results/bench.json", *binaries: str) -> None:
    """Print the figures of a run, the commands and extraction; keep them under the run's commit."""
    run, path = read_run(Path(run_dir)), Path(ledger)
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    found = {
        **of_run(run),
        "times_nothing": of_commands(),
        "scopes_over_plain_walk": of_extraction(binaries),
    }
    kept[run.manifest.commit or run.manifest.run_id] = found
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
