"""Points and lines in a terminal and as JSON."""

from __future__ import annotations

from io import StringIO

from msgspec.structs import replace

from harness.printing import make_console
from harness.reports.scaling import print_scaling
from harness.stats.scaling import ScalingPoint, fit_lines

NAME = "\x1b[31mlong" + "x" * 80


def a_point(arm: str, share: float, peak_bytes: float) -> ScalingPoint:
    return ScalingPoint(
        series=NAME,
        source="replay",
        arm=arm,
        binary=f"{NAME} [{share:.0%}]" if share < 1 else NAME,
        share=share,
        functions=round(1000 * share),
        raw_bytes=round(1_000_000 * share),
        dies=None,
        batches=1,
        peak_bytes=peak_bytes,
    )


POINTS = [
    *(a_point("legacy", share, 5_000_000 * share) for share in (0.25, 0.5, 1.0)),
    *(a_point("streaming", share, 400_000) for share in (0.25, 0.5, 1.0)),
    a_point("third", 1.0, 1.0),
]


def printed(points: list[ScalingPoint] = POINTS) -> str:
    file = StringIO()
    print_scaling(points, fit_lines(points), "functions", make_console(file))
    return file.getvalue()


def test_each_arm_has_a_sentence_that_says_whether_its_peak_grows() -> None:
    text = " ".join(printed().split())
    assert "legacy, one batch: grows by 5,000 bytes per function (90 % interval 5,000 to" in text
    assert "streaming, one batch: flat: at most 0 bytes per function" in text
    assert "third, one batch: no line: it takes three inputs" in text


def test_lines_without_any_flush_say_that_they_tell_nothing_of_larger_inputs() -> None:
    twice = [replace(point, batches=2) for point in POINTS]
    assert printed().count("nothing is known of larger ones") == 1
    assert "larger ones" not in printed(twice)
    assert "legacy, more batches: grows by" in printed(twice)


def test_a_line_that_rests_on_one_input_names_it_inert() -> None:
    far = replace(POINTS[0], binary=NAME, functions=50_000)
    text = " ".join(printed([*POINTS, far]).split())
    assert "legacy, one batch: no line: it would rest on \\x1b[31mlongxxx" in text
    assert "of about its size" in text


def test_the_table_fits_80_columns_and_no_name_acts_in_it() -> None:
    text = printed()
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 80
    assert "missing" in text
    assert "4.8 MiB" in text
