import itertools
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nnapprox.calculus import affine, compose, parallel
from nnapprox.errors import UsageError
from nnapprox.regions import jobs, stand_in
from nnapprox.regions.chart import bounded_chart, charts_of_space, split
from nnapprox.regions.plane import count_plane
from nnapprox.regions.polytope import Polytope
from tests.regions.test_cells import random_network, sawtooth
from tests.regions.test_plane import he_normal
from tests.regions.test_referee import adversarial

SQUARE = Polytope.box([(-1, 1)] * 2)
FOLDS = compose(affine([[1, 1]]), parallel([sawtooth(5)] * 2))
CHARTS = [bounded_chart(FOLDS, SQUARE)]
DEEP = he_normal((2, 256, 256, 256, 256, 1))


@contextmanager
def this_process(search):
    yield lambda tasks: (jobs.carried_out(search, task) for task in tasks)


def last(found):
    *_, count = found
    return count


def three_numbers(count):
    assert count.complete
    return count.activation_regions, count.linear_regions, count.distinct_affine_maps


@given(st.integers(0, 10**9), st.integers(1, 20))
@settings(max_examples=200)
def test_parts_give_the_same_three_numbers(seed, parts):
    network, domain, _ = adversarial(seed)
    assume(domain.dimension > 1 and not network.is_affine)
    expected = three_numbers(last(stand_in.counts(network, domain)))
    charts = [bounded_chart(network, domain)]
    assert three_numbers(last(jobs.counts(network, charts, this_process, parts=parts))) == expected
    only = last(jobs.counts(network, charts, this_process, parts=parts, activation_only=True))
    assert three_numbers(only) == (expected[0], None, None)


@given(st.integers(0, 10**9), st.integers(1, 40))
@settings(max_examples=50)
def test_parts_are_the_domain(seed, number):
    network, domain, _ = adversarial(seed)
    whole = bounded_chart(network, domain)
    parts = split([whole], number)
    assert 1 <= len(parts) <= number
    assert sum(part.polytope.volume() for part in parts) == whole.polytope.volume()


def test_as_many_parts_as_wanted():
    wide, narrow = he_normal((2, 30, 1)), random_network((3, 1, 4, 1), 0)
    assert len(split([bounded_chart(wide, SQUARE)], 20)) == 20
    assert len(split(charts_of_space(wide), 20)) == 20
    assert len(split([bounded_chart(narrow, Polytope.box([(-9, 9)] * 3))], 20)) == 2


def test_processes():
    expected = count_plane(FOLDS, SQUARE)
    found = list(jobs.counts(FOLDS, CHARTS, jobs.local_workers(2), parts=8))
    assert three_numbers(found[-1]) == three_numbers(expected)
    assert expected.distinct_affine_maps < expected.activation_regions
    for one, two in itertools.pairwise(found):
        assert one.activation_regions <= two.activation_regions
        assert 0 <= one.share <= two.share <= 1
        assert one.worker_seconds <= two.worker_seconds
    assert found[-1].worker_seconds > 0


def test_what_is_found_while_others_are_started_counts(monkeypatch):
    @contextmanager
    def slowly():
        yield
        time.sleep(1.5)

    monkeypatch.setattr(jobs, "_interrupts_held", slowly)
    found = last(jobs.counts(FOLDS, CHARTS, jobs.local_workers(1), parts=8))
    assert three_numbers(found) == three_numbers(count_plane(FOLDS, SQUARE))


def test_a_count_that_is_given_up_ends_soon():
    """What its processes have found by then counts, though no part is done."""
    found = jobs.counts(DEEP, [bounded_chart(DEEP, SQUARE)], jobs.local_workers(2), parts=2)
    while (count := next(found)).activation_regions < 1000:
        assert not count.complete
    given_up = time.monotonic()
    found.close()
    assert time.monotonic() - given_up < 1


INTERRUPTED = """
from nnapprox.regions import jobs
from nnapprox.regions.chart import charts_of_space
from tests.regions.test_plane import he_normal
if __name__ == "__main__":
    network = he_normal((2, 256, 256, 256, 256, 1))
    try:
        for count in jobs.counts(network, charts_of_space(network), jobs.local_workers(2)):
            if count.activation_regions > 1000:
                print("counting", flush=True)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
def test_interrupted_within_moments(tmp_path):
    script = tmp_path / "count.py"
    script.write_text(INTERRUPTED)
    path = os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")])
    child = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,
    )
    assert child.stdout.readline() == "counting\n"
    time.sleep(1.5)
    os.killpg(child.pid, signal.SIGINT)
    began = time.monotonic()
    out, _ = child.communicate(timeout=20)
    assert time.monotonic() - began < 5  # a fraction of a second on a machine that does nothing else
    assert out.endswith("interrupted\n")


def test_no_process():
    with pytest.raises(UsageError, match="at least one process, not 0"):
        list(jobs.counts(FOLDS, CHARTS, jobs.local_workers(0)))


def test_a_dask_cluster_that_loses_a_worker():
    distributed = pytest.importorskip("distributed")
    expected = three_numbers(count_plane(FOLDS, SQUARE))
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
    ) as cluster:
        found = []
        for count in jobs.counts(FOLDS, CHARTS, jobs.dask_workers(cluster.scheduler_address), parts=16):
            if not found:
                os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)
            found.append(count)
    assert three_numbers(found[-1]) == expected


def test_no_dask_cluster():
    pytest.importorskip("distributed")
    with pytest.raises(UsageError, match="no Dask scheduler answers"):
        list(jobs.counts(FOLDS, CHARTS, jobs.dask_workers("nowhere")))
