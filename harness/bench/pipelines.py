"""Hold the pipelines against their promises of speed and memory, side by side on the same packages.

`python -m harness.bench.pipelines FILE...` takes binaries, or the package caches that `harness
run` makes of them, and runs every case in a process of its own, forwards and backwards in turn, so
that a machine that slows down slows all of them. CPU time is the least of all rounds, less what
reading the packages back costs; heap is memray's peak of one more run. Ratios are what to trust:
the seconds belong to this machine and this moment.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import msgspec
from msgspec import Struct

from harness.bench.planted import DeafPoster
from harness.config import MIB, PipelineOptions, UploadOptions
from harness.contracts import Pipeline
from harness.errors import HarnessError
from harness.intake import COUNT_PATH
from harness.intake.client import IntakeClient
from harness.intake.process import Intake
from harness.model import Package, package_scope
from harness.pipelines import legacy, streaming
from harness.pipelines.compressors import make_compressor
from harness.pipelines.gzip_stream import BUFFER_BYTES
from harness.records import Batch
from harness.run.recording import write_replay
from harness.run.replay import open_replay, read_info

_STEP_BYTES = 16 * 1024

READ, ZLIB, BARE, UNSENT = "reading alone", "zlib alone", "a bare loop", "streaming, unsent"
CASES: dict[str, tuple[Pipeline, PipelineOptions]] = {
    UNSENT: (streaming.run, PipelineOptions()),  # close in time to what it is compared with
    "legacy, json": (legacy.run, PipelineOptions(encoder="json")),
    "legacy": (legacy.run, PipelineOptions()),
    "streaming": (streaming.run, PipelineOptions()),
    "streaming, disk": (streaming.run, PipelineOptions(sink="disk")),
    "streaming, synced": (streaming.run, PipelineOptions(sync_flush="package")),
    "hard limit": (streaming.run, PipelineOptions(hard_limit=True)),
    "zlib-ng": (streaming.run, PipelineOptions(compressor="zlib-ng")),
    "isal": (streaming.run, PipelineOptions(compressor="isal", level=1)),
}


class CaseResult(Struct, kw_only=True):
    """What one case did in one process."""

    cpu_s: float
    raw_bytes: int = 0
    payload_bytes: int = 0
    batches: int = 0
    fill: float = 0.0
    overshoot_bytes: int = 0
    peak_bytes: int = 0


def run_case(name: str, replay: str, url: str, scratch: str) -> CaseResult:
    """Run one case in this process, under memray if there is a `scratch` directory."""
    if name in (READ, ZLIB):
        return _run_floor(name, replay, scratch)
    if name == BARE:
        return _run_bare_loop(replay)
    run, options = CASES[name]
    batches: list[Batch] = []
    with _open_client(url) as intake:
        run(iter([Package(package_scope("warm-up"), "c", iter(()))]), intake, options, _ignore)
    with _open_client(url) as intake, open_replay(replay) as source:
        poster = DeafPoster(intake.options) if name == UNSENT else intake
        gc.collect()
        with _probe(scratch):
            started_s = time.process_time()
            counters = run(source.packages, poster, options, batches.append)
            cpu_s = time.process_time() - started_s
    full = [batch.payload_bytes for batch in batches if not batch.final]
    return CaseResult(
        cpu_s=cpu_s,
        raw_bytes=counters.raw_bytes,
        payload_bytes=counters.payload_bytes,
        batches=counters.batches,
        fill=min(full, default=0) / options.threshold_bytes,
        overshoot_bytes=max((batch.overshoot_bytes for batch in batches), default=0),
    )


def _open_client(url: str) -> IntakeClient:
    return IntakeClient(UploadOptions(url=url, upload_id=os.urandom(16).hex()))


def _probe(scratch: str) -> AbstractContextManager[None]:
    if not scratch:
        return nullcontext()
    # memray comes with half of the modules that a timed process must not load.
    from harness.probes.memray_peak import MemrayProbe  # noqa: PLC0415

    return MemrayProbe(scratch).measure()


def _ignore(_: Batch) -> None:
    return None


def _run_floor(name: str, replay: str, scratch: str) -> CaseResult:
    """Time what no pipeline can do without: reading the packages, compressing their JSON."""
    encoder, compressor = msgspec.json.Encoder(), zlib.compressobj(6, zlib.DEFLATED, 31)
    buffer, raw_bytes, spent_s = bytearray(), 0, 0.0
    with open_replay(replay) as source, _probe(scratch):
        started_s = time.process_time()
        for child in _iter_children(source.packages):
            if name == READ:
                del child
                continue
            encoder.encode_into(child, buffer, len(buffer))
            if len(buffer) >= MIB:
                raw_bytes += len(buffer)
                spent_s += _time_compression(compressor.compress, buffer)
                buffer.clear()
        raw_bytes += len(buffer)
        spent_s += _time_compression(compressor.compress, buffer)
        if name == READ:
            spent_s = time.process_time() - started_s
    return CaseResult(cpu_s=spent_s, raw_bytes=raw_bytes)


def _run_bare_loop(replay: str) -> CaseResult:
    """Encode and compress child by child with no batch, envelope or count: the least there is."""
    encode = msgspec.json.Encoder().encode_into
    compress = zlib.compressobj(6, zlib.DEFLATED, 31).compress
    buffer, raw_bytes, end = bytearray(), 0, 0
    with open_replay(replay) as source:
        started_s = time.process_time()
        for package in source.packages:
            for child in package.children:
                encode(child, buffer, end)
                end = len(buffer)
                if end >= BUFFER_BYTES:
                    compress(buffer)
                    raw_bytes, end = raw_bytes + end, 0
                del child
        compress(buffer[:end])
        spent_s = time.process_time() - started_s
    return CaseResult(cpu_s=spent_s, raw_bytes=raw_bytes + end)


def _iter_children(packages: Iterator[Package]) -> Iterator[object]:
    for package in packages:
        for child in package.children:
            yield child
            del child  # before the next one is made


def _time_compression(compress: Callable[[memoryview], bytes], buffer: bytearray) -> float:
    started_s = time.process_time()
    with memoryview(buffer) as view:
        for start in range(0, len(view), _STEP_BYTES):
            compress(view[start : start + _STEP_BYTES])
    return time.process_time() - started_s


def measure(replay: str, rounds: int) -> dict[str, CaseResult]:
    """Run every case in processes of its own; return its best time and its peak."""
    order = [READ, ZLIB, BARE, *CASES]
    results: dict[str, CaseResult] = {}
    with Intake() as intake, tempfile.TemporaryDirectory() as scratch:
        url = intake.url + COUNT_PATH
        for turn in range(rounds):
            for name in order if turn % 2 == 0 else reversed(order):
                outcome = _spawn(name, replay, url)
                if name not in results or outcome.cpu_s < results[name].cpu_s:
                    results[name] = outcome
        for name in (READ, *CASES):
            results[name].peak_bytes = _peak(name, replay, url, scratch)
    return results


def _spawn(*arguments: str) -> CaseResult:
    command = [sys.executable, "-m", "harness.bench.pipelines", "--child", *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return msgspec.json.decode(done.stdout, type=CaseResult)


def _peak(name: str, replay: str, url: str, scratch: str) -> int:
    with tempfile.TemporaryDirectory(dir=scratch) as directory:
        _spawn(name, replay, url, directory)
        command = [sys.executable, "-m", "harness.probes.capture", f"{directory}/capture.bin"]
        found = subprocess.run(command, check=True, stdout=subprocess.PIPE)
        return int(json.loads(found.stdout)["peak_bytes"])


def describe(name: str, results: dict[str, CaseResult]) -> Iterator[str]:
    """Yield the lines that say what was measured, and how it stands against the promises."""
    read_s = results[READ].cpu_s
    yield (
        f"{name}: reading alone {read_s:.2f} s, taken off below, and "
        f"{results[READ].peak_bytes / MIB:.2f} MiB; zlib alone {results[ZLIB].cpu_s:.2f} s"
    )
    for case in CASES:
        found = results[case]
        yield (
            f"  {case:18} {found.cpu_s - read_s:6.2f} s {found.peak_bytes / MIB:8.2f} MiB peak "
            f"{found.batches:4} batches {found.payload_bytes / MIB:7.2f} MiB sent "
            f"fill {found.fill:.4f} overshoot {found.overshoot_bytes:9,}"
        )
    for promise, value, limit, at_most in _promises(results):
        side = "at most" if at_most else "at least"
        yield f"  {promise}: {value:.4g} (goal: {side} {limit:.4g})"
    yield f"  a bare loop / zlib alone, speed: {_speed(results, BARE):.4g} (no goal: what is left)"


def _promises(results: dict[str, CaseResult]) -> Iterator[tuple[str, float, float, bool]]:
    old_json, old, new = results["legacy, json"], results["legacy"], results["streaming"]
    hard, read_s = results["hard limit"], results[READ].cpu_s
    threshold = PipelineOptions().threshold_bytes
    yield "peak, legacy with json / streaming", old_json.peak_bytes / new.peak_bytes, 12, False
    yield "peak, legacy / streaming", old.peak_bytes / new.peak_bytes, 6, False
    yield "peak of streaming, MiB", new.peak_bytes / MIB, (threshold + 2 * MIB) / MIB, True
    disk_bytes = results["streaming, disk"].peak_bytes - results[READ].peak_bytes
    yield "peak from disk sink, MiB", results["streaming, disk"].peak_bytes / MIB, 1.5, True
    yield "the same above reading alone, MiB", disk_bytes / MIB, 1.5, True
    yield "time, streaming / legacy", new.cpu_s / old.cpu_s, 1, True
    speed = _speed(results, UNSENT)
    yield "encoding and compressing / zlib alone, speed", speed, 0.85, False
    yield "payload over the hard limit, bytes", max(0, hard.overshoot_bytes), 0, True
    if hard.batches > 1:
        yield "fill under the hard limit", hard.fill, 0.999, False
    yield "time, hard limit / without", (hard.cpu_s - read_s) / (new.cpu_s - read_s), 1.05, True
    yield "size, hard limit / without", hard.payload_bytes / new.payload_bytes, 1.005, True


def _speed(results: dict[str, CaseResult], case: str) -> float:
    """Return how fast a case is beside zlib alone, without what reading the packages takes."""
    return results[ZLIB].cpu_s / (results[case].cpu_s - results[READ].cpu_s)


def main() -> None:
    """Benchmark every replay file that is named."""
    parser = argparse.ArgumentParser(prog="python -m harness.bench.pipelines")
    parser.add_argument("files", nargs="*", type=Path, help="binaries, or caches of harness run")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        name, replay, url, scratch = (*options.child, "")[:4]
        sys.stdout.buffer.write(msgspec.json.encode(run_case(name, replay, url, scratch)))
        return
    try:
        for _, chosen in CASES.values():
            make_compressor(chosen.compressor, chosen.level)  # an extra may be missing
        with tempfile.TemporaryDirectory() as directory:
            for file in options.files:
                replay = _as_replay(file, Path(directory, "packages.replay"))
                for line in describe(file.name, measure(str(replay), options.rounds)):
                    sys.stdout.write(line + "\n")
                sys.stdout.flush()
    except HarnessError as error:
        parser.error(str(error))


def _as_replay(file: Path, made: Path) -> Path:
    """Return `file` if it holds packages, otherwise the packages of that binary, written anew."""
    if read_info(file) is not None:
        return file
    # pyelftools must not be loaded in the processes that are timed.
    from harness.symbols import open_packages  # noqa: PLC0415

    with open_packages(str(file)) as source:
        write_replay(source, made)
    return made


if __name__ == "__main__":
    main()
