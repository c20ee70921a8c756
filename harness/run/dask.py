"""Units on a Dask cluster: one that exists, or one of this machine's processes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from harness.config import SLOTS
from harness.errors import ConfigError

RESOURCE = "binary"


@contextmanager
def opened(address: str) -> Iterator[Executor]:
    """Give an executor that lets one binary have one slot of a worker.

    Workers of the scheduler at `address` were started with `--resources binary=1`; without one, a
    cluster of local processes is started, and ended afterwards.

    Raises:
        ConfigError: Dask is not installed, or nobody answers.
    """
    try:
        import dask  # noqa: PLC0415  an extra
        from distributed import Client, LocalCluster  # noqa: PLC0415  likewise
    except ImportError:
        raise ConfigError(
            "executor dask needs Dask", remedy="python -m pip install 'heapharness[dask]'"
        ) from None
    # Who is lost is tried again by the coordinator, which counts.
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}):
        try:
            target = address or LocalCluster(
                n_workers=max(1, (os.cpu_count() or 1) // SLOTS),
                threads_per_worker=1,
                resources={RESOURCE: 1},
                dashboard_address=None,
            )
            client = Client(target)
        except OSError as error:
            raise ConfigError(
                f"no Dask scheduler answers at {address}: {error}", remedy="start one, or name none"
            ) from error
        with client:
            yield client.get_executor(resources={RESOURCE: 1}, pure=False, retries=0)
            if not address:
                client.shutdown()
