"""Whatever happens to a Go binary, extraction ends in packages or in InputRejected."""

import random
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from harness.config import Limits, SymbolOptions
from harness.errors import ConfigError, InputRejected
from harness.symbols.elf import ElfFile
from harness.symbols.sections import Section
from harness.tests.commands import ran
from harness.tests.symbols.binaries import drain_file

READ = (".gopclntab", ".go.module", ".debug_info", ".debug_abbrev", ".debug_loclists",
        ".debug_rnglists", ".debug_addr", ".debug_line", ".go.buildinfo")  # fmt: skip
OPTIONS = SymbolOptions(scope="main")


def places(program: Path) -> dict[str, int]:
    """Return where each section of the program begins in its content."""
    content = program.read_bytes()
    with ElfFile(str(program)) as elf:
        sections = [found for name in READ if isinstance(found := elf.section(name), Section)]
        return {s.name: content.index(s.read(0, min(s.size, 4096))) for s in sections}


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize(
    "seed", [pytest.param(0, marks=pytest.mark.slow), 1, pytest.param(2, marks=pytest.mark.slow)]
)
def test_changed_bytes_are_rejected_or_survived(
    program: Path, tmp_path: Path, name: str, seed: int
) -> None:
    dice = random.Random(f"{name}{seed}")
    content = bytearray(program.read_bytes())
    start = places(program)[name]
    for _ in range(1 + 10 * seed):
        content[start + dice.randrange(400)] = dice.randrange(256)
    mutant = tmp_path / "mutant"
    mutant.write_bytes(content)
    with suppress(InputRejected):
        drain_file(mutant, OPTIONS)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9, 0.999])
def test_truncation_is_rejected(program: Path, tmp_path: Path, share: float) -> None:
    content = program.read_bytes()
    mutant = tmp_path / "mutant"
    mutant.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputRejected):
        drain_file(mutant, OPTIONS)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [(Limits(dies=1000), "more than 1000 entries"), (Limits(depth=1), "nested more than 1 deep")],
    ids=["entries", "depth"],
)
def test_a_limit_that_is_hit_is_named(program: Path, limits: Limits, reason: str) -> None:
    with pytest.raises(InputRejected, match=reason):
        drain_file(program, SymbolOptions(limits=limits))


def test_an_unknown_way_to_place_inlines_is_a_usage_error(program: Path) -> None:
    with pytest.raises(ConfigError, match="place inlines"):
        drain_file(program, SymbolOptions(inlines="everywhere"))


def test_no_room_for_temporary_files_is_said_with_a_remedy(program: Path) -> None:
    """A process that may write no file beyond a few kilobytes, as on a disk that is full."""
    code = (
        "import resource, sys\n"
        "from harness.errors import InputRejected\n"
        "from harness.symbols import open_packages\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n"
        "    with open_packages(sys.argv[1]) as source: list(source.packages)\n"
        "except InputRejected as error: print(error)\n"
    )
    command = [sys.executable, "-c", code, str(program)]
    done = ran(*command)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1
    assert "spooling fails" in done.stdout
    assert "TMPDIR" in done.stdout
