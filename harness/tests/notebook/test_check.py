"""A notebook whose outputs are out of date is noticed, cell by cell."""

from __future__ import annotations

import ast
import json
from importlib import import_module
from typing import Any

import pytest

from harness.tests.docs.checkout import document
from harness.tests.notebook.check import Notebook, iter_differences, portable

PICTURE: dict[str, Any] = {
    "output_type": "display_data",
    "data": {"image/png": "aa", "text/plain": ["<Image>"]},
}


def _stream(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": [text]}


def _table(text: str) -> dict[str, Any]:
    return {"output_type": "execute_result", "data": {"text/plain": text}}


def _notebook(*outputs: dict[str, Any], **metadata: Any) -> Notebook:
    code = {"cell_type": "code", "id": "one", "outputs": list(outputs)}
    text = {"cell_type": "markdown", "id": "title", "source": ["# Title"]}
    return {"cells": [text, code], "metadata": metadata}


def test_the_same_text_is_no_difference_even_if_pixels_differ() -> None:
    other = {**PICTURE, "data": {**PICTURE["data"], "image/png": "bb"}}
    before, now = (_notebook(_stream("1 MiB\n"), _table("x"), one) for one in (PICTURE, other))
    assert list(iter_differences(before, now)) == []


@pytest.mark.parametrize(
    ("before", "now"),
    [
        pytest.param([_stream("1 MiB")], [_stream("2 MiB")], id="another number"),
        pytest.param([_table("1")], [_table("2")], id="another table"),
        pytest.param([_table("1")], [], id="no output any more"),
        pytest.param([], [_table("1")], id="never executed before it was committed"),
        pytest.param([PICTURE], [], id="no picture any more"),
    ],
)
def test_what_is_said_otherwise_is_named_with_its_cell(
    before: list[dict[str, Any]], now: list[dict[str, Any]]
) -> None:
    found = list(iter_differences(_notebook(*before), _notebook(*now)))
    assert found
    assert "one, committed" in found[0]


def test_warnings_are_differences_even_if_they_were_committed() -> None:
    notebook = _notebook(_stream("DeprecationWarning: x", "stderr"))
    assert list(iter_differences(notebook, notebook)) == ["one: DeprecationWarning: x"]


def test_nothing_of_the_machine_is_committed() -> None:
    executed = _notebook(language_info={"version": "3.11.7"})
    assert portable(executed, _notebook(kernelspec="python3"))["metadata"] == {
        "kernelspec": "python3"
    }


def test_everything_that_the_committed_notebook_imports_of_ours_is_there() -> None:
    cells = json.loads(document("notebooks/analysis.ipynb"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    for found in ast.walk(ast.parse(code)):
        if isinstance(found, ast.ImportFrom) and str(found.module).startswith("harness"):
            module = import_module(str(found.module))
            missing = [one.name for one in found.names if not hasattr(module, one.name)]
            assert not missing, f"{found.module}: {missing}"
