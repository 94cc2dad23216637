"""Regions counted by several processes of this machine, or by the workers of a Dask cluster."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from importlib import import_module
from typing import Any, TypeAlias

import numpy as np

from nnapprox.errors import MissingExtraError, UsageError
from nnapprox.network import Network
from nnapprox.regions.gluing import Gluing
from nnapprox.regions.parts import Tally, first_pass, second_pass, split
from nnapprox.regions.polytope import Bounds, Polytope
from nnapprox.regions.region_count import RegionCount

PARTS = 32
"""Parts are of different size: with many of them, no process waits long for the last."""

SECONDS = 0.1
"""How often a count that waits for others tells how far it is."""

Task: TypeAlias = Callable[[], Tally]
Results: TypeAlias = Iterator[Tally | None]
Workers: TypeAlias = Callable[[Sequence[Task]], Results]
"""Gives the results of tasks as they come, and None now and then."""

_stop: Any = None
"""In a process of `local_workers`: an event that is set when the count is given up."""


def counts(
    network: Network,
    domain: Polytope | Bounds,
    workers: AbstractContextManager[Workers],
    *,
    parts: int = PARTS,
    activation_only: bool = False,
) -> Iterator[RegionCount]:
    """Count regions on parts of the domain, giving what is found up to now now and then; the last is complete.

    Parameters
    ----------
    network : Network
        With a hidden layer and the activation relu or leaky-relu.
    domain : Polytope, or sequence of (low, high)
        The latter is a box.
    workers : context manager
        Those of `local_workers` or `dask_workers`.
    parts : int
        Into how many parts the domain is cut, if it can be.
    activation_only : bool
        Count neither linear regions nor affine maps.

    Raises
    ------
    UsageError
        As `cells` does.
    """
    whole = Polytope.of(domain)
    if network.is_affine:
        yield RegionCount.one(activation_only)
        return
    pieces = split(network, whole, parts)
    gluing = None if activation_only else Gluing(network)
    total = np.zeros(3, dtype=object)
    with workers as run:
        for told in run([partial(_first, network, part, activation_only) for part in pieces]):
            if told is not None:
                total += told[:3]
                if gluing:
                    gluing.first_pass(*told.found)
            yield _so_far(total, gluing)
        if gluing and len(repeated := gluing.repeated):
            second = [partial(_second, network, part, whole.next_label, repeated) for part in pieces]
            for told in run(second):
                if told is not None:
                    total += told[:3]
                    gluing.second_pass(*told.found)
                yield _so_far(total, gluing)
    linear, maps = (gluing.linear_regions, gluing.distinct_affine_maps) if gluing else (None, None)
    yield RegionCount(total[0], linear, maps, total[1], total[2], complete=True)


def _so_far(total: Any, gluing: Gluing | None) -> RegionCount:
    certain = gluing.certain if gluing else None
    return RegionCount(total[0], certain, certain, total[1], total[2], complete=False)


def _first(network: Network, part: Polytope, activation_only: bool) -> Tally:
    tallies = list(_until_stopped(first_pass(network, part, activation_only)))
    return _summed(tallies, (np.concatenate([tally.found[0] for tally in tallies]),))


def _second(network: Network, part: Polytope, first_label: int, repeated: Any) -> Tally:
    tallies = list(_until_stopped(second_pass(network, part, first_label, repeated)))
    words = -(-sum(network.widths[1:-1]) // 64)
    patterns = [np.empty((0, words), np.uint64), *(tally.found[0] for tally in tallies)]
    lengths = [np.zeros(1, np.int64), *(np.diff(tally.found[1]) for tally in tallies)]
    labels = [np.empty(0, np.int32), *(tally.found[2] for tally in tallies)]
    return _summed(tallies, (np.concatenate(patterns), np.cumsum(np.concatenate(lengths)), np.concatenate(labels)))


def _summed(tallies: list[Tally], found: tuple[Any, ...]) -> Tally:
    return Tally(
        sum(tally.regions for tally in tallies),
        sum(tally.predicates for tally in tallies),
        sum(tally.exact_fallbacks for tally in tallies),
        found,
    )


def _until_stopped(tallies: Iterator[Tally]) -> Iterator[Tally]:
    for tally in tallies:
        if _stop is not None and _stop.is_set():
            raise KeyboardInterrupt
        yield tally


@contextmanager
def local_workers(jobs: int) -> Iterator[Workers]:
    """So many processes of this machine; when the count is given up, they end within moments.

    Raises
    ------
    UsageError
        There is not at least one.
    """
    if jobs < 1:
        raise UsageError(f"a count takes at least one process, not {jobs}")
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    executor = ProcessPoolExecutor(jobs, context, _begin, (stop,))

    def run(tasks: Sequence[Task]) -> Results:
        waiting: set[Future[Tally]] = {executor.submit(task) for task in tasks}
        while waiting:
            done, waiting = wait(waiting, SECONDS, FIRST_COMPLETED)
            if not done:
                yield None
            for future in done:
                yield future.result()

    try:
        yield run
    finally:
        stop.set()
        executor.shutdown(cancel_futures=True)


def _begin(stop: Any) -> None:
    global _stop  # noqa: PLW0603 -- an event reaches a process only when it starts
    _stop = stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to all: the count says when to stop


@contextmanager
def dask_workers(address: str) -> Iterator[Workers]:
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

    def run(tasks: Sequence[Task]) -> Results:
        futures = [client.submit(task, pure=False, retries=3) for task in tasks]
        for future in distributed.as_completed(futures, loop=client.loop):
            yield future.result()
            future.release()

    try:
        yield run
    finally:
        client.close()
