import json
from pathlib import Path

import pytest

import nnapprox


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
    assert len(result.out.splitlines()) == 13
    assert Path("a.png").stat().st_size > 1000
    assert not list(Path().glob("*.nnq"))
