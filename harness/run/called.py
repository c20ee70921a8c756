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
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, InputRejected, MeasurementInvalid
from harness.records import VERIFY, Call, Counters, Job
from harness.run.digest import Digest, NoDigest, size_of
from harness.run.frames import WorkDone
from harness.run.targets import PICKLED, load, refuse_homonym

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
        output = Path(job.call.output)
        if output.is_absolute() or ".." in output.parts:
            raise InputRejected(
                f"{output} is not in the directory that it is called in",
                remedy="have it write below that, and name the path from there",
            )
        self._directory = Path(job.scratch, "work")
        self._directory.mkdir()
        os.chdir(self._directory)
        self._target = _imported(job.pipeline, job.call.paths)
        self._args, self._kwargs = _arguments(job.call, job.binary_path)
        if job.call.setup:
            made = _imported(job.call.setup)(*self._args, **self._kwargs)
            if made is not None:
                self._args, self._kwargs = (made,), {}
        name = job.arm if job.pipeline.startswith(PICKLED) else job.pipeline
        _refuse_arguments(name, self._target, self._args, self._kwargs)
        self._digest = Digest() if job.probe == VERIFY else None
        self._returned_bytes, self._why = 0, ""
        self._input = Path(job.binary_path) if job.binary_path else None
        self._given = _state_of(self._input)

    def __call__(self) -> None:
        """Call it, and read what it returns to the end."""
        result = self._target(*self._args, **self._kwargs)
        # Asked of its type alone: what abstract classes remember of it would count as its memory.
        if hasattr(type(result), "__await__"):
            with asyncio.Runner() as runner:
                result = _run_to_end(runner, result)
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
        if _state_of(self._input) != self._given:
            raise MeasurementInvalid(
                f"{self._input}, which it was called with, was changed",
                remedy="have it work on a copy: the next call would get another input",
            )
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
        try:
            if not self._call.digest:
                self._returned_bytes = digest.feed(result)
                return
            # What stands for it has a size of its own, which measured calls do not know.
            left: Iterator[Any] = iter(())
            if hasattr(type(result), "__next__"):
                result = left = self._iter_counted(result)
            else:
                self._returned_bytes = size_of(result)
            digest.feed(_imported(self._call.digest)(result))
            deque(left, maxlen=0)
        except NoDigest as error:
            self._why = str(error)

    def _iter_counted(self, items: Iterator[Any]) -> Iterator[Any]:
        for item in items:
            self._returned_bytes += size_of(item)
            yield item


def _run_to_end(runner: asyncio.Runner, result: Awaitable[Any]) -> Any:
    """Return what is awaited.

    It does not pass through the task: a runner that ends has the task's whole result written out
    as text, many times its size, in the message of an error which the signal module then drops.
    """
    kept: list[Any] = []

    async def keep() -> None:
        kept.append(await result)

    runner.run(keep())
    return kept[0]


def _iter_items(result: AsyncIterator[Any]) -> Iterator[Any]:
    end = object()
    with asyncio.Runner() as runner:
        while (item := _run_to_end(runner, anext(result, end))) is not end:
            yield item


def _imported(target: str, paths: Sequence[str] = ()) -> Any:
    module = target.rpartition(":")[0]
    try:
        for path in paths[:1]:
            refuse_homonym(path, module)
        return load(target)
    except HarnessError as error:
        raise InputRejected(error.message, remedy=error.remedy) from error
    except (Exception, SystemExit) as error:  # a module may raise whatever it likes
        raise _why_not(target, module, error) from error


def _why_not(target: str, module: str, error: BaseException) -> InputRejected:
    """Return why something cannot be imported, and the name that may have been meant."""
    # Imported late: what is measured may need them too, and has to pay for them then.
    from difflib import get_close_matches  # noqa: PLC0415
    from pkgutil import iter_modules  # noqa: PLC0415

    from harness.nearest import nearest  # noqa: PLC0415

    loaded = sys.modules.get(module)
    if target.startswith(PICKLED):
        what, remedy = f"what was pickled cannot be read: {_named(error)}", "put it into a module"
    elif isinstance(error, AttributeError) and loaded:
        what = f"{error} ({getattr(loaded, '__file__', None) or 'a module of Python itself'})"
        own = [name for name, one in vars(loaded).items()
               if callable(one) and getattr(one, "__module__", "") == module]  # fmt: skip
        remedy = nearest(str(error.name), own) if own else "name a function of it"
    elif isinstance(error, ModuleNotFoundError) and f"{module}.".startswith(f"{error.name}."):
        package, _, name = module.rpartition(".")
        places = getattr(sys.modules.get(package), "__path__", ()) if package else sys.path[:1]
        near = get_close_matches(name, [one.name for one in iter_modules(places)], n=1)
        what = f"there is no module {error.name}, neither here nor installed in this Python"
        remedy = (
            f"did you mean {'.'.join(filter(None, (package, *near)))!r}?" if near
            else "go to the directory that it lies in, install it, or write path/file.py:function"
        )  # fmt: skip
    else:
        what = f"{module} cannot be imported: {_named(error)}"
        remedy = f"see that it can be: python -c 'import {module}'"
    return InputRejected(what, remedy=remedy)


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


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
        raise InputRejected(f"{name} is of type {type(target).__name__}, which cannot be called",
                            remedy="name a function")  # fmt: skip
    try:
        signature = inspect.signature(target)
    except (TypeError, ValueError):  # C functions need not tell
        return
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        remedy = "give its arguments behind -- (args=), or input files with --input (inputs=)"
        if next(iter(signature.parameters), "") == "self":
            remedy = f"name it on an object: OBJECT.{target.__name__}, OBJECT one of the module"
        raise InputRejected(
            f"{name}{signature} cannot be called so: {error}", remedy=remedy
        ) from error


def _state_of(path: Path | None) -> tuple[int, int] | None:
    """Return what tells whether a file is as it was; None if it is not there."""
    try:
        found = path.stat() if path else None
    except OSError:
        return None
    return found and (found.st_size, found.st_mtime_ns)


def _files_in(path: Path) -> Iterable[Path]:
    return [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
