"""The benchmark over generated runs says what each command took, and what is beyond the goal."""

from __future__ import annotations

import pytest

from harness.bench import scale
from harness.config import MIB


@pytest.mark.parametrize(
    ("cpu_s", "rss_bytes", "page_bytes", "beyond"),
    [
        pytest.param(60.0, 1024 * MIB, 5_000_000, False, id="all that is allowed"),
        pytest.param(60.1, 0, 0, True, id="time"),
        pytest.param(0.0, 1024 * MIB + 1, 0, True, id="memory"),
        pytest.param(0.0, 0, 5_000_001, True, id="page"),
    ],
)
def test_the_goal_is_that_of_the_documentation(
    cpu_s: float, rss_bytes: int, page_bytes: int, beyond: bool
) -> None:
    cost = scale.Consumption(cpu_s=cpu_s, rss_bytes=rss_bytes, lines=0)
    assert scale._is_too_much(cost, page_bytes) is beyond


@pytest.mark.parametrize(
    "only", [pytest.param("history", id="one"), pytest.param("", id="all", marks=pytest.mark.slow)]
)
def test_every_command_over_generated_runs_is_told_of(
    only: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    every = scale.commands
    monkeypatch.setattr(
        scale,
        "commands",
        lambda *places: {name: said for name, said in every(*places).items() if only in name},
    )
    scale.main("12")
    told = capsys.readouterr().out.splitlines()
    assert len(told) == (1 if only else 4)
    assert all("12 binaries" in line and " ms each " in line and " MiB " in line for line in told)
    assert sum("page" in line for line in told) == (0 if only else 1)
