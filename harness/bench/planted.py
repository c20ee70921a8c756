"""Faults put in on purpose, for `doctor --prove`: each has to be caught by what it would spoil.

Every pipeline here passes its warm-up, whose upload id begins with zeros, and misbehaves after it.
"""

from __future__ import annotations

import atexit
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.config import PipelineOptions, UploadOptions
from harness.contracts import Body, Pipeline, Poster
from harness.model import Package, Scope
from harness.pipelines import streaming
from harness.pipelines.encoders import make_encoder
from harness.records import Batch, Counters

STAGE = "other"

Observe = Callable[[Batch], None]
Planted = tuple[Iterator[Package], Poster]

_kept: list[object] = []


def planted(fault: Callable[[Iterator[Package], Poster], Planted]) -> Pipeline:
    """Make a pipeline: streaming, over what `fault` makes of the packages and the poster."""

    def run(
        packages: Iterator[Package], poster: Poster, options: PipelineOptions, observe: Observe
    ) -> Counters:
        return streaming.run(*fault(packages, poster), options, observe)

    return run


@planted
def leaks(packages: Iterator[Package], poster: Poster) -> Planted:
    """Keep a kilobyte of every scope for ever."""
    return _each_child(packages, _leak), poster


@planted
def retains_scopes(packages: Iterator[Package], poster: Poster) -> Planted:
    """Read from an extractor that caches all it has read."""
    return _each_child(packages, _kept.append), poster


@planted
def copies_payload(packages: Iterator[Package], poster: Poster) -> Planted:
    """Hold the JSON of all scopes in one more copy."""
    document, encoder = bytearray(), make_encoder(PipelineOptions().encoder)
    return _each_child(packages, lambda scope: encoder.append(scope, document)), poster


@planted
def is_lost(packages: Iterator[Package], poster: Poster) -> Planted:
    """Be killed before anything is measured."""
    if not _is_warm_up(poster):
        os.kill(os.getpid(), signal.SIGKILL)
    return packages, poster


@planted
def loses_a_scope(packages: Iterator[Package], poster: Poster) -> Planted:
    """Ship all but the first child of every package: less to do, less to hold."""
    return _without_first(packages), poster


@planted
def posts_nothing(packages: Iterator[Package], poster: Poster) -> Planted:
    """Do all the work but the upload, and claim that too."""
    return packages, poster if _is_warm_up(poster) else DeafPoster(poster.options)


@planted
def truncates_capture(packages: Iterator[Package], poster: Poster) -> Planted:
    """Cut the last byte off the capture after the worker has signed it."""
    capture = Path(tempfile.gettempdir(), "capture.bin")
    if not _is_warm_up(poster):
        atexit.register(lambda: os.truncate(capture, capture.stat().st_size - 1))
    return packages, poster


class DeafPoster:
    """Takes every batch for delivered; what is left is a pipeline without HTTP."""

    def __init__(self, options: UploadOptions) -> None:
        self.options = options

    def post(self, body: Body) -> None:
        """Do nothing."""


def _is_warm_up(poster: Poster) -> bool:
    return poster.options.upload_id.startswith("00000000")


def _leak(_: Scope) -> None:
    _kept.append(bytes(1024))


def _each_child(packages: Iterator[Package], act: Callable[[Scope], object]) -> Iterator[Package]:
    for package in packages:
        children = package.children
        package.children = _acting(children, act)
        yield package


def _acting(children: Iterator[Scope], act: Callable[[Scope], object]) -> Iterator[Scope]:
    for child in children:
        act(child)
        yield child


def _without_first(packages: Iterator[Package]) -> Iterator[Package]:
    for package in packages:
        next(package.children, None)
        yield package
