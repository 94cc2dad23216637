"""``nnapprox regions``: what it prints, what it refuses, how it is stopped."""

import json
import os
import signal
import subprocess
import time
from fractions import Fraction as F
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import nnapprox
from nnapprox import Affine, Network
from tests.cli.conftest import COMMAND


def he_normal(widths, seed=0, activation="relu"):
    rng = np.random.default_rng(seed)
    return Network(
        [Affine(rng.normal(size=(o, i)) * (2 / i) ** 0.5, 0.1 * rng.normal(size=o)) for i, o in pairwise(widths)],
        activation,
    )


def cross():
    """Both coordinate axes as kinks, of which one cancels: relu(x) + y."""
    return Network([Affine([[1, 0], [0, 1], [0, -1]], [0, 0, 0]), Affine([[1, 1, -1]], [0])])


def told(result):
    assert result.status == 0, result.err
    return json.loads(result.out)


NUMBERS = ("activation_regions", "linear_regions", "distinct_affine_maps")


@pytest.mark.parametrize(("domain", "expected"), [("0,1", 32), ("all", 34), ("-1,2", 34), ("1/32,1/16", 1)])
def test_a_sawtooth(cli, domain, expected):
    assert cli("construct", "sawtooth", "--depth", 5).status == 0
    found = told(cli("regions", "sawtooth-depth-5.npz", f"--domain={domain}", "--json"))
    maps = expected - (expected == 34)  # both ends are 0
    assert [found[key] for key in NUMBERS] == [expected, expected, maps]
    assert found["exact"] is True
    assert found["slice"] is None
    assert found["arithmetic"]["predicates"] == found["arithmetic"]["exact_fallbacks"] > 0
    assert found["bounds"]["serra2018_upper"] >= expected


def test_a_construction_is_counted_where_it_is_certified(cli):
    assert cli("construct", "sawtooth", "--depth", 3).status == 0
    nnapprox.save(Network([Affine([[1], [1]], [F(1, 2), -3]), Affine([[1, 1]], [0])]), "plain.npz")
    assert told(cli("regions", "sawtooth-depth-3.npz", "--json"))["domain"] == [["0", "1"]]
    assert told(cli("regions", "plain.npz", "--json"))["activation_regions"] == 1  # on [0, 1]


def test_deep_sawteeth_take_seconds(cli):
    assert cli("construct", "sawtooth", "--depth", 16).status == 0
    found = told(cli("regions", "sawtooth-depth-16.npz", "--domain=-1,2", "--json"))
    assert [found[key] for key in NUMBERS] == [2**16 + 2, 2**16 + 2, 2**16 + 1]


def test_three_numbers_in_the_plane(cli):
    nnapprox.save(cross(), "cross.npz")
    on_square = told(cli("regions", "cross.npz", "--domain=-1,1,-1,1", "--json"))
    everywhere = told(cli("regions", "cross.npz", "--domain", "all", "--json"))
    alone = told(cli("regions", "cross.npz", "--domain=-1,1,-1,1", "--activation-only", "--json"))
    assert [on_square[key] for key in NUMBERS] == [everywhere[key] for key in NUMBERS] == [4, 2, 2]
    assert [alone[key] for key in NUMBERS] == [4, None, None]


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0]])
def test_a_polygon_from_a_file(cli, order):
    nnapprox.save(cross(), "cross.npz")
    corners = ["0,0", "2,0", "0,3/2"]
    Path("triangle.csv").write_text("\n".join(corners[k] for k in order))
    found = told(cli("regions", "cross.npz", "--domain", "triangle.csv", "--json"))
    assert found["activation_regions"] == 1
    Path("triangle.csv").write_text("-1,-1\n2,0\n0,2\n")
    assert told(cli("regions", "cross.npz", "--domain", "triangle.csv", "--json"))["activation_regions"] == 4


def test_the_plane_through_three_classes_is_taken_and_told(cli):
    result = cli("regions", "network.npz", "--json")
    found = told(result)
    assert "64 inputs are too many to enumerate" in result.err
    assert found["slice"]["kind"] == "plane"
    assert found["slice"]["labels"] == [0, 1, 2]
    assert found["domain"] == [["-1/2", "3/2"]] * 2
    asked = told(cli("regions", "network.npz", "--through-classes", "--json"))
    plane = ",".join(map(str, found["slice"]["samples"]))
    same = told(cli("regions", "network.npz", "--plane", plane, "--activation-only", "--json"))
    assert asked["activation_regions"] == same["activation_regions"] == found["activation_regions"]
    assert found["bounds"] == told(cli("regions", "--widths", "2,20,10", "--json"))["bounds"]


def test_a_line_through_points_of_a_file_is_that_through_the_samples(cli):
    data = nnapprox.load_dataset("digits")
    rows = [",".join(f"{x}/{data.divisor}" for x in data.x_train[k]) for k in (3, 5)]
    Path("ends.csv").write_text("\n".join(rows))
    one = told(cli("regions", "network.npz", "--points", "ends.csv", "--json"))
    other = told(cli("regions", "network.npz", "--line", "3,5", "--json"))
    assert [one[key] for key in NUMBERS] == [other[key] for key in NUMBERS]
    assert one["activation_regions"] > 3


def test_bounds_for_widths(cli):
    found = told(cli("regions", "--widths", "3,6,4,6,1", "--json"))["bounds"]
    assert (found["montufar2014_lower"], found["serra2018_upper"], found["montufar2017_upper"]) == (336, 15540, 26460)
    text = cli("regions", "--widths", "2,9,1").out
    assert "the most that weights can give" in text
    assert "Zaslavsky" in text
    assert "Hanin and Rolnick" in text


def test_words_tell_what_was_decided(cli):
    nnapprox.save(cross(), "cross.npz")
    text = cli("regions", "cross.npz", "--domain=-1,1,-1,1", "--activation-only").out
    assert "activation regions" in text
    assert "signs decided" in text


def test_a_limit_gives_a_lower_bound(cli):
    nnapprox.save(he_normal([2, 256, 256, 1]), "random.npz")
    found = told(cli("regions", "random.npz", "--domain=-1,1,-1,1", "--max-regions", 10, "--quiet", "--json"))
    assert found["exact"] is False
    assert 10 <= found["activation_regions"] < 100_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["two.npz", "--domain=1,0,0,1"], "empty"),
        (["two.npz", "--domain=1,1,0,1"], "empty"),
        (["two.npz", "--domain=0,1"], "1 dimensions, but 2"),
        (["two.npz", "--domain=0,1,2"], "no domain"),
        (["two.npz", "--domain=0,inf,0,1"], "not a number"),
        (["two.npz", "--domain=everywhere"], "not a number"),
        (["two.npz", "--max-regions", "0"], "max-regions"),
        (["two.npz", "--line", "0,1"], "names no data set"),
        (["two.npz", "--line", "0,1", "--dataset", "digits"], "64 inputs"),
        (["two.npz", "--points", "equal.csv"], "equal"),
        (["two.npz", "--points", "collinear.csv"], "lie on a line"),
        (["two.npz", "--points", "one.csv"], "two or three points"),
        (["two.npz", "--points", "equal.csv", "--line", "0,1"], "choose one"),
        (["two.npz", "--domain", "collinear.csv"], "convex polygon"),
        (["two.npz", "--domain", "star.csv"], "convex polygon"),
        (["two.npz", "--domain", "one.csv"], "three vertices"),
        (["tanh.npz"], "tanh"),
        (["nan.npz"], "not finite"),
        (["nine.npz"], "names no data set"),
        (["network.npz", "--line", "1,1"], "equal"),
        (["network.npz", "--line", "1,2,3"], "2 numbers"),
        (["network.npz", "--plane", "1,2,-3"], "no training sample -3"),
        (["network.npz", "--domain=0,1"], "1 dimensions, but 2"),
        (["--widths", "2,x"], "not a list of integers"),
        (["--widths", "2"], "widths"),
        (["--widths", "2,0,1"], "widths"),
        (["two.npz", "--widths", "2,3,1"], "--widths"),
    ],
)
def test_bad_input_is_one_line(cli, arguments, message):
    nnapprox.save(he_normal([2, 5, 1]), "two.npz")
    nnapprox.save(he_normal([2, 5, 1], activation="tanh"), "tanh.npz")
    nnapprox.save(he_normal([9, 5, 1]), "nine.npz")
    np.savez("nan.npz", W0=[[1.0, np.nan]], b0=[0.0], W1=[[1.0]], b1=[0.0])
    Path("equal.csv").write_text("1,2\n1,2\n")
    Path("one.csv").write_text("1,2\n")
    Path("collinear.csv").write_text("0,0\n1,2\n1/2,1\n")
    Path("star.csv").write_text("0,3\n2,-3\n-3,1\n3,1\n-2,-3\n")
    before = sorted(os.listdir())
    assert message in cli("regions", *arguments).failed(2)
    assert sorted(os.listdir()) == before


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_all_of_space(cli, jobs):
    for inputs, expected in ((2, 22), (3, 42)):
        nnapprox.save(he_normal([inputs, 6, 1]), "net.npz")
        found = told(cli("regions", "net.npz", "--domain", "all", "--jobs", jobs, "--json"))
        assert [found[key] for key in NUMBERS] == [expected] * 3
        assert found["domain"] == "all"


@pytest.mark.parametrize(("option", "name"), [("--plot", "net.png"), ("--export", "net.json")])
def test_what_needs_a_bounded_domain(cli, option, name):
    nnapprox.save(he_normal([2, 6, 1]), "net.npz")
    message = cli("regions", "net.npz", "--domain", "all", option, name).failed(2)
    assert f"{option} needs a bounded domain, not all: give a box as --domain=-1,1,-1,1" in message
    assert not Path(name).exists()


def interrupted(arguments, environment):
    """What a command says that gets Ctrl-C after three seconds: JSON, and messages."""
    arguments = [*COMMAND, "regions", *arguments, "--json", "--quiet"]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True)
    time.sleep(3)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert time.monotonic() - began < 5  # far less on a machine that does nothing else
    assert process.returncode == 130
    return json.loads(out), err


def test_ctrl_c_gives_what_is_proved(folder, environment):
    nnapprox.save(he_normal([5, 96, 96, 96, 1]), "huge.npz")
    found, err = interrupted(["huge.npz"], environment)
    assert found["exact"] is False
    assert found["activation_regions"] >= 1
    assert found["bounds"]["serra2018_upper"] > found["activation_regions"]
    assert "stopped" in err


def test_ctrl_c_leaves_out_what_takes_long_after_the_count(folder, environment):
    nnapprox.save(he_normal([2, 250, 250, 1]), "wide.npz")
    found, err = interrupted(["wide.npz", "--domain=-1,1,-1,1", "--stats"], environment)
    assert found["exact"] is True
    assert found["activation_regions"] > 20000
    assert "statistics" not in found
    assert "stopped: left out --stats" in err
