"""Regions counted by several processes of this machine, or by the workers of a Dask cluster."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from itertools import chain
from typing import Any

from nnapprox.errors import MissingExtraError, UsageError
from nnapprox.network import Network
from nnapprox.regions import passes
from nnapprox.regions.chart import Chart, split
from nnapprox.regions.passes import Run, Tally, Task
from nnapprox.regions.region_count import RegionCount

PARTS = 32
"""Parts are of different size: with many of them, no process waits long for the last."""

SECONDS = 0.1
"""How often a count that waits for others tells how far it is."""

_stop: Any = None
"""In a process of `local_workers`: an event that is set when the count is given up."""

_regions: Any = None
"""There: how many all processes have found up to now."""


def counts(
    network: Network,
    charts: Sequence[Chart],
    workers: AbstractContextManager[Run],
    *,
    parts: int = PARTS,
    activation_only: bool = False,
) -> Iterator[RegionCount]:
    """Count as `passes.counts` does, with the work done by others.

    Parameters
    ----------
    network : Network
        With a hidden layer and the activation relu or leaky-relu.
    charts : sequence of Chart
    workers : context manager
        Those of `local_workers` or `dask_workers`.
    parts : int
        Into how many parts the charts are cut, if they can be.
    activation_only : bool
        Count neither linear regions nor affine maps.
    """
    shares = [[part] for part in split(charts, parts)]
    with workers as run:
        yield from passes.counts(network, shares, activation_only=activation_only, run=run)


def _carried_out(task: Task) -> list[Tally]:
    return list(task())


def _carried_out_locally(task: Task) -> list[Tally]:
    """The same in a process of `local_workers`: regions are told at once, all else when the task is done."""
    tallies = []
    for tally in task():
        if _stop.is_set():
            raise KeyboardInterrupt
        with _regions.get_lock():
            _regions.value += tally.regions
        tallies.append(tally._replace(regions=0))
    return tallies


@contextmanager
def local_workers(jobs: int) -> Iterator[Run]:
    """So many processes of this machine; when the count is given up, they end within moments.

    Raises
    ------
    UsageError
        There is not at least one.
    """
    if jobs < 1:
        raise UsageError(f"a count takes at least one process, not {jobs}")
    context = multiprocessing.get_context("spawn")
    stop, regions = context.Event(), context.Value("q", 0)
    executor = ProcessPoolExecutor(jobs, context, _begin, (stop, regions))

    def run(tasks: Sequence[Task]) -> Iterator[Iterable[Tally]]:
        waiting: set[Future[list[Tally]]] = {executor.submit(_carried_out_locally, task) for task in tasks}
        told = regions.value
        while waiting:
            done, waiting = wait(waiting, SECONDS, FIRST_COMPLETED)
            now = regions.value
            yield [Tally(now - told, 0, 0, ()), *chain.from_iterable(future.result() for future in done)]
            told = now

    try:
        yield run
    finally:
        stop.set()
        executor.shutdown(cancel_futures=True)


def _begin(stop: Any, regions: Any) -> None:
    global _stop, _regions  # what processes share reaches them only when they start
    _stop, _regions = stop, regions
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to all: the count says when to stop


@contextmanager
def dask_workers(address: str) -> Iterator[Run]:
    """The workers of a Dask cluster, by the address of its scheduler, as tcp://host:8786.

    What a worker was at when it died is done again.

    Raises
    ------
    MissingExtraError
        Dask is not installed.
    UsageError
        No scheduler answers there.
    """
    try:
        distributed: Any = import_module("distributed")
        addresses: Any = import_module("distributed.comm")
    except ImportError:
        raise MissingExtraError("Dask is not installed: pip install 'nnapprox[dask]'") from None
    try:
        addresses.get_address_host_port(address, strict=True)  # a client of no address takes long to close
        client = distributed.Client(address, timeout=10, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise UsageError(f"no Dask scheduler answers at {address}: {error}") from None

    def run(tasks: Sequence[Task]) -> Iterator[Iterable[Tally]]:
        futures = [client.submit(_carried_out, task, pure=False, retries=3) for task in tasks]
        for future in distributed.as_completed(futures, loop=client.loop):
            yield future.result()
            future.release()

    try:
        yield run
    finally:
        client.close()
