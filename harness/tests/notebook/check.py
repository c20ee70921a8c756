"""Execute a notebook, and compare what it says now with what is committed, or commit that.

    python -m harness.tests.notebook.check notebooks/analysis.ipynb [--update]

Text and tables must be the same to the letter. Pictures need only be there: another version of
matplotlib or FreeType moves single pixels.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from difflib import unified_diff
from importlib import import_module
from pathlib import Path
from typing import Any

_AT_MOST_S = 120
_UPDATE = "--update"

Notebook = dict[str, Any]


def execute(path: Path) -> Notebook:
    """Return the notebook with the outputs it has now, run where it lies."""
    nbclient, nbformat = map(import_module, ("nbclient", "nbformat"))  # quick tests do without
    notebook = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(
        notebook,
        timeout=_AT_MOST_S,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
    )
    executed: Notebook = json.loads(nbformat.writes(client.execute()))
    return executed


def iter_differences(committed: Notebook, executed: Notebook) -> Iterator[str]:
    """Yield what the notebook says now and did not before, or the other way round."""
    before = {cell["id"]: cell for cell in committed["cells"] if cell["cell_type"] == "code"}
    for cell in executed["cells"]:
        if cell["cell_type"] != "code":
            continue
        name = cell["id"]
        for output in cell["outputs"]:
            if output.get("name") == "stderr" or output["output_type"] == "error":
                yield f"{name}: {_text(output)}"
        old, new = (_said(one) for one in (before[name], cell))
        yield from unified_diff(old, new, f"{name}, committed", f"{name}, now", lineterm="")


def portable(executed: Notebook, committed: Notebook) -> Notebook:
    """Return it as it is to be committed: without anything of the machine that executed it."""
    return {**executed, "metadata": committed["metadata"]}


def _said(cell: dict[str, Any]) -> list[str]:
    """Return the lines of a cell's outputs, with one line for each picture."""
    lines: list[str] = []
    for output in cell["outputs"]:
        lines += _text(output).splitlines()
        lines += [f"a picture: {kind}" for kind in output.get("data", {}) if "image" in kind]
    return lines


def _text(output: dict[str, Any]) -> str:
    if output["output_type"] == "error":
        return f"{output['ename']}: {output['evalue']}"
    text = output.get("text") or output.get("data", {}).get("text/plain", "")
    return text if isinstance(text, str) else "".join(text)


def main() -> int:
    """Return 0 when nothing differs, else 1 after saying what does."""
    arguments = [argument for argument in sys.argv[1:] if argument != _UPDATE]
    path = Path(arguments[0])
    committed: Notebook = json.loads(path.read_text(encoding="utf-8"))
    executed = portable(execute(path), committed)
    if _UPDATE in sys.argv:
        text = json.dumps(executed, indent=1, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")
        return 0
    differences = list(iter_differences(committed, executed))
    print("\n".join(differences), file=sys.stderr)
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
