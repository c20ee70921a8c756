"""The code in the documents runs, and does what stands beside it."""

from __future__ import annotations

import doctest
import re
from typing import Any

import pytest

from harness.contracts import NO_DATA
from harness.corpus import fixtures_directory
from harness.gates.evidence import Evidence
from harness.stats.check import Outcome
from harness.tests.docs.checkout import document
from harness.tests.stats.made import batch, failure, frames, sample


def _blocks(language: str) -> list[str]:
    pattern = rf"```{language}\n(.*?)```"
    return re.findall(pattern, document("docs/extending.md"), re.DOTALL)


def _defined(name: str) -> Any:
    """Run the block of docs/extending.md that defines `name`, as it stands, and return that."""
    defining = re.compile(rf"^(class|def) {name}\b", re.MULTILINE)
    (block,) = filter(defining.search, _blocks("python"))
    space: dict[str, Any] = {}
    exec(compile(block, "docs/extending.md", "exec", dont_inherit=True), space)  # noqa: S102  ours
    return space[name]


def test_the_pipeline_that_is_shown_is_the_one_that_is_tested() -> None:
    example = fixtures_directory() / "examples" / "harness-eager"
    assert _blocks("toml") == [(example / "pyproject.toml").read_text()]
    assert _blocks("python")[0] == (example / "harness_eager.py").read_text()


def test_the_probe_counts_what_stays_alive() -> None:
    probe = _defined("BlocksProbe")("")
    with probe.measure():
        kept = [object() for _ in range(1000)]
    assert probe.values().keys() == {metric.name for metric in probe.metrics}
    assert probe.values()["blocks_end"] >= len(kept)


def test_the_gate_finds_the_replicate_that_failed() -> None:
    judge = _defined("judge")
    good = sample("a", "streaming", 1.0)
    both = frames([good, failure("a", "streaming")])
    passed, failed = judge(Evidence(suite=None, inputs={}, candidate=both))  # type: ignore[arg-type]
    assert passed.outcome is Outcome.PASS
    assert (failed.outcome, failed.reason) == (Outcome.INVALID, "crashed")


@pytest.mark.parametrize("count", [0, 1, 9])
def test_the_plot_draws_nothing_one_and_many(count: int) -> None:
    figure = _defined("draw")(frames(batches=[batch("a", n, 900) for n in range(count)]))
    assert (figure.get_gid() == NO_DATA) == (count == 0)
    assert figure.get_suptitle().endswith("?")


def test_the_examples_of_the_tracer_run() -> None:
    found = doctest.DocTestParser().get_doctest(
        document("docs/tracemalloc.md"), {}, "tracemalloc.md", None, 0
    )
    assert len(found.examples) > 6
    assert doctest.DocTestRunner(verbose=False).run(found).failed == 0


def test_the_lines_that_are_shown_are_those_of_the_code_that_is_shown() -> None:
    text = document("docs/ab.md")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    lines = code.splitlines()
    shown = re.findall(
        r"^export\.py:(\d+) \w+ .* [\d.]+ +[\d.]+ (.+?)(?:\.\.|$)", text, re.MULTILINE
    )
    assert len(shown) == 7
    for number, start in shown:
        assert lines[int(number) - 1].strip().startswith(start)
