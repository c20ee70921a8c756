"""Batches that a receiver refuses for their size arrive in smaller ones."""

import pytest

from harness.config import PipelineOptions
from harness.contracts import Body
from harness.errors import PayloadTooLarge, PipelineError, UploadError
from harness.pipelines import streaming
from harness.pipelines.streaming import BatchEncoder
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


@pytest.mark.parametrize("sink", ["memory", "disk"])
@pytest.mark.parametrize("limit_bytes", [1500, 3000, 100_000])
def test_a_batch_refused_for_its_size_arrives_in_smaller_ones(sink: str, limit_bytes: int) -> None:
    parcels = [make_parcel("p", 30), make_parcel("empty", 0), make_parcel("q", 30)]
    receiver = SmallReceiver(limit_bytes)
    options = PipelineOptions(sink=sink)
    streaming.run(iter_packages(parcels), receiver, options, look_away)
    numbers = [d.envelope["batch_num"] for d in receiver.delivered]
    assert numbers == list(range(1, len(numbers) + 1))
    assert [d.envelope["final"] for d in receiver.delivered] == [
        *[False] * (len(numbers) - 1),
        True,
    ]
    assert receiver.scopes() == parcels


@pytest.mark.parametrize("hard_limit", [False, True])
def test_a_package_counts_once_in_however_many_parts_it_travels(hard_limit: bool) -> None:
    parcels = [make_parcel("p", 30), make_parcel("empty", 0), make_parcel("q", 30)]
    for threshold in (0, 2000, 1 << 20):
        options = PipelineOptions(hard_limit=hard_limit, threshold_bytes=threshold)
        receiver = SmallReceiver(1500)
        counters = streaming.run(iter_packages(parcels), receiver, options, look_away)
        assert counters.packages == 3
        assert counters.batches == len(receiver.delivered) > 3


def test_a_child_refused_even_alone_is_dropped_and_counted() -> None:
    scope, children = make_parcel("p", 6)
    large = make_function("large", 4000, random_seed=1)
    receiver = SmallReceiver(1500)
    packages = iter_packages([(scope, [*children[:3], large, *children[3:]])])
    counters = streaming.run(packages, receiver, PipelineOptions(), look_away)
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
