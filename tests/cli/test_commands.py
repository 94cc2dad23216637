"""The commands as their users meet them, each in a process of its own."""

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import nnapprox
from nnapprox.cli import COMMANDS


@pytest.fixture
def folder(tmp_path):
    network = nnapprox.Network([nnapprox.Affine([[1], [1]], [0, -1]), nnapprox.Affine([[2, -4]], [0])]).astype(
        "float64"
    )
    nnapprox.save(network, tmp_path / "hat.npz", {"seed": 3})
    rng = np.random.default_rng(0)
    widths = (64, 4, 10)
    layers = [nnapprox.Affine(rng.normal(size=(b, a)), rng.normal(size=b)) for a, b in itertools.pairwise(widths)]
    nnapprox.save(nnapprox.Network(layers), tmp_path / "network.npz")
    made = nnapprox.build("sawtooth", depth=5)
    nnapprox.save(made.network, tmp_path / "sawtooth-depth-5.npz", made.metadata())
    for name in ("network.npz", "sawtooth-depth-5.npz"):
        os.utime(tmp_path / name, (1, 1))
    return tmp_path


def start(folder, *arguments, **more):
    return subprocess.Popen(
        [sys.executable, "-m", "nnapprox", *arguments], cwd=folder, text=True, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more,
    )  # fmt: skip


def call(folder, *arguments, given=""):
    process = start(folder, *arguments)
    out, err = process.communicate(given, timeout=60)
    return process.returncode, out, err


def examples():
    for name in COMMANDS:
        done = subprocess.run(
            [sys.executable, "-m", "nnapprox", name, "-h"], capture_output=True, text=True, check=True
        )
        found = re.findall(r"^ *\$ nnapprox (.*)$", done.stdout, flags=re.MULTILINE)
        assert found, f"the help of {name} has no example"
        yield from found


@pytest.mark.parametrize("example", list(examples()))
def test_the_examples_of_the_help_run(folder, example):
    status, out, err = call(folder, *example.split())
    assert status == 0, err
    assert out


def test_train_test_show_in_json(folder):
    status, out, _ = call(folder, "train", "--dataset", "digits", "--epochs", "2", "--json", "--plot", "curve.svg")
    assert status == 0
    result = json.loads(out)
    assert result["network"]["widths"] == [64, 20, 20, 10]
    assert [record["epoch"] for record in result["history"]] == [1, 2]
    assert result["samples_per_second"] > 1000
    assert (folder / "curve.svg").read_text().startswith("<?xml")
    status, out, err = call(folder, "test", "--json")
    assert "digits-64-20-20-10.npz" in err
    tested = json.loads(out)
    assert tested["accuracy"] == result["test_accuracy"]
    assert (
        sum(map(sum, tested["confusion"])) - sum(row[k] for k, row in enumerate(tested["confusion"]))
        == tested["errors"]
    )
    status, out, _ = call(folder, "show", "digits-64-20-20-10.npz", "--json", "--plot", "weights.png")
    assert json.loads(out)["metadata"]["recipe"]["epochs"] == 2
    assert (folder / "weights.png").read_bytes().startswith(b"\x89PNG")


def test_eval(folder):
    assert call(folder, "eval", "--at", "1/3", "--exact") == (
        0,
        "2/3\n",
        "nnapprox: note: taking the newest network file here, hat.npz\n",
    )
    _, out, _ = call(folder, "eval", "hat.npz", "--at", "0.25", "--json")
    assert json.loads(out) == {"x": ["1/4"], "y": [0.5], "exact": False}
    np.save(folder / "p.npy", [[0.5], [2.0]])
    _, out, _ = call(folder, "eval", "hat.npz", "--points", "p.npy", "--exact", "--json")
    assert json.loads(out) == {"x": [["1/2"], ["2"]], "y": [["1"], ["0"]], "exact": True}
    assert call(folder, "eval", "hat.npz", "--points", "-", given="1/4\n\n1\n")[1] == "0.5\n2.0\n"


def test_convert(folder):
    assert call(folder, "convert", "hat.npz", "exact.npz", "--dtype", "rational")[0] == 0
    assert nnapprox.load(folder / "exact.npz").dtype == "rational"


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["trian"], 2, "did you mean train"),
        (["train", "--loss", "squard"], 2, "did you mean squared"),
        (["train", "--dataset", "digit"], 2, "digits"),
        (["train", "--dataset", "digits", "--hidden", "0"], 2, "at least 1, not 0"),
        (["train", "--dataset", "digits", "--hidden", "-1"], 2, "at least 1, not -1"),
        (["train", "--dataset", "digits", "--epochs", "x"], 2, "--epochs"),
        (["train", "--dataset", "digits", "-o", "no/where.npz"], 2, "cannot write no/where.npz"),
        (["train", "--dataset", "digits", "-o", "a.txt", "--epochs", "1"], 2, "suffix"),
        (["train", "--dataset", "digits", "--plot", "a.gif"], 2, ".png"),
        (["train", "--dataset", "digits", "--step-size", "99"], 1, "diverged in epoch 1"),
        (["train", "--resume", "hat.npz"], 1, "no checkpoint"),
        (["eval", "hat.npz", "--at", "nan"], 2, "'nan' is not a number"),
        (["eval", "hat.npz", "--at", "1,2"], 2, "2 coordinates"),
        (["eval", "hat.npz"], 2, "no point is given"),
        (["show", "gone.npz"], 1, "not there"),
        (["test", "hat.npz", "--dataset", "digits"], 2, "does not fit"),
    ],
)
def test_errors_are_one_line_and_write_nothing(folder, arguments, status, message):
    before = sorted(folder.iterdir())
    code, out, err = call(folder, *arguments)
    assert (code, out) == (status, "")
    assert message in err
    assert err.count("\n") == 1
    assert err.startswith("nnapprox: error: ")
    assert sorted(folder.iterdir()) == before


def test_no_network_here(tmp_path):
    status, _, err = call(tmp_path, "show")
    assert status == 2
    assert "nnapprox train" in err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_ctrl_c_keeps_the_state(folder):
    arguments = ["train", "--dataset", "digits", "--epochs", "5000", "--quiet", "-o", "a.npz", "--hidden", "300,300"]
    process = start(folder, *arguments)
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    asked = time.monotonic()
    out, err = process.communicate(timeout=20)
    assert time.monotonic() - asked < 5
    assert (process.returncode, out) == (130, "")
    assert "--resume a.checkpoint.npz" in err
    status, _, err = call(folder, "train", "--resume", "a.checkpoint.npz", "--hidden", "3")
    assert status == 2
    assert "leave --hidden out" in err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_ctrl_c_keeps_the_runs_that_are_finished(folder):
    """One job: the runs after the first would take hours."""
    arguments = ["train", "--dataset", "digits", "--hidden", "5", "--epochs", "400", "--seeds", "500", "--json"]
    process = start(folder, *arguments, "--quiet", "-o", "a.npz")
    time.sleep(4)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    finished = json.loads(out)["seeds"]
    assert f"stopped when {len(finished)} of 500 runs were finished" in err
    assert finished == list(range(len(finished)))
    assert nnapprox.load(folder / "a.npz").widths == (64, 5, 10)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_a_full_disk_leaves_what_was_there(folder):
    """A limit on the size of files is what a test can have of a disk without room."""
    import resource

    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    process = start(
        folder, "train", "--dataset", "digits", "--epochs", "1", "-o", "network.npz", "--quiet",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
    )  # fmt: skip
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert err.startswith("nnapprox: error: ")
    assert err.count("\n") == 1
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_closed_pipe_is_quiet(folder):
    process = start(folder, "show", "network.npz", "--json")
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stdin.close()
    process.stderr.close()
    process.wait()
