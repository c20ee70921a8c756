"""Call what is no pipeline: any callable, in an empty directory of its own, with what it is given.

Nothing is called before the measurement but what was asked for: what a callable imports and caches
at its first call is part of what it takes. An awaitable is awaited and an iterator, asynchronous or
not, read to its end, for their work is done only then; items are dropped as they come.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import os
import pickle
import re
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, InputRejected
from harness.records import VERIFY, Call, Counters, Job
from harness.run.digest import Digest, NoDigest, size_of
from harness.run.frames import WorkDone
from harness.run.targets import load

STAGE = "other"

_KEYWORD = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_NOTHING = "it neither returned nor wrote anything"


class CalledWork:
    """One call of the job's callable.

    Raises:
        InputRejected: Something that was named cannot be imported, or not be called so.
    """

    def __init__(self, job: Job) -> None:
        assert job.call is not None
        self._call = job.call
        sys.path[:0] = job.call.paths
        self._directory = Path(job.scratch, "work")
        self._directory.mkdir()
        os.chdir(self._directory)
        self._target = _imported(job.pipeline)
        self._args, self._kwargs = _arguments(job.call, job.binary_path)
        if job.call.setup:
            made = _imported(job.call.setup)(*self._args, **self._kwargs)
            if made is not None:
                self._args, self._kwargs = (made,), {}
        _refuse_arguments(job.pipeline, self._target, self._args, self._kwargs)
        self._digest = Digest() if job.probe == VERIFY else None
        self._returned_bytes, self._why = 0, ""

    def __call__(self) -> None:
        """Call it, and read what it returns to the end."""
        result = self._target(*self._args, **self._kwargs)
        # Asked of its type alone: what abstract classes remember of it would count as its memory.
        if hasattr(type(result), "__await__"):
            result = asyncio.run(_awaited(result))
        if hasattr(type(result), "__anext__"):
            result = _iter_items(result)
        if self._digest is not None:
            self._take(result, self._digest)
        elif hasattr(type(result), "__next__"):
            self._returned_bytes = sum(map(size_of, result))
        else:
            self._returned_bytes = size_of(result)

    def done(self) -> WorkDone:
        """Return how much it returned and wrote, and in a verification run the digest of that."""
        written = sorted(_files_in(self._directory / self._call.output))
        if self._call.output and not written:
            raise InputRejected(
                f"nothing was written to {self._call.output}",
                remedy="name what is written relative to the directory that it is called in",
            )
        if self._call.teardown:
            _imported(self._call.teardown)(*self._args, **self._kwargs)
        total = self._returned_bytes + sum(path.stat().st_size for path in written)
        # Whoever tells what is the same by a function of their own means that, and not the files.
        counted = written if self._call.output or not self._call.digest else []
        digest = self._digest and self._digest.with_files(self._directory, counted)
        return WorkDone(
            counters=Counters(raw_bytes=total, payload_bytes=total),
            digest="" if self._why else digest or "",
            detail=self._why or ("" if digest or self._digest is None else _NOTHING),
        )

    def _take(self, result: Any, digest: Digest) -> None:
        if self._call.digest:
            result = _imported(self._call.digest)(result)
        try:
            self._returned_bytes = digest.feed(result)
        except NoDigest as error:
            self._why = str(error)


async def _awaited(result: Any) -> Any:
    return await result


def _iter_items(result: AsyncIterator[Any]) -> Iterator[Any]:
    end = object()
    with asyncio.Runner() as runner:
        while (item := runner.run(_awaited(anext(result, end)))) is not end:
            yield item


def _imported(target: str) -> Any:
    try:
        return load(target)
    except HarnessError as error:
        raise InputRejected(error.message, remedy=error.remedy) from error
    except Exception as error:  # a module may raise whatever it likes
        raise InputRejected(
            f"{target} cannot be imported: {type(error).__name__}: {error}",
            remedy="see that its package is installed in this Python or lies where you are, or "
            "write path/file.py:function",
        ) from error


def _arguments(call: Call, path: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return what a callable gets: the path of its input if there is one, then its arguments."""
    own = (path,) if path else ()
    if call.pickled:
        args, kwargs = pickle.loads(Path(call.pickled).read_bytes())  # noqa: S301  we wrote it
        return (*own, *args), kwargs
    keywords = {
        found[1]: _value(found[2]) for text in call.args if (found := _KEYWORD.fullmatch(text))
    }
    return (*own, *(_value(text) for text in call.args if not _KEYWORD.fullmatch(text))), keywords


def _value(text: str) -> Any:
    with suppress(ValueError, SyntaxError):
        return ast.literal_eval(text)
    return text


def _refuse_arguments(
    name: str, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """Refuse a call that the callable's own signature rules out."""
    if not callable(target):
        raise InputRejected(f"{name} is a {type(target).__name__}, which cannot be called")
    try:
        signature = inspect.signature(target)
    except (TypeError, ValueError):  # C functions need not tell
        return
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        raise InputRejected(
            f"{name}{signature} cannot be called so: {error}",
            remedy="give its arguments behind --, or input files with --input",
        ) from error


def _files_in(path: Path) -> Iterable[Path]:
    return [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
