"""What the extension of tracemalloc promises: exact peaks, and snapshots near them."""

from __future__ import annotations

import sys
import threading
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ConfigError, MeasurementInvalid
from harness.probes.tracemalloc_ext import AtPeak, PeakTracer, TracemallocProbe

SLACK = 20_000  # what the tracer's own bookkeeping and a frame or two may add


def allocate(size: int) -> bytes:
    return bytes(size)


def hold_and_drop(sizes: list[int]) -> int:
    """Hold one block after another; return the most that was held at once."""
    for size in sizes:
        block = allocate(size)
        del block
    return max(sizes, default=0)


@given(st.lists(st.integers(0, 3_000_000), max_size=8))
def test_a_peak_is_exact_whatever_came_after_it(sizes: list[int]) -> None:
    with PeakTracer() as tracer:
        most = hold_and_drop(sizes)
    assert most <= tracer.peak_bytes < most + SLACK


@given(st.lists(st.lists(st.integers(0, 3_000_000), max_size=4), max_size=5))
def test_every_phase_has_its_own_peak_and_the_run_the_highest(phases: list[list[int]]) -> None:
    with PeakTracer() as tracer:
        expected = []
        for number, sizes in enumerate(phases):
            with tracer.phase(str(number)):
                expected.append(hold_and_drop(sizes))
    found = [phase.peak_bytes - phase.start_bytes for phase in tracer.phases]
    for most, peak_bytes in zip(expected, found, strict=True):
        assert most <= peak_bytes < most + SLACK
    assert tracer.peak_bytes >= max((phase.peak_bytes for phase in tracer.phases), default=0)


def test_a_nested_phase_counts_for_the_outer_one_too() -> None:
    with PeakTracer() as tracer, tracer.phase("outer"):
        with tracer.phase("inner"):
            hold_and_drop([2_000_000])
        hold_and_drop([1_000])
    inner, outer = tracer.phases
    assert (inner.name, outer.name) == ("inner", "outer")
    assert inner.peak_bytes > 2_000_000
    assert outer.peak_bytes >= inner.peak_bytes


def test_a_phase_is_closed_and_state_restored_after_an_exception() -> None:
    tracer = PeakTracer(at_peak=AtPeak())
    with pytest.raises(ZeroDivisionError), tracer, tracer.phase("fails"):
        raise ZeroDivisionError
    assert [phase.name for phase in tracer.phases] == ["fails"]
    assert not tracemalloc.is_tracing()
    assert (sys.getprofile(), threading.getprofile()) == (None, None)


def test_the_snapshot_is_of_the_peak_not_of_the_end() -> None:
    with PeakTracer(at_peak=AtPeak(growth=1.01)) as tracer:
        blocks = [allocate(10_000) for _ in range(500)]
        blocks.clear()
        allocate(1)
    snapshot = tracer.at_peak
    assert snapshot is not None
    assert snapshot.total_bytes >= tracer.peak_bytes / 1.02
    assert snapshot.missed_bytes == tracer.peak_bytes - snapshot.total_bytes
    own = snapshot.by_line(modules=(__name__,))
    assert max(own.values()) > 4_500_000


@given(st.lists(st.integers(1, 400_000), max_size=40), st.sampled_from([1.05, 1.3, 2.0]))
def test_the_number_of_snapshots_is_bounded(sizes: list[int], growth: float) -> None:
    """For all runs, no more snapshots than the policy says."""
    policy = AtPeak(growth=growth, floor_bytes=100_000)
    with PeakTracer(at_peak=policy) as tracer:
        blocks = [allocate(size) for size in sizes]
        del blocks
    assert tracer.snapshots <= policy.snapshots_max(tracer.peak_bytes)


def test_a_known_peak_needs_one_snapshot() -> None:
    def work() -> None:
        blocks = [allocate(10_000) for _ in range(300)]
        blocks.clear()

    with PeakTracer() as first:
        work()
    with PeakTracer(at_peak=AtPeak(expected_bytes=first.peak_bytes)) as second:
        work()
    assert second.snapshots == 1
    assert second.at_peak is not None
    assert second.at_peak.missed_bytes < 0.01 * second.peak_bytes


def test_a_run_below_the_floor_takes_no_snapshot() -> None:
    with PeakTracer(at_peak=AtPeak()) as tracer:
        allocate(1000)
    assert tracer.at_peak is None


def test_a_snapshot_is_filtered_by_module_and_domain() -> None:
    with PeakTracer(at_peak=AtPeak(expected_bytes=2_000_000)) as tracer:
        block = allocate(2_000_000)
        len(block)
    snapshot = tracer.at_peak
    assert snapshot is not None
    package = __name__.rsplit(".", 1)[0]
    assert snapshot.by_line(modules=(package,)).total() >= 2_000_000
    assert snapshot.by_line(modules=("json", "email.*")).total() == 0
    assert snapshot.by_line(domain=12345).total() == 0
    assert snapshot.by_line(domain=0) == snapshot.by_line()


def test_two_tracers_at_a_time_are_refused() -> None:
    with (
        PeakTracer(),
        pytest.raises(MeasurementInvalid, match="being traced already"),
        PeakTracer(),
    ):
        pass
    assert not tracemalloc.is_tracing()


@pytest.mark.parametrize("arguments", [{"growth": 1.0}, {"growth": 0.5}, {"floor_bytes": 0}])
def test_a_policy_without_a_bound_is_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        AtPeak(**arguments)


def test_the_probe_declares_what_it_measures() -> None:
    probe = TracemallocProbe("")
    with probe.measure():
        allocate(100_000)
    ((name, value),) = probe.values().items()
    assert name == probe.metrics[0].name
    assert 100_000 <= value < 100_000 + SLACK
