"""Regions counted by several processes of this machine, or by the workers of a Dask cluster."""

from __future__ import annotations

import ctypes
import multiprocessing
import pickle
import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

from nnapprox.errors import MissingExtraError, UsageError
from nnapprox.network import Array, Network
from nnapprox.regions import passes
from nnapprox.regions.chart import Chart, split
from nnapprox.regions.passes import Run, Task, Workers
from nnapprox.regions.region_count import RegionCount
from nnapprox.regions.search import Search, Tally

PARTS = 32
"""Parts are of different size: with many of them, no process waits long for the last."""

SECONDS = 0.1
"""How often a count that waits for others tells how far it is."""

Found: TypeAlias = list[tuple[Array, ...]]


class _Amounts(ctypes.Structure):
    """A tally without what it has found, in memory that processes share."""

    _fields_ = (
        ("regions", ctypes.c_int64),
        ("predicates", ctypes.c_int64),
        ("exact_fallbacks", ctypes.c_int64),
        ("share", ctypes.c_double),
        ("worker_seconds", ctypes.c_double),
    )


AMOUNTS = [name for name, _ in _Amounts._fields_]

_stop: Any = None
"""In a process of `local_workers`: an event that is set when the count is given up."""

_told: Any = None
"""There: the `_Amounts` of all processes up to now."""

_search: Any = None
"""There: the search that it takes part in."""


def counts(
    network: Network,
    charts: Sequence[Chart],
    workers: Workers,
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
        Their first layers have the same scales.
    workers : Workers
        Those of `local_workers` or `dask_workers`.
    parts : int
        Into how many parts the charts are cut, if they can be.
    activation_only : bool
        Count neither linear regions nor affine maps.
    """
    return passes.counts(network, split(charts, parts), activation_only=activation_only, workers=workers)


def carried_out(search: Search, task: Task) -> Iterator[Tally]:
    """Do a task; the seconds of this thread are told as a worker's, those of its preparation too."""
    began = time.thread_time()
    for tally in task(search):
        ended = time.thread_time()
        yield tally._replace(worker_seconds=ended - began)
        began = ended


def local_workers(jobs: int) -> Workers:
    """So many processes of this machine; when the count is given up, they end within moments.

    Raises
    ------
    UsageError
        There is not at least one.
    """
    if jobs < 1:
        raise UsageError(f"a count takes at least one process, not {jobs}")
    return partial(_processes, jobs)


@contextmanager
def _processes(jobs: int, search: Search) -> Iterator[Run]:
    context = multiprocessing.get_context("spawn")
    stop, told = context.Event(), context.Value(_Amounts)
    with TemporaryDirectory(prefix="nnapprox-") as folder:
        path = Path(folder, "search")
        path.write_bytes(pickle.dumps(search))  # through a pipe, each process would have to wait for the one before
        executor = ProcessPoolExecutor(jobs, context, _begin, (stop, told, path))
        try:
            yield partial(_run, executor, told)
        finally:
            stop.set()
            executor.shutdown(cancel_futures=True)


def _run(executor: ProcessPoolExecutor, told: Any, tasks: Sequence[Task]) -> Iterator[Iterable[Tally]]:
    before = _amounts(told)
    with _interrupts_held():  # processes start here, and would tell of one before they come to ignore them
        waiting: set[Future[Found]] = {executor.submit(_carried_out_here, task) for task in tasks}
    while waiting:
        done, waiting = wait(waiting, SECONDS, FIRST_COMPLETED)
        now = _amounts(told)
        since = Tally(*(n - b for n, b in zip(now, before, strict=True)))
        yield [since, *(Tally(found=found) for future in done for found in future.result())]
        before = now


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Let Ctrl-C wait for a moment; for processes that start meanwhile, it waits for good."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(stop: Any, told: Any, path: Path) -> None:
    global _stop, _told, _search  # what processes share reaches them only when they start
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to all: the count says when to stop
    search = pickle.loads(path.read_bytes())  # noqa: S301 -- by the process that starts this one
    _stop, _told, _search = stop, told, search


def _carried_out_here(task: Task) -> Found:
    """Do a task in a process of `local_workers`: amounts are told at once, what is found when the task is done."""
    found = []
    for tally in carried_out(_search, task):
        if _stop.is_set():
            raise KeyboardInterrupt
        with _told.get_lock():
            for name in AMOUNTS:
                setattr(_told, name, getattr(_told, name) + getattr(tally, name))
        if tally.found:
            found.append(tally.found)
    return found


def _amounts(told: Any) -> list[Any]:
    with told.get_lock():
        return [getattr(told, name) for name in AMOUNTS]


def dask_workers(address: str) -> Workers:
    """The workers of a Dask cluster, by the address of its scheduler, as tcp://host:8786.

    What a worker was at when it died is done again. Entering raises `MissingExtraError` if Dask is not installed, and
    `UsageError` if no scheduler answers there.
    """
    return partial(_cluster, address)


@contextmanager
def _cluster(address: str, search: Search) -> Iterator[Run]:
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

    given = client.submit(Search, *search.__reduce__()[1], pure=False)  # a task: if it is lost, it is done again

    def run(tasks: Sequence[Task]) -> Iterator[Iterable[Tally]]:
        futures = [client.submit(_all_carried_out, given, task, pure=False, retries=3) for task in tasks]
        for future in distributed.as_completed(futures, loop=client.loop):
            yield future.result()
            future.release()

    try:
        yield run
    finally:
        client.close()


def _all_carried_out(search: Search, task: Task) -> list[Tally]:
    return list(carried_out(search, task))
