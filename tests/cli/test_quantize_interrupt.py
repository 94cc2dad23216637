"""Ctrl-C during quantize."""

import itertools
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import nnapprox


@pytest.mark.skipif(sys.platform == "win32", reason="a signal to another process ends it there at once")
def test_it_ends_within_a_second_and_writes_nothing(folder):
    rng = np.random.default_rng(0)
    layers = [
        nnapprox.Affine(rng.normal(size=(b, a)), rng.normal(size=b)) for a, b in itertools.pairwise((64, 600, 600, 10))
    ]
    nnapprox.save(nnapprox.Network(layers), "large.npz", {"dataset": {"name": "digits"}})
    before = sorted(Path().rglob("*"))
    command = [sys.executable, "-m", "nnapprox", "quantize", "large.npz", "--error", "1e-3", "-o", "a.nnq", "--quiet"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    time.sleep(4)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, said = process.communicate(timeout=30)
    assert time.monotonic() - began < 1
    assert process.returncode == 130
    assert "Traceback" not in said
    assert sorted(Path().rglob("*")) == before
