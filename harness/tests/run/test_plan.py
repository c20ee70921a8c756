"""The order of a run: fair to both arms, the same for the same seed, cheap things first."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from harness.bench import generated
from harness.config import LimitOptions, PipelineOptions
from harness.errors import ConfigError
from harness.limits.found import smallest_first
from harness.records import Arm, Binary, Job, Metric, Record
from harness.run.extensions import ProbeTraits, arms_by_name, resolve_probes
from harness.run.plan import RunContext, plan, top_up_jobs
from harness.run.request import RunRequest, aside_of, checked, sharded

ARMS = [Arm(name="legacy", pipeline="a:b"), Arm(name="streaming", pipeline="c:d")]
PROBES = ("peak", "memray", "tracemalloc", "gc", "bare")
AROUND = RunContext(
    request=RunRequest(binaries=[], results=Path("/r")),
    run_id="run",
    intake_url="http://here",
    scratch="/scratch",
    work="/work",
    traits=resolve_probes(PROBES),
    replays={"a": "/a", "b": "/b", "c": "/c", "huge": "/huge"},
)


def a_binary(name: str = "a", size_bytes: int = 1) -> Binary:
    return Binary(name=name, path=f"/{name}", sha256=name * 64, size_bytes=size_bytes)


def a_request(**changes: object) -> RunRequest:
    fields: dict[str, object] = {"binaries": [a_binary()], "arms": ARMS, "results": Path("/r")}
    return RunRequest(**(fields | changes))  # type: ignore[arg-type]


def around(request: RunRequest) -> RunContext:
    return structs.replace(AROUND, request=request)


def measured(request: RunRequest) -> list[Job]:
    return [job for job in plan(around(request)).jobs if job.order >= 0]


@given(seed=st.integers(0, 2**64), count=st.integers(1, 9))
def test_arms_alternate_and_are_balanced(seed: int, count: int) -> None:
    """For all seeds, each arm is measured equally often, and pairs are mirrored: AB BA AB."""
    request = a_request(seed=seed, replicates=dict.fromkeys(PROBES, count))
    jobs = [j for j in measured(request) if (j.probe, j.source) == ("peak", "replay")]
    pairs = [[job.arm for job in jobs[at : at + 2]] for at in range(0, len(jobs), 2)]
    assert len(jobs) == 2 * count
    assert all(sorted(pair) == ["legacy", "streaming"] for pair in pairs)
    assert all(one == other[::-1] for one, other in pairwise(pairs))


def test_the_seed_decides_which_arm_begins() -> None:
    first = {measured(a_request(seed=seed))[0].arm for seed in range(20)}
    assert first == {"legacy", "streaming"}


def test_the_same_seed_gives_the_same_plan() -> None:
    request = a_request(binaries=[a_binary("a"), a_binary("b")])
    assert plan(around(request)) == plan(around(request))


@pytest.mark.parametrize(("probe", "distinct"), [("bare", 4), ("gc", 4), ("peak", 1)])
def test_seeds_and_environments_are_equal_in_both_arms_and_vary_where_times_are_measured(
    probe: str, distinct: int
) -> None:
    jobs = [j for j in measured(a_request(replicates={probe: 4})) if j.probe == probe]
    seeds = [{j.hash_seed for j in jobs if j.replicate == replicate} for replicate in range(4)]
    lengths = [{j.padding_bytes for j in jobs if j.replicate == at} for at in range(4)]
    assert [len(found) for found in lengths] == [1] * 4
    assert len(set.union(*lengths)) == distinct
    assert (set.union(*lengths) == {0}) == (distinct == 1)
    assert [len(found) for found in seeds] == [1] * 4
    assert len(set.union(*seeds)) == distinct
    assert 0 not in set.union(*seeds)


def test_the_disk_sink_is_measured_aside_where_a_peak_from_the_cache_is() -> None:
    """It belongs to no pair, and comes after what a verdict rests on."""
    request = a_request(arms=arms_by_name(["legacy", "streaming"]), replicates={"peak": 2})
    (aside,) = aside_of(request)
    assert (aside.name, aside.options) == ("streaming-disk", PipelineOptions(sink="disk"))
    jobs = plan(around(structs.replace(request, aside=[aside]))).jobs
    found = [(job.probe, job.source, job.aside) for job in jobs if job.arm == aside.name]
    assert found == [("verify", "replay", True), *[("peak", "replay", True)] * 2]
    first = next(at for at, job in enumerate(jobs) if job.aside)
    assert all(job.probe != "peak" for job in jobs[first:] if not job.aside)
    assert aside_of(structs.replace(request, sources=("dwarf",))) == []
    on_disk = PipelineOptions(sink="disk")
    assert aside_of(structs.replace(request, pipeline_options=on_disk)) == []


def test_all_replicates_of_a_cell_share_an_upload_id_and_no_two_cells_do() -> None:
    jobs = measured(a_request(binaries=[a_binary("a"), a_binary("b")]))
    by_id: dict[str, set[tuple[str, str, str]]] = {}
    for job in jobs:
        by_id.setdefault(job.upload_id, set()).add((job.binary, job.arm, job.source))
    assert len(by_id) == 8
    assert all(len(cells) == 1 for cells in by_id.values())


def test_smaller_binaries_come_first_and_jobs_are_numbered_in_order() -> None:
    request = a_request(binaries=[a_binary("b", 9), a_binary("c", 2), a_binary("a", 9)])
    jobs = measured(request)
    assert [binary.name for binary in smallest_first(request.binaries)] == ["c", "a", "b"]
    assert list(dict.fromkeys(job.binary for job in jobs)) == ["c", "a", "b"]
    assert [job.order for job in jobs] == list(range(len(jobs)))
    assert len({len(job.scratch) for job in jobs}) == 1


def test_what_tells_most_comes_first() -> None:
    """The pipelines alone, then with extraction, then detail, then what needs the machine."""
    jobs = plan(around(a_request(binaries=[a_binary("a"), a_binary("b")]))).jobs
    order = list(dict.fromkeys((job.probe, job.source) for job in jobs))
    assert order[:4] == [
        ("verify", "dwarf"),  # of the first arm: it leaves the package cache
        ("verify", "replay"),
        ("peak", "replay"),
        ("peak", "dwarf"),
    ]
    assert {probe for probe, _ in order[4:-2]} == {"memray", "tracemalloc", "gc"}
    assert {probe for probe, _ in order[-2:]} == {"bare"}


@pytest.mark.parametrize(
    ("replicates", "paired"), [({}, True), ({"bare": 3}, False)], ids=["default", "asked for"]
)
def test_untraced_extractions_of_both_arms_share_the_machine_unless_they_are_asked_for(
    replicates: dict[str, int], *, paired: bool
) -> None:
    request = a_request(replicates=replicates)
    found = {(j.source, j.paired) for j in measured(request) if j.probe == "bare"}
    assert found == {("dwarf", paired), ("replay", False)}


def test_what_is_left_out_for_its_cost_is_said() -> None:
    planned = plan(around(a_request(binaries=[a_binary("huge", 80 << 20)])))
    assert "tracemalloc on dwarf of huge: too slow for its size" in planned.not_measured
    assert not [job for job in planned.jobs if job.probe == "tracemalloc"]


def test_a_number_asked_for_overrides_the_cost_model() -> None:
    asked = {"tracemalloc": 2, "gc": 0, "memray": 1}
    request = a_request(binaries=[a_binary("huge", 80 << 20)], replicates=asked)
    planned = plan(around(request))
    assert len([job for job in planned.jobs if job.probe == "tracemalloc"]) == 8
    assert not [job for job in planned.jobs if job.probe == "gc"]
    assert planned.not_measured == []


@pytest.mark.parametrize(("exact", "count"), [(True, 2), (False, 1)])
def test_a_probe_that_does_not_say_how_often_measures_twice_what_it_calls_exact(
    *, exact: bool, count: int
) -> None:
    metric = Metric("things", "count", exact=exact)
    traits = {**AROUND.traits, "mine": ProbeTraits(metrics=(metric,))}
    request = a_request(probes=("mine",))
    planned = plan(structs.replace(around(request), traits=traits))
    jobs = [job for job in planned.jobs if job.probe == "mine" and job.source == "replay"]
    assert len(jobs) == count * len(ARMS)


def seen(*values: float) -> list[Record]:
    jobs = [j for j in measured(a_request()) if (j.probe, j.arm) == ("peak", "legacy")]
    return [Record(job=jobs[0], status="ok", values={"heap_peak": value}) for value in values]


def test_replicates_that_agree_are_enough() -> None:
    assert top_up_jobs(around(a_request()), a_binary(), seen(5.0, 5.0)) == []


def test_replicates_that_differ_are_topped_up_in_both_arms() -> None:
    jobs = top_up_jobs(around(a_request(top_up=5)), a_binary(), seen(5.0, 6.0))
    assert sorted((job.arm, job.replicate) for job in jobs) == [
        (arm, replicate) for arm in ("legacy", "streaming") for replicate in (2, 3, 4)
    ]
    assert {(job.probe, job.source) for job in jobs} == {("peak", "replay")}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"binaries": []}, "needs binaries"),
        ({"arms": []}, "needs arms"),
        ({"probes": ()}, "needs probes"),
        ({"sources": ("dwraf",)}, "no source is called 'dwraf'"),
        ({"replicates": {"bare": -1}}, "-1 replicates"),
        ({"binaries": [a_binary("a"), a_binary("a")]}, "two things are called binary 'a'"),
        ({"arms": [ARMS[0], ARMS[0]]}, "two things are called arm 'legacy'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_request_that_cannot_be_is_refused(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        checked(a_request(**changes))


def test_a_binary_is_measured_from_no_source_that_its_tier_leaves_out() -> None:
    binary = structs.replace(a_binary("a"), sources=("replay",))
    planned = plan(around(a_request(binaries=[binary])))
    assert {job.source for job in planned.jobs if job.order >= 0} == {"replay"}
    assert "source dwarf of a: left out in this tier" in planned.not_measured


def test_binaries_whose_limits_are_not_tried_are_named() -> None:
    binaries = [a_binary(name, size) for name, size in (("b", 2), ("a", 1), ("c", 3))]
    asked = a_request(binaries=binaries, memory_limits=LimitOptions(smallest=1))
    told = [line for line in plan(around(asked)).not_measured if line.startswith("limit of")]
    assert [line.partition(":")[0] for line in told] == ["limit of b", "limit of c"]


def test_shards_are_all_binaries_once_and_about_as_large(tmp_path: Path) -> None:
    request = generated.a_request(11, tmp_path)
    parts = [sharded(request, f"{number}/4").binaries for number in (1, 2, 3, 4)]
    assert sorted(one.name for part in parts for one in part) == sorted(
        one.name for one in request.binaries
    )
    assert {len(part) for part in parts} == {2, 3}
    assert sharded(request, "02/4").shard == "2/4"
    one_less = structs.replace(request, binaries=request.binaries[1:])
    digests = [sharded(one, f"{k}/4").shard_of for one in (request, one_less) for k in (1, 2)]
    assert digests[0] == digests[1] != digests[2] == digests[3]


@pytest.mark.parametrize(
    ("shard", "said"),
    [("0/4", "no shard"), ("5/4", "no shard"), ("2", "no shard"), ("1/12", "do not make 12")],
)
def test_what_is_no_shard_is_refused(tmp_path: Path, shard: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        sharded(generated.a_request(11, tmp_path), shard)
