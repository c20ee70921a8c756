"""What gdb and a walk by pyelftools say of the functions of the fixtures, recorded.

    python -m harness.tests.symbols.second_opinion      write golden/functions.json anew (needs gdb)

Functions are known by their package and their linkage name, or name; what two functions of one
package share is left out. `test_second_opinion.py` compares extraction with the record, and says
why gdb differs. Fixtures that one of the two cannot read are built from the same sources, and
their scopes are compared with those of the others.
"""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from elftools.elf.elffile import ELFFile

from harness.tests.symbols.agreement import Function, Unit, candidates, code_of, key_of, read
from harness.tests.symbols.binaries import BINARIES, FIXTURES

RECORD = Path(__file__).parent / "golden" / "functions.json"

_IN_GDB = """
import gdb, json, re

def key(block):
    return block.start, block.end, tuple(symbol.name for symbol in block)

def functions_at(pc):
    block = gdb.block_for_pc(pc)
    while block is not None and not block.is_static:
        if block.function is not None:
            yield block
        block = block.superblock

def at(pc):
    found = list(functions_at(pc))  # some inlined, and GCC's closures stand in their functions
    return ([block for block in found if block.start == pc] or found)[-1]

def blocks_in(function, pc):
    block = gdb.block_for_pc(pc)
    while block is not None and key(block) != key(function):
        yield block
        block = block.superblock

def statements():
    rows, path = {}, ""
    for line in gdb.execute("maint info line-table", to_string=True).splitlines():
        if line.startswith("symtab: "):
            path = re.sub(" \\(.*", "", line.removeprefix("symtab: "))
        elif (row := line.split())[3:4] == ["Y"] and row[1].isdigit():
            rows.setdefault(int(row[2], 16), set()).add((path, int(row[1])))
    return rows

def told(pc):
    function = at(pc)
    symbol, lines, blocks = function.function, set(), {key(function): function}
    for pc in range(function.start, function.end):
        blocks.update({key(block): block for block in blocks_in(function, pc)})
        if pc in ROWS and key(next(functions_at(pc), function)) == key(function):
            lines |= {line for path, line in ROWS[pc] if path == symbol.symtab.fullname()}
    own = [s for block in blocks.values() for s in block if s.is_variable or s.is_constant]
    return {
        "name": symbol.print_name,
        "file": symbol.symtab.fullname(),
        "lines": sorted(lines),
        "parameters": [(s.name, str(s.type)) for s in function if s.is_argument],
        "variables": sorted({(s.name, str(s.type)) for s in own if s.name and not s.is_argument}),
    }

for pc in PLACES:
    gdb.block_for_pc(pc)  # reads the unit, and its lines
ROWS = statements()
print("RESULT" + json.dumps([told(pc) for pc in PLACES]))
"""


class Told(NamedTuple):
    """What both tools say of one function."""

    package: str
    key: str
    walk: dict[str, Any]
    gdb: dict[str, Any]

    def function(self) -> Function:
        """Return what the walk by pyelftools found."""
        kept = {at: tuple(one) if isinstance(one, list) else one for at, one in self.walk.items()}
        return Function(**kept | {"lines": frozenset(self.walk["lines"])})


def describe(path: Path) -> list[Told]:
    """Return what both tools say of the functions of a binary, sorted."""
    walked = list(_walk(path))
    met = Counter((package, key) for package, key, _, _ in walked)
    walked = [one for one in walked if met[one[:2]] == 1]
    script = f"PLACES = {[entry for *_, entry in walked]}\n{_IN_GDB}"
    command = ["gdb", "-nx", "-batch", "-iex", "set auto-load off", str(path)]
    command += ["-ex", f"python exec({script!r})"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    answers = json.loads(done.stdout.partition("RESULT")[2])
    told = zip(walked, answers, strict=True)
    return sorted(Told(package, key, walk, gdb) for (package, key, walk, _), gdb in told)


def _walk(path: Path) -> Iterator[tuple[str, str, dict[str, Any], int]]:
    with path.open("rb") as file:
        elf = ELFFile(file)
        dwarf, code = elf.get_dwarf_info(), code_of(elf)
        for unit, die in candidates(dwarf):
            here = Unit(dwarf, unit, code)
            package, key = key_of(here, die)
            if (ranges := here.ranges(die)) and key:
                found = read(here, die)
                walk = found._asdict() | {"lines": sorted(found.lines)}
                yield package, key, walk, ranges[0][0]


def recorded() -> dict[str, list[Told]]:
    """Return what was recorded, by binary."""
    binaries = json.loads(RECORD.read_text())["binaries"]
    return {name: [Told(*one) for one in told] for name, told in binaries.items()}


def main() -> None:
    """Write the record anew, one function in a line."""
    shown = subprocess.run(["gdb", "--version"], capture_output=True, text=True, check=True)
    tools = {"gdb": shown.stdout.partition("\n")[0], "pyelftools": version("pyelftools")}
    binaries = {str(path.relative_to(FIXTURES)): describe(path) for path in BINARIES}
    text = json.dumps({"tools": tools, "binaries": {k: v for k, v in binaries.items() if v}})
    RECORD.write_text(text.replace('[["/', '[\n["/').replace('}], ["', '}],\n["') + "\n")


if __name__ == "__main__":
    main()
