"""Fill a directory with a pinned tier, and hand out each binary as soon as it is there.

Downloads and the build go on in background threads while the caller already measures what is
ready. Several runs may fill the same directory: one at a time works on it, the others take what it
has finished.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
import threading
from collections import defaultdict
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from queue import PriorityQueue

from filelock import FileLock, Timeout

from harness.corpus.binary import CorpusBinary, Stamp, missing, pinned
from harness.corpus.control import FetchControl, OnProgress, ignore
from harness.corpus.golang import GoBuild
from harness.corpus.manifest import CorpusManifest, Pin, committed_path
from harness.corpus.wheels import PARTIAL_PREFIX, IndexUnreachable, download, extract, install
from harness.errors import Cancelled, CorpusError, failing_as

LOCK_NAME = ".harness-corpus.lock"
_POLL_S = 0.2
_AT_ONCE = 2  # one builds while the other downloads


def iter_fetch(
    manifest: CorpusManifest,
    tiers: Sequence[str],
    directory: Path,
    on_progress: OnProgress = ignore,
) -> Generator[CorpusBinary, None, None]:
    """Yield every binary of some tiers as it becomes ready, the smallest of the ready ones first.

    What is in the directory already comes at once and is not downloaded again. Closing the
    iterator stops the background work.

    Yields:
        Binaries with verified digests; one that cannot be had comes last, with status `missing`.

    Raises:
        ConfigError: There is no such tier.
        CorpusError: Not one binary could be had.
    """
    with _fetching(manifest, tiers, directory, FetchControl(on_progress)) as fetch:
        while binary := fetch.next():
            yield binary


def iter_arrivals(
    manifest: CorpusManifest, tiers: Sequence[str], directory: Path, control: FetchControl
) -> Generator[CorpusBinary | None, None, None]:
    """Yield the same as `iter_fetch`, but wait for nothing after the first binary.

    None comes for as long as nothing more is ready. `control` tells meanwhile what is done.
    """
    with _fetching(manifest, tiers, directory, control) as fetch:
        binary = fetch.next()
        while binary:
            yield binary
            while fetch.is_idle:
                yield None
            binary = fetch.next()


@contextmanager
def _fetching(
    manifest: CorpusManifest, tiers: Sequence[str], directory: Path, control: FetchControl
) -> Iterator[_Fetch]:
    pins = [pin for tier in tiers for pin in manifest.tier(tier)]
    _prepare(directory, manifest, tiers)
    fetch = _Fetch(manifest, pins, directory, control)
    thread = threading.Thread(target=fetch.work, name="corpus-fetch", daemon=True)
    # An iterator that nobody closes must not leave a compiler running behind a process that ended.
    atexit.register(fetch.control.cancel)
    thread.start()
    try:
        yield fetch
    finally:
        fetch.control.cancel()
        thread.join()
        atexit.unregister(fetch.control.cancel)
    if fetch.error:
        raise fetch.error


def _prepare(directory: Path, manifest: CorpusManifest, tiers: Sequence[str]) -> None:
    """Make the directory, and note in its stamp what it is for."""
    stamp = Stamp.read(directory)
    if stamp.manifest_sha256 == manifest.digest and set(tiers) <= set(stamp.tiers):
        return
    stamp.tiers = sorted({*stamp.tiers, *tiers})
    stamp.manifest_sha256 = manifest.digest
    with failing_as(CorpusError, f"cannot write to {directory}"):
        directory.mkdir(parents=True, exist_ok=True)
        stamp.write(directory)


class _Fetch:
    """The background half: works through the wheels, and queues what is ready."""

    def __init__(
        self, manifest: CorpusManifest, pins: Sequence[Pin], directory: Path, control: FetchControl
    ) -> None:
        self.control = control
        self.error: BaseException | None = None
        self._manifest = manifest
        self._pins = pins
        self._directory = directory
        self._ready: PriorityQueue[tuple[float, int, CorpusBinary | None]] = PriorityQueue()
        self._ticket = count()
        self._delivered: set[str] = set()
        self._stamping = threading.Lock()
        self._unreachable: IndexUnreachable | None = None

    @property
    def is_idle(self) -> bool:
        """Whether `next` would have to wait."""
        return self._ready.empty()

    def next(self) -> CorpusBinary | None:
        """Wait for the smallest binary that is ready; None after the last one."""
        return self._ready.get()[-1]

    def work(self) -> None:
        """Do everything; runs in its own thread and lets no exception out."""
        try:
            self._deliver_present()
            if self._groups():
                with self._alone():
                    self._work_through(self._groups())
        except Cancelled:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            self.error = error
        finally:
            self._put(float("inf"), None)

    def _work_through(self, groups: list[tuple[str, list[Pin]]]) -> None:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            outcomes = list(pool.map(self._try, *zip(*groups, strict=True)))
        failed = [(pins, e) for (_, pins), e in zip(groups, outcomes, strict=True) if e]
        if failed and not self._delivered:
            raise failed[0][1]
        for pins, reason in failed:
            self._deliver_missing(pins, reason)

    def _try(self, wheel: str, pins: list[Pin]) -> CorpusError | None:
        """Get what a wheel is needed for; return why that failed."""
        if self._unreachable:
            return self._unreachable
        try:
            self._get(wheel, pins)
        except IndexUnreachable as error:
            self._unreachable = error
            return error
        except CorpusError as error:
            return error
        except OSError as error:
            return CorpusError(f"{wheel}: {error}")
        return None

    def _groups(self) -> list[tuple[str, list[Pin]]]:
        """Return what is still to be had, by wheel: the smallest first, then what takes longest.

        That is the Go build, which goes on while the other wheels come, from small to large.
        """
        groups: dict[str, list[Pin]] = defaultdict(list)
        for pin in self._pins:
            if pin.name not in self._delivered:
                groups[pin.wheel].append(pin)

        def cost(group: tuple[str, list[Pin]]) -> tuple[bool, int]:
            wheel = self._manifest.wheels.get(group[0])
            return any(pin.package for pin in group[1]), wheel.size_bytes if wheel else 0

        in_order = sorted(groups.items(), key=cost)
        return [*in_order[:1], *in_order[1:][-1:], *in_order[1:-1]]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the directory's lock; whatever is half done in it then belongs to nobody."""
        lock = FileLock(self._directory / LOCK_NAME, thread_local=False)
        while not lock.is_locked:
            self.control.check()
            try:
                lock.acquire(timeout=_POLL_S)
            except Timeout:
                self.control.report(self._directory.name, "wait")
            self._deliver_present()
        try:
            for leftover in self._directory.glob(f"{PARTIAL_PREFIX}*"):
                shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
            yield
        finally:
            lock.release()

    def _get(self, wheel: str, pins: list[Pin]) -> None:
        workplace = Path(tempfile.mkdtemp(prefix=PARTIAL_PREFIX, dir=self._directory))
        try:
            for pin in pins:
                if pin.path:
                    self._copy(pin)
            if wheel:
                self._get_from_wheel(wheel, pins, workplace)
        finally:
            shutil.rmtree(workplace, ignore_errors=True)

    def _copy(self, pin: Pin) -> None:
        with committed_path(pin).open("rb") as stream:
            install(stream, pin, self._directory / pin.name)
        self._deliver(pin)

    def _get_from_wheel(self, name: str, pins: list[Pin], workplace: Path) -> None:
        wheel = self._manifest.wheels[name]
        builds = [pin for pin in pins if pin.package]
        build = GoBuild(self._manifest.go, workplace, self.control)
        if builds:
            build.check_machine()
        file = download(name, wheel, workplace, self.control)
        for pin in pins:
            if pin.member:
                self.control.check()
                self.control.report(name, "extract")
                extract(file, pin, self._directory / pin.name)
                self._deliver(pin)
        if builds:
            build.unpack(file)
            file.unlink()
            build.build(builds, self._directory)
            for pin in builds:
                self._deliver(pin)

    def _deliver_present(self) -> None:
        """Deliver the pinned binaries that the directory holds already."""
        stamp = Stamp.read(self._directory)
        known = dict(stamp.files)
        for pin in self._pins:
            path = self._directory / pin.name
            if pin.name in self._delivered or not path.is_file():
                continue
            if path.stat().st_size == pin.size_bytes and stamp.digest(path) == pin.sha256:
                self._queue(pin)
        if stamp.files != known:
            # The stamp only saves time, and a corpus may well be on a read-only medium.
            with suppress(OSError):
                stamp.write(self._directory)

    def _deliver(self, pin: Pin) -> None:
        """Deliver a binary that was just written, its digest checked."""
        with self._stamping:
            stamp = Stamp.read(self._directory)
            stamp.remember(self._directory / pin.name, pin.sha256)
            stamp.write(self._directory)
        self._queue(pin)
        self.control.report(pin.name, "ready")

    def _queue(self, pin: Pin) -> None:
        binary = pinned(pin, self._directory / pin.name)
        self._delivered.add(pin.name)
        self._put(pin.size_bytes, binary)

    def _deliver_missing(self, pins: list[Pin], error: CorpusError) -> None:
        for pin in pins:
            if pin.name not in self._delivered:
                absent = missing(pin, self._directory / pin.name, str(error))
                self._put(float("inf"), absent)

    def _put(self, rank: float, binary: CorpusBinary | None) -> None:
        self._ready.put((rank, next(self._ticket), binary))
