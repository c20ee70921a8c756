"""Hold a document against its published schema, and the schema against what it must refuse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator

from harness import schemas


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(schemas.schema_of(name))


def assert_described(name: str, document: Any) -> None:
    """Fail unless the schema takes the document, and none that lacks a key or holds nonsense."""
    check = validator(name)
    check.validate(document)
    for mutant in iter_mutants(document, check):
        assert not check.is_valid(mutant)


def iter_mutants(document: Any, check: Draft202012Validator) -> Iterator[Any]:
    """Yield the document without each required key, and with each value replaced by nonsense."""
    if isinstance(document, list):
        yield from ([mutant, *document[1:]] for mutant in iter_mutants(document[0], check))
        yield {}
        return
    for key in required(check.schema):
        if key in document:
            yield {name: value for name, value in document.items() if name != key}
    for key in document:
        yield {**document, key: [["nonsense"]]}


def required(schema: Any) -> list[str]:
    """Return the required keys of what a schema is about, or of the items of such a list."""
    found = schema.get("items", schema)
    while "$ref" in found:
        found = schema["$defs"][found["$ref"].rpartition("/")[2]]
    keys: list[str] = found["required"]
    return keys
