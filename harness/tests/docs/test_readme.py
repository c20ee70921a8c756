"""The table in the README is that of the committed run, to the letter.

`HARNESS_UPDATE_README=1 pytest harness/tests/docs/test_readme.py` writes it there.
"""

from __future__ import annotations

import os
from io import StringIO
from pathlib import Path

from harness.loading import load_frames
from harness.printing import make_console
from harness.reports.report import report_of
from harness.reports.terminal import print_report
from harness.tests.docs.checkout import checkout

BEGIN = "<!-- python -m harness report results/baseline --output results/report -->\n```text\n"
END = "```\n<!-- end of the report -->\n"


def printed(run: Path) -> str:
    """Return what the terminal shows of a run, without blanks at the ends of lines."""
    report, out = report_of(load_frames(run)), StringIO()
    print_report(report, make_console(out))
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


def replaced(readme: str, report: str) -> str:
    """Return the README with this report between the two marks, of which there is one pair."""
    before, rest = readme.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}{report}{END}{after}"


def test_the_table_in_the_readme_is_that_of_the_committed_run() -> None:
    path, baseline = checkout() / "README.md", checkout() / "results" / "baseline"
    readme = path.read_text(encoding="utf-8")
    expected = replaced(readme, printed(baseline))
    if os.environ.get("HARNESS_UPDATE_README"):
        path.write_text(expected, encoding="utf-8")
    else:
        assert readme == expected


def test_the_marks_stand_in_the_readme_once() -> None:
    readme = (checkout() / "README.md").read_text(encoding="utf-8")
    assert replaced(readme, "") != readme
    assert replaced(readme, "x\n").count("x\n") > replaced(readme, "").count("x\n")
