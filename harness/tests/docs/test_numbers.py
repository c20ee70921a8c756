"""Numbers in documents and help texts, and the table of limits, are those of the code."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from msgspec import to_builtins

from harness.cli.app import load_verb
from harness.config import KIB, THRESHOLDS, TOP_UP, Claim, Limits, PipelineOptions
from harness.corpus import fixtures_directory, pinned_manifest
from harness.residency import (
    _UNCOUNTED_BYTES,
    _UNCOUNTED_FACTOR,
    _UNTOUCHED_BYTES,
    _UNTOUCHED_FACTOR,
)
from harness.run.limit import _LEAST_S, _THRASHES_TIMES
from harness.run.plan import SIZE_CLASSES
from harness.stats.modes import MODES_FROM
from harness.stats.scaling import FLAT_SHARE
from harness.symbols.dwarf.abbrev import (
    _MOST_ATTRIBUTE_BYTES,
    _MOST_DECLARATIONS,
    _MOST_TABLE_BYTES,
)
from harness.symbols.dwarf.linehead import _MOST_HEADER_BYTES
from harness.symbols.go.pcvalue import _MAX_TABLE_BYTES
from harness.symbols.headers import _MOST_SECTIONS
from harness.symbols.scopes import _MOST_HELD
from harness.symbols.source import MOST_FUNCTIONS
from harness.tests.commands import ran
from harness.tests.docs.checkout import checkout, document
from harness.tests.test_layers import MODULES
from harness.units import parse_limits

NUMBERS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
           "eleven")  # fmt: skip
SHARES = {0.25: "a quarter", 0.5: "half"}


def size(count_bytes: int) -> str:
    """Return a size as prose has it: without a fraction."""
    return (
        f"{count_bytes // KIB} KiB" if count_bytes < KIB * KIB else f"{count_bytes // KIB**2} MiB"
    )


def default_tier() -> tuple[str, str]:
    """Return how many binaries the default tier has, and what has to be downloaded for it."""
    manifest = pinned_manifest()
    pins = manifest.tier("default")
    wheels = {pin.wheel for pin in pins} | {manifest.go.wheel for pin in pins if pin.package}
    return NUMBERS[
        len(pins)
    ], f"{sum(manifest.wheels[one].size_bytes for one in wheels) / 1e6:.0f} MB"


CLAIM, SMALL = Claim(), size(int(SIZE_CLASSES["small"]))
BINARIES, DOWNLOAD = default_tier()
IN_DOCUMENTS = {
    "README.md": [
        f"at least {CLAIM.reduction_pct:.0f} % less",
        f"threshold by at most {size(CLAIM.overshoot_bytes)}",
        f"the threshold of {size(PipelineOptions().threshold_bytes)}",
        f"{BINARIES} pinned binaries. The first run downloads them ({DOWNLOAD},",
    ],
    "docs/metrics.md": [
        f"{_UNTOUCHED_FACTOR} times what became resident by more than {size(_UNTOUCHED_BYTES)}",
        f"by more than {SHARES[_UNCOUNTED_FACTOR - 1]} and {size(_UNCOUNTED_BYTES)}",
        f"only for binaries below {SMALL}",
        f"shown by {NUMBERS[TOP_UP]} replicates",
        f"where {NUMBERS[MODES_FROM]} or more fall into groups",
        f"keeps less than {FLAT_SHARE:.0%} of the JSON".replace("%", " %"),
        f"more than {MOST_FUNCTIONS:,} functions in parts",
        f"more than {_THRASHES_TIMES:.0f} times as long",
        f"at least {_LEAST_S:.0f} seconds",
    ],
    "docs/verdict.md": [f"{NUMBERS[TOP_UP]} replicates of each side agree"],
    "docs/limits.md": [
        f"{_MOST_SECTIONS:,} sections",
        f"{_MOST_HELD:,} variables and address ranges",
        f"{_MOST_DECLARATIONS:,} abbreviations or {size(_MOST_TABLE_BYTES)} in one table",
        f"{size(_MOST_ATTRIBUTE_BYTES)} in one abbreviation",
        f"{size(_MOST_HEADER_BYTES)} for the header of one line table",
        f"{size(_MAX_TABLE_BYTES)} for one PC table",
    ],
}
SUITES = ", ".join(
    sorted(path.stem for path in Path(fixtures_directory() / "suites").glob("*.toml"))
)
IN_HELP = {
    "sweep": [f"thresholds from {size(THRESHOLDS[0])} to {size(THRESHOLDS[-1])}"],
    "run": [f"A name ({SUITES})", f"real binaries ({DOWNLOAD})"],
    "corpus": [f"default: {BINARIES} real binaries, {DOWNLOAD} to download"],
}


@pytest.mark.parametrize("name", IN_DOCUMENTS)
def test_a_document_says_what_the_code_has(name: str) -> None:
    text = " ".join(document(name).split())
    assert [fact for fact in IN_DOCUMENTS[name] if fact not in text] == []


def test_the_page_about_the_architecture_names_every_package_and_module() -> None:
    """A newcomer finds the room of everything on one page."""
    text = document("docs/architecture.md")
    tops = {module.partition(".")[0] for module in MODULES} - {"", "__main__"}
    missing = {one for one in tops if not re.search(rf"[`/]{one}(\.py)?[`/]", text)}
    assert missing == set()


@pytest.mark.parametrize("verb", IN_HELP)
def test_help_says_what_the_code_has(verb: str) -> None:
    command = load_verb(verb)
    verbs = [command, *getattr(command, "commands", {}).values()]
    texts = [
        part
        for one in verbs
        for part in (one.help, *(p.help for p in one.params if hasattr(p, "help")))
    ]
    told = " ".join(" ".join(filter(None, texts)).split())
    assert [fact for fact in IN_HELP[verb] if fact not in told] == []


def test_what_a_fleet_costs_is_what_the_command_beside_it_says() -> None:
    text = document("docs/fleet.md")
    (code,) = re.findall(r'```sh\npython -c "([^"]*)"\n```', text)
    said = ran(sys.executable, "-c", code, cwd=checkout(), check=True)
    assert f"It says {said.stdout.strip()} per thousand binaries" in text


ROW = re.compile(r"^\| `(\w+)` \| ([^|]+) \|", re.MULTILINE)


def test_every_limit_is_documented_with_its_default() -> None:
    rows = dict(ROW.findall(document("docs/limits.md")))
    assert [*rows] == [*to_builtins(Limits())]
    told = (f"{name}={default.replace(',', '')}" for name, default in rows.items())
    assert parse_limits(told) == Limits()
