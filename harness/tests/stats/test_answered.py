"""What was asked and could not be answered is never a success."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from harness.errors import ExitCode, GateFailed, HarnessError
from harness.stats.answered import iter_losses, refuse_grown, refuse_unanswered
from harness.stats.frames import Frames
from harness.stats.summary import summarise
from harness.tests.stats.made import delivery, failure, manifest, peaks, sample
from harness.text import first_cause

ARMS = [{"name": name, "pipeline": f"{name}:run"} for name in ("legacy", "streaming")]
ALIKE = [delivery("a", "legacy"), delivery("a", "streaming")]


def lost(*failures: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame([{**row, "detail": f"why {row['arm']}\nmore"} for row in failures])


def made(
    samples: list[dict[str, Any]],
    deliveries: list[dict[str, Any]],
    *failures: dict[str, Any],
    arms: int = 2,
    probe: str = "memray",
) -> Frames:
    asked = manifest(options={"arms": ARMS[:arms], "probes": [probe]})
    return Frames.build(
        asked,
        samples=pd.DataFrame([*samples, *failures]),
        deliveries=pd.DataFrame(deliveries),
        failures=lost(*failures) if failures else pd.DataFrame(),
    )


WHOLE = peaks("a", [30, 30], [10, 10])


@pytest.mark.parametrize(
    ("run", "code", "told"),
    [
        pytest.param(made(WHOLE, ALIKE), None, "", id="every row carries a verdict"),
        pytest.param(made(WHOLE, []), 4, "no verdict: a from dwarf: nobody checked",
                     id="unchecked"),
        pytest.param(made(WHOLE, [ALIKE[0], delivery("a", "streaming", "d2")]), 4,
                     "different scopes for a", id="other output"),
        pytest.param(made(WHOLE, ALIKE, failure("a", "streaming", probe="bare", replicate=2)), 4,
                     "measured: streaming over a from dwarf (bare): crashed: why streaming",
                     id="a lost replicate of a probe that no verdict rests on"),
        pytest.param(made(WHOLE, ALIKE, failure("a", "third")), 4, "third over a",
                     id="a lost third arm"),
        pytest.param(made(WHOLE, ALIKE, failure("b", "", "rejected"), failure("c", "", "rejected")),
                     4, "measured: b: rejected: why , and 1 more",
                     id="files that cannot be read beside one that can"),
        pytest.param(made([], [], failure("b", "", "rejected")), 2, "nothing could be",
                     id="none can be read"),
        pytest.param(made([], [], failure("b", "legacy")), 4, "nothing could be", id="all crashed"),
        pytest.param(made([], []), 4, "nothing could be measured", id="nothing at all"),
        pytest.param(made(peaks("a", [30, 30], [10]), ALIKE), 4, "unequal replicates",
                     id="one replicate less"),
        pytest.param(made(peaks("a", [30], []), ALIKE, arms=1), None, "", id="one pipeline alone"),
        pytest.param(
            made([sample("a", "legacy", 1.0, probe="bare", metric="cpu")], ALIKE, probe="bare"),
            None,
            "",
            id="nobody asked about memory",
        ),
    ],
)  # fmt: skip
def test_a_run_is_a_success_only_if_it_answers(run: Frames, code: int | None, told: str) -> None:
    rows = summarise(run).rows
    if code is None:
        refuse_unanswered(run, rows)
        return
    with pytest.raises(HarnessError) as refused:
        refuse_unanswered(run, rows)
    assert refused.value.exit_code == ExitCode(code)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_of_an_arm_that_nobody_asked_for_nothing_is_missing() -> None:
    alone = [sample("a", "streaming", 10.0, replicate=number) for number in (1, 2)]
    streaming = manifest(options={"arms": ARMS[1:], "probes": ["memray"]})
    (row,) = summarise(Frames.build(streaming, samples=pd.DataFrame(alone))).rows
    assert not row.counts
    assert row.doubts == ()
    assert not any("legacy" in gap for gap in row.unmeasured)


def test_replicates_that_failed_alike_are_one_line() -> None:
    run = made([], [], *(failure("a", "legacy", replicate=number) for number in (1, 2, 3)))
    assert list(iter_losses(run)) == [
        "legacy over a from dwarf (memray, 3 replicates): crashed: why legacy"
    ]


@pytest.mark.parametrize(
    ("detail", "cause"),
    [
        ("", ""),
        ("one line", "one line"),
        ("exit code 3\nthe last of\nits stderr", "exit code 3"),
        ("\nlong: " + 600 * "x", "long: " + 494 * "x" + "…"),
    ],
)
def test_a_cause_is_one_line(detail: str, cause: str) -> None:
    assert first_cause(detail) == cause


@pytest.mark.parametrize("peak", [90, 100, 105])
def test_growth_up_to_the_tolerance_is_tolerated(peak: float) -> None:
    refuse_grown(summarise(made(peaks("a", [100, 100], [peak, peak]), ALIKE)).rows, 5.0)


def test_the_largest_growth_beyond_the_tolerance_is_named() -> None:
    grown = [*peaks("a", [100, 100], [106, 106]), *peaks("b", [100, 100], [120, 120])]
    with pytest.raises(GateFailed, match=r"streaming needs 20\.0 % more .* legacy over b, and 5 %"):
        refuse_grown(summarise(made(grown, ALIKE)).rows, 5.0)
