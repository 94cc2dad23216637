"""``nnapprox regions`` with --betti, --stats, --plot and --export."""

import json
from fractions import Fraction as F
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import nnapprox
from nnapprox import Affine, Network


@pytest.fixture
def disk(folder):
    """1 - |x| - |y|."""
    layers = [Affine([[1, 0], [-1, 0], [0, 1], [0, -1]], [0] * 4), Affine([[-1] * 4, [0] * 4], [1, F(1, 2)])]
    nnapprox.save(Network(layers), "disk.npz")
    return folder


WHERE = ("disk.npz", "--domain=-3,3,-3,3")


def told(result):
    assert result.status == 0, result.err
    return json.loads(result.out)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), ([1, 0], [1, 1], [1, 1])),
        (("--level", "1"), ([0, 0], [1, 1], [1, 0])),
        (("--output", "1"), ([1, 0], [0, 0], [0, 0])),
        (("--between", "1,0"), ([1, 1], [1, 0], [1, 1])),
    ],
)
def test_betti(cli, disk, options, expected):
    found = told(cli("regions", *WHERE, "--betti", *options, "--json"))["betti"]
    assert (found["positive"], found["negative"], found["zero"]) == expected
    everywhere = told(cli("regions", "disk.npz", "--domain=all", "--betti", *options, "--json"))["betti"]
    assert everywhere == found


def test_statistics(cli, disk):
    found = told(cli("regions", *WHERE, "--stats", "--json"))["statistics"]
    assert found["volume"]["total"] == "36"
    assert found["regions_added_by_layer"] == [3]
    assert found["cuts_nothing"] == [[0, 1], [0, 3]]
    assert found["lipschitz"]["1"] == "1"
    assert found["lipschitz"]["inf"] == "2"
    assert "neurons that cut nothing" in cli("regions", *WHERE, "--stats").out


def test_statistics_of_all_of_space_have_no_sizes(cli, disk):
    bounded = told(cli("regions", *WHERE, "--stats", "--json"))["statistics"]
    found = told(cli("regions", "disk.npz", "--domain=all", "--stats", "--json"))["statistics"]
    assert found == {**bounded, "volume": None, "longest_edge": None}
    assert "infinite, on an unbounded domain" in cli("regions", "disk.npz", "--domain=all", "--stats").out


def test_files(cli, disk):
    found = told(cli("regions", *WHERE, "--plot", "d.svg", "--export", "d.json", "--colour", "gradient", "--json"))
    assert (found["plot"], found["export"]) == ("d.svg", "d.json")
    assert len(json.loads(Path("d.json").read_text())["cells"]) == 4
    assert Path("d.svg").stat().st_size > 1000


@pytest.mark.parametrize(
    "options",
    [
        ("--betti", "--output", "2"),
        ("--betti", "--between", "0,0"),
        ("--betti", "--between", "0"),
        ("--level", "1"),
        ("--domain=all", "--export", "x.json"),
        ("--export", "d.csv"),
        ("--export", "nowhere/d.json"),
        ("--plot", "d.bmp"),
    ],
)
def test_wrong_usage_writes_nothing(cli, disk, options):
    before = set(disk.iterdir())
    cli("regions", "disk.npz", *options).failed(2)
    assert set(disk.iterdir()) == before


def test_what_an_incomplete_count_leaves_out_is_told(cli, disk):
    draw = np.random.default_rng(0)
    widths = (2, 64, 64, 64, 1)
    layers = [Affine(draw.standard_normal((m, n)), draw.standard_normal(m)) for n, m in pairwise(widths)]
    nnapprox.save(Network(layers), "wide.npz")
    options = ("--domain=-9,9,-9,9", "--activation-only", "--max-regions", "1", "--stats", "--plot", "wide.png")
    result = cli("regions", "wide.npz", *options)
    assert "at least" in result.out
    assert "not complete: left out --stats, --plot" in result.err
    assert not Path("wide.png").exists()


def test_statistics_on_a_slice_say_whose_lengths_they_are(cli, disk):
    Path("ends.csv").write_text("-2,0\n2,0\n", encoding="utf-8")
    options = ("regions", "disk.npz", "--points", "ends.csv", "--domain=0,1", "--stats")
    assert "p0 + s (p1 - p0)" in cli(*options).out
    assert told(cli(*options, "--json"))["statistics"]["coordinates"] == "p0 + s (p1 - p0)"
    assert told(cli("regions", *WHERE, "--stats", "--json"))["statistics"]["coordinates"] is None
