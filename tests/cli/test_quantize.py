import itertools
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import nnapprox
from nnapprox.quantization import curve


def test_json_has_the_point_of_a_file_that_is_there(cli):
    told = json.loads(cli("quantize", "network.npz", "--error", "0.05", "-o", "a.nnq", "--json", "--quiet").out)
    assert list(told) == ["network", "source_bits", "source_accuracy", "curve", "theorem"]
    (point,) = told["curve"]
    assert point["bytes"] == Path("a.nnq").stat().st_size == point["bits"] / 8
    assert point["relative_error"] == pytest.approx(0.05, rel=0.2)
    assert 0 <= point["accuracy"] <= 1
    assert [layer["nonzeros"] > 0 for layer in point["layers"]] == [True, True]
    assert nnapprox.load("a.nnq").widths == (64, 20, 10)


def test_a_network_without_data_is_measured_on_its_domain(cli):
    told = json.loads(cli("quantize", "exact.npz", "--error", "1e-3", "--json", "--quiet").out)
    assert told["curve"][0]["relative_error"] < 2e-3
    assert told["curve"][0]["path"] == "exact.nnq"
    assert told["curve"][0]["accuracy"] is None


def test_a_size_and_bits_per_weight_are_kept(cli):
    told = json.loads(cli("quantize", "network.npz", "--bytes", 600, "--json", "--quiet").out)
    assert told["curve"][0]["bytes"] <= 600
    told = json.loads(cli("quantize", "network.npz", "--bits-per-weight", 3, "--json", "--quiet").out)
    assert told["curve"][0]["bits_per_weight"] <= 3


def test_an_accuracy_is_kept(cli):
    told = json.loads(cli("quantize", "network.npz", "--max-accuracy-drop", 5, "--json", "--quiet").out)
    assert told["curve"][0]["accuracy"] >= told["source_accuracy"] - 0.05


def test_the_more_accuracy_is_given_up_the_smaller_the_file(cli):
    sizes = []
    for drop in (1, 20):
        told = json.loads(cli("quantize", "network.npz", "--max-accuracy-drop", drop, "--json", "--quiet").out)
        assert told["curve"][0]["accuracy"] >= told["source_accuracy"] - drop / 100
        sizes.append(told["curve"][0]["bytes"])
    assert sorted(set(sizes), reverse=True) == sizes


@pytest.mark.parametrize(
    "arguments",
    [
        ("--error", "1e-2", "--bytes", "500"),
        ("--fractional-bits", "3"),
        ("--grid", "--bytes", "500"),
        ("-o", "a.nnq"),
        ("--error", "1e-2", "-o", "a.npz"),
        ("--error", "0"),
        ("--max-accuracy-drop", "1", "--domain", "0,1"),
    ],
)
def test_what_does_not_go_together_is_refused(cli, arguments):
    before = sorted(Path().iterdir())
    cli("quantize", "hat.npz", *arguments).failed(2)
    assert sorted(Path().iterdir()) == before


def test_the_curve_is_a_table_and_a_picture(cli):
    result = cli("quantize", "hat.npz", "--plot", "a.png", "--quiet")
    header, *rows = result.out.split("\n\n")[0].splitlines()
    assert "accuracy" not in header
    bits, errors = zip(*((float(row.split()[0]), float(row.split()[3])) for row in rows), strict=True)
    assert sorted(set(bits)) == list(bits)
    assert sorted(set(errors), reverse=True) == list(errors)
    assert errors[-1] < 1.2e-3
    assert Path("a.png").stat().st_size > 1000
    assert not list(Path().glob("*.nnq"))


def test_the_distance_of_a_file_is_certified_on_its_domain(cli):
    told = json.loads(cli("quantize", "exact.npz", "--error", "1e-2", "--json", "--quiet").out)
    (point,) = told["curve"]
    assert point["certificate"]["kind"] == "exact"
    assert point["sup_error"] <= float(Fraction(point["certificate"]["value"])) <= 1.1 * point["sup_error"]


@pytest.mark.parametrize("options", [["--quiet"], ["--grid"]])
def test_a_network_that_is_zero_has_one_point(cli, options):
    zero = [nnapprox.Affine([[0.0] * 2] * 3, [0.0] * 3), nnapprox.Affine([[0.0] * 3], [0.0])]
    nnapprox.save(nnapprox.Network(zero), "zero.npz")
    result = cli("quantize", "zero.npz", *options)
    assert "written" not in result.out
    (point,) = json.loads(cli("quantize", "zero.npz", *options, "--json").out)["curve"]
    assert not point["relative_error"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--bytes", "1"], "no file of 1 bytes was found: without any weights it takes"),
        (["--bits-per-weight", "0.001"], "no file of 0 bytes"),
        (["--error", "1e-12"], "no file keeps within a relative error of 1e-12"),
    ],
)
def test_what_no_file_reaches_is_said(cli, options, message):
    result = cli("quantize", "network.npz", *options, "--quiet")
    assert message in result.failed(2)
    assert not list(Path().glob("*.nnq"))


def test_values_that_overflow_are_refused(cli):
    layers = [nnapprox.Affine(np.full((1, 1), 1e30, "f4"), np.zeros(1, "f4"))] * 2
    nnapprox.save(nnapprox.Network(layers), "huge.npz")
    assert "overflow float32" in cli("quantize", "huge.npz", "--error", "0.1").failed(2)


def test_a_curve_that_is_interrupted_is_told_up_to_there(cli, monkeypatch):
    points = curve.curve

    def interrupted(*arguments, **options):
        yield from itertools.islice(points(*arguments, **options), 2)
        raise KeyboardInterrupt

    monkeypatch.setattr(curve, "curve", interrupted)
    result = cli("quantize", "network.npz", "--json", "--quiet")
    assert result.status == 130
    assert len(json.loads(result.out)["curve"]) == 2
    assert "stopped: 2 points of the curve" in result.err


def test_data_that_are_gone_name_the_way_out(cli):
    layers = nnapprox.load("network.npz").layers
    nnapprox.save(nnapprox.Network(layers), "lost.npz", {"dataset": {"name": "gone.csv"}})
    assert "give the inputs' --domain" in cli("quantize", "lost.npz", "--error", "0.1").failed(2)
    assert "--domain" not in cli("quantize", "lost.npz", "--error", "0.1", "--dataset", "other.csv").failed(2)
