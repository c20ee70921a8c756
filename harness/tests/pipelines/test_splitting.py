"""Batches that a receiver refuses for their size arrive in smaller ones."""

import pytest

from harness.config import PipelineOptions
from harness.contracts import Body, Pipeline
from harness.errors import PayloadTooLarge, PipelineError, UploadError
from harness.pipelines import legacy, streaming
from harness.pipelines.streaming import BatchEncoder
from harness.records import Batch
from harness.tests.pipelines.parcels import (
    OPTIONS,
    KeepingPoster,
    iter_packages,
    look_away,
    make_function,
    make_parcel,
)


class SmallReceiver(KeepingPoster):
    """Refuses bodies above a size, as a receiver with a limit does."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(OPTIONS)
        self._limit_bytes = limit_bytes

    def post(self, body: Body) -> None:
        if len(body) > self._limit_bytes:
            raise PayloadTooLarge("HTTP 413")
        super().post(body)


PARCELS = [make_parcel("p", 30), make_parcel("empty", 0), make_parcel("q", 30)]
PIPELINES = [
    pytest.param(legacy.run, PipelineOptions(), id="legacy"),
    *(
        pytest.param(streaming.run, options, id=name)
        for name, options in {
            "streaming": PipelineOptions(),
            "disk": PipelineOptions(sink="disk"),
            "each package": PipelineOptions(threshold_bytes=0),
            "small": PipelineOptions(threshold_bytes=2000),
            "hard": PipelineOptions(hard_limit=True),
            "hard and small": PipelineOptions(hard_limit=True, threshold_bytes=2000),
        }.items()
    ),
]


@pytest.mark.parametrize(("run", "options"), PIPELINES)
@pytest.mark.parametrize("limit_bytes", [1500, 3000, 100_000])
def test_a_batch_refused_for_its_size_arrives_in_smaller_ones(
    run: Pipeline, options: PipelineOptions, limit_bytes: int
) -> None:
    """A package counts once, in however many parts it travels."""
    receiver, batches = SmallReceiver(limit_bytes), list[Batch]()
    counters = run(iter_packages(PARCELS), receiver, options, batches.append)
    count = len(receiver.delivered)
    assert receiver.scopes() == PARCELS
    assert [batch.batch_num for batch in batches] == list(range(1, count + 1))
    assert [batch.final for batch in batches] == [*[False] * (count - 1), True]
    assert (counters.packages, counters.batches) == (3, count)
    if run is not legacy.run:
        sent = [(d.envelope["batch_num"], d.envelope["final"]) for d in receiver.delivered]
        assert sent == [(batch.batch_num, batch.final) for batch in batches]
    assert count > 3 or limit_bytes > 1500


@pytest.mark.parametrize(("run", "options"), PIPELINES)
def test_a_child_refused_even_alone_is_dropped_and_counted(
    run: Pipeline, options: PipelineOptions
) -> None:
    scope, children = make_parcel("p", 6)
    large = make_function("large", 4000, random_seed=1)
    receiver = SmallReceiver(1500)
    packages = iter_packages([(scope, [*children[:3], large, *children[3:]])])
    counters = run(packages, receiver, options, look_away)
    assert receiver.scopes() == [(scope, children)]
    assert (counters.dropped, counters.scopes) == (1, 6)


def test_a_receiver_that_refuses_everything_ends_the_upload() -> None:
    packages = iter_packages([make_parcel("p", 5)])
    with pytest.raises(PayloadTooLarge):
        streaming.run(packages, SmallReceiver(10), PipelineOptions(), look_away)


def test_a_batch_accepted_in_part_cannot_be_sent_again() -> None:
    class FailingReceiver(SmallReceiver):
        def post(self, body: Body) -> None:
            if self.delivered:
                raise UploadError("gone")
            super().post(body)

    receiver = FailingReceiver(1500)
    encoder = BatchEncoder(receiver, PipelineOptions(), look_away)
    encoder.add_package(next(iter_packages([make_parcel("p", 40)])))
    with pytest.raises(UploadError):
        encoder.flush(final=True)
    with pytest.raises(PipelineError, match="in part"):
        encoder.flush(final=True)
