"""Records to store: small, real in shape, different in every field."""

from __future__ import annotations

from harness.records import Batch, Collection, Counters, HeapPoint, Holding, Job, Record


def a_job(**changes: object) -> Job:
    fields: dict[str, object] = {
        "run_id": "run",
        "binary": "libelf",
        "binary_path": "/nowhere/libelf.so",
        "binary_sha256": "ab" * 32,
        "arm": "legacy",
        "source": "replay",
        "probe": "memray",
        "replicate": 0,
        "order": 3,
        "pipeline": "harness.pipelines.legacy:run",
        "probe_target": "harness.probes.memray_peak:MemrayProbe",
        "intake_url": "http://127.0.0.1:1",
        "scratch": "/nowhere",
    }
    return Job(**(fields | changes))  # type: ignore[arg-type]


def a_batch(number: int = 1, *, final: bool = True) -> Batch:
    return Batch(
        batch_num=number,
        scopes=7,
        functions=5,
        raw_bytes=2_000,
        payload_bytes=300,
        threshold_bytes=256,
        overshoot_bytes=44,
        final=final,
        at_s=0.25,
    )


def a_record(status: str = "ok", **job: object) -> Record:
    return Record(
        job=a_job(**job),
        status=status,
        detail="" if status == "ok" else "the stderr tail",
        values={"heap_peak_memray": 4_096.0},
        batches=[a_batch(1, final=False), a_batch(2)],
        collections=[
            Collection(
                generation=2,
                start_s=0.1,
                duration_s=0.01,
                heap_before_bytes=9_000,
                heap_after_bytes=8_000,
                collected=12,
                uncollectable=0,
            )
        ],
        timeline=[HeapPoint(0.0, 0), HeapPoint(0.5, 4_096)],
        holdings=[Holding("json", "encode.py:10 encode", 4_000), Holding("gzip", "gz.py:3 w", 96)],
        counters=Counters(packages=1, scopes=7, functions=5, batches=2),
        skipped={"no name": 2},
        digest="feed",
    )
