"""Regions counted by several processes of this machine, or by the workers of a Dask cluster."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from importlib import import_module
from operator import methodcaller
from typing import Any, TypeAlias

import numpy as np

from nnapprox.errors import MissingExtraError, UsageError
from nnapprox.network import Network
from nnapprox.regions.gluing import Gluing
from nnapprox.regions.parts import Search, Tally, split, summed
from nnapprox.regions.polytope import Bounds, Polytope
from nnapprox.regions.region_count import RegionCount

PARTS = 32
"""Parts are of different size: with many of them, no process waits long for the last."""

SECONDS = 0.1
"""How often a count that waits for others tells how far it is."""

Task: TypeAlias = Callable[[Search], Iterator[Tally]]
Results: TypeAlias = Iterator[Tally | None]
Run: TypeAlias = Callable[[Sequence[Task]], Results]
"""Gives the results of tasks as they come, and None now and then."""

Workers: TypeAlias = Callable[[Search], AbstractContextManager[Run]]
"""Gives a search to all workers."""

_stop: Any = None
"""In a process of `local_workers`: an event that is set when the count is given up."""

_search: Any = None
"""In a process of `local_workers`: the search that it takes part in."""


def counts(
    network: Network,
    domain: Polytope | Bounds,
    workers: Workers,
    *,
    parts: int = PARTS,
    activation_only: bool = False,
) -> Iterator[RegionCount]:
    """Count regions on parts of the domain, giving what is found up to now now and then; the last is complete.

    Parameters
    ----------
    network : Network
        Of two inputs or more, with the activation relu, leaky-relu or identity.
    domain : Polytope, or sequence of (low, high)
        The latter is a box.
    workers : Workers
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
    total = _Total(gluing)
    with workers(Search(network, whole, activation_only)) as run:
        for told in run([methodcaller("first_pass", part) for part in pieces]):
            if told is not None:
                total.add(told, 1 / len(pieces))
                if gluing:
                    gluing.first_pass(*told.found)
            yield total.so_far()
        if gluing and len(repeated := gluing.repeated):
            for told in run([methodcaller("second_pass", part, repeated) for part in pieces]):
                if told is not None:
                    total.add(told, 1 / len(pieces))
                    patterns, lengths, labels = told.found
                    gluing.second_pass(patterns, np.concatenate([[0], np.cumsum(lengths)]), labels)
                yield total.so_far()
    yield total.complete()


class _Total:
    """What all parts add up to."""

    def __init__(self, gluing: Gluing | None) -> None:
        self._gluing = gluing
        self._regions = self._predicates = self._exact = 0
        self._seconds = self._passes = 0.0

    def add(self, told: Tally, share: float) -> None:
        """Add a tally, of a share of a pass."""
        self._regions += told.regions
        self._predicates += told.predicates
        self._exact += told.exact_fallbacks
        self._seconds += told.seconds
        self._passes += share

    def so_far(self) -> RegionCount:
        known = self._gluing.certain if self._gluing else None
        share = self._passes / (2 if self._gluing else 1)
        return self._count(known, known, False, share)

    def complete(self) -> RegionCount:
        if self._gluing is None:
            return self._count(None, None, True, 1.0)
        return self._count(self._gluing.linear_regions, self._gluing.distinct_affine_maps, True, 1.0)

    def _count(self, linear: int | None, maps: int | None, complete: bool, share: float) -> RegionCount:
        return RegionCount(self._regions, linear, maps, self._predicates, self._exact, complete, share, self._seconds)


def carry_out(search: Search, task: Task) -> Tally:
    """Do a task, to its end if the count is not given up."""
    tallies = []
    for tally in task(search):
        if _stop is not None and _stop.is_set():
            raise KeyboardInterrupt
        tallies.append(tally)
    return summed(tallies)


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
    stop = context.Event()
    executor = ProcessPoolExecutor(jobs, context, _begin, (stop, search))

    def run(tasks: Sequence[Task]) -> Results:
        with _interrupts_held():  # processes start here, and would tell of one before they come to ignore them
            waiting: set[Future[Tally]] = {executor.submit(_carry_out_here, task) for task in tasks}
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


def _begin(stop: Any, search: Search) -> None:
    global _stop, _search  # they reach a process when it starts, an event only then
    _stop, _search = stop, search
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to all: the count says when to stop


def _carry_out_here(task: Task) -> Tally:
    return carry_out(_search, task)


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

    def run(tasks: Sequence[Task]) -> Results:
        futures = [client.submit(carry_out, given, task, pure=False, retries=3) for task in tasks]
        for future in distributed.as_completed(futures, loop=client.loop):
            yield future.result()
            future.release()

    try:
        yield run
    finally:
        client.close()
