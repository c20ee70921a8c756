"""With the hard limit, every batch of more than one unit is at most as long as the threshold."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.config import PipelineOptions
from harness.model import package_scope
from harness.pipelines import streaming
from harness.pipelines.compressors import COMPRESSOR_NAMES
from harness.records import Batch
from harness.tests.pipelines.parcels import KeepingPoster, Parcel, iter_packages, make_function

units = st.tuples(
    st.sampled_from([1, 30, 600, 5_000, 40_000]), st.none() | st.integers(0, 9)
)  # size, and a seed if it is to be hard to compress
parcels = st.lists(
    st.lists(units, max_size=12).map(
        lambda sizes: (
            package_scope("p"),
            [make_function(f"f{i}", size, seed) for i, (size, seed) in enumerate(sizes)],
        )
    ),
    max_size=4,
)


def count_units(delivered_scopes: list[dict[str, list[object]]]) -> int:
    return sum(max(1, len(package.get("scopes", []))) for package in delivered_scopes)


def ship(shipped: list[Parcel], options: PipelineOptions) -> tuple[KeepingPoster, list[Batch]]:
    keeper, batches = KeepingPoster(), list[Batch]()
    streaming.run(iter_packages(shipped), keeper, options, batches.append)
    return keeper, batches


# What compresses least, fastest, by default and best.
LEVELS = {"zlib": [0, 1, 6, 9], "zlib-ng": [0, 1, 6, 9], "isal": [1, 3]}


@pytest.mark.parametrize(
    ("compressor", "level"), [(name, level) for name in LEVELS for level in LEVELS[name]]
)
@given(parcels, st.sampled_from([1, 700, 1000, 3_000, 20_000, 60_000]))
@example([(package_scope("p"), [make_function("f", 600, 1)] * 40)], 3_000)
def test_for_all_scopes_no_batch_of_several_units_exceeds_the_limit(
    compressor: str, level: int, shipped: list[Parcel], limit_bytes: int
) -> None:
    if compressor != "zlib":
        pytest.importorskip(compressor.replace("-", "_"))
    options = PipelineOptions(
        hard_limit=True, threshold_bytes=limit_bytes, compressor=compressor, level=level
    )
    keeper, batches = ship(shipped, options)
    for delivered, batch in zip(keeper.delivered, batches, strict=True):
        assert len(delivered.body) <= limit_bytes or count_units(delivered.envelope["scopes"]) == 1
        assert batch.overshoot_bytes == len(delivered.body) - limit_bytes
    assert keeper.scopes() == shipped


@pytest.mark.parametrize("encoder", ["json", "msgspec"])
def test_full_batches_leave_room_for_less_than_another_unit(encoder: str) -> None:
    children = [make_function(f"f{i}", 300, random_seed=i) for i in range(2000)]
    options = PipelineOptions(hard_limit=True, threshold_bytes=100_000, encoder=encoder)
    _, batches = ship([(package_scope("p"), children)], options)
    assert len(batches) > 3
    for batch in batches[:-1]:
        assert -500 < batch.overshoot_bytes <= 0


def test_a_large_child_goes_to_the_next_batch_without_a_trace() -> None:
    large = make_function("large", 10, random_seed=1)
    large.scopes = [make_function(f"b{i}", 60, random_seed=i) for i in range(400)]
    small = [make_function(f"f{i}", 60, random_seed=i) for i in range(50)]
    parcel = (package_scope("p"), [*small, large, *small])
    options = PipelineOptions(hard_limit=True, threshold_bytes=15_000)
    keeper, batches = ship([parcel], options)
    assert [b.overshoot_bytes > 0 for b in batches] == [False, True, False]
    assert keeper.scopes() == [parcel]


@pytest.mark.parametrize("compressor", COMPRESSOR_NAMES)
def test_a_large_child_that_fits_stays_in_the_batch(compressor: str) -> None:
    if compressor != "zlib":
        pytest.importorskip(compressor.replace("-", "_"))
    large = make_function("large", 10)
    large.scopes = [make_function(f"b{i}", 20) for i in range(400)]
    parcel = (package_scope("p"), [make_function("f", 10), large, make_function("g", 10)])
    options = PipelineOptions(
        hard_limit=True, threshold_bytes=1 << 20, compressor=compressor, level=1
    )
    _, batches = ship([parcel], options)
    assert len(batches) == 1


def test_without_room_for_two_every_batch_holds_one_unit() -> None:
    parcel = (package_scope("p"), [make_function(f"f{i}", 5) for i in range(4)])
    keeper, batches = ship([parcel], PipelineOptions(hard_limit=True, threshold_bytes=0))
    assert [b.scopes for b in batches] == [1, 1, 1, 1]
    assert keeper.scopes() == [parcel]
