"""``nnapprox quantize --grid``, ``simplify`` and ``rate``: what they print, write and refuse."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

import nnapprox
from nnapprox import rates
from nnapprox.datasets import load_dataset


def told(result):
    assert (result.status, result.err) == (0, "")
    return json.loads(result.out)


def test_the_grid_of_a_construction(cli):
    cli("construct", "square", "--depth", 4)
    found = told(cli("quantize", "square-depth-4.npz", "--grid", "--fractional-bits", 5, "--json"))
    (point,) = found["curve"]
    assert found.keys() == {"network", "source_bits", "curve", "theorem"}
    assert (point["target_certificate"]["value"], point["certificate"]["kind"]) == ("1/256", "exact")
    assert point["bytes"] == Path(point["path"]).stat().st_size
    assert nnapprox.load("square-depth-4.nng").dtype == "rational"
    assert cli("eval", "square-depth-4.nng", "--at", "1").out == "1\n"


def test_a_curve_ends_where_nothing_is_lost_and_writes_nothing(cli):
    cli("construct", "square", "--depth", 4)
    before = set(Path().iterdir())
    result = cli("quantize", "square-depth-4.npz", "--grid", "--json", "--quiet", "--plot", "a.svg")
    found = json.loads(result.out)["curve"]
    assert [point["lossless"] for point in found] == [False] * 7 + [True]
    assert {path.name for path in set(Path().iterdir()) - before} == {"a.svg"}


def test_the_coarsest_grid_for_an_error_on_data(cli):
    found = told(cli("quantize", "network.npz", "--grid", "--error", "1/100", "--json", "--quiet"))
    (point,) = found["curve"]
    assert point["relative_error"] <= 0.01
    assert 0 <= point["accuracy"] <= 1
    assert (point["certificate"]["kind"], point["certificate"]["domain"][0]) == ("bound", ["0", "1"])
    coarser = ["--fractional-bits", point["fractional_bits"] - 1]
    (other,) = told(cli("quantize", "network.npz", "--grid", *coarser, "--json", "--quiet"))["curve"]
    assert other["relative_error"] > 0.01


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--grid", "--error", "1", "--fractional-bits", "3"], "give one"),
        (["--grid", "-o", "a.nng"], "writes no file"),
        (["--grid", "--fractional-bits", "3", "-o", "a.npz"], ".nng files"),
        (["--grid", "--domain", "1,0"], "empty"),
    ],
)
def test_what_quantize_refuses(cli, options, message):
    assert message in cli("quantize", "hat.npz", *options).failed(2)


def test_simplify_tells_and_writes(cli):
    hat = nnapprox.load("hat.npz")
    first, last = hat.layers
    wide = [
        nnapprox.Affine(np.vstack([first.weight, 2 * first.weight]), np.concatenate([first.bias, 2 * first.bias])),
        nnapprox.Affine(np.hstack([last.weight, last.weight]), last.bias),
    ]
    nnapprox.save(nnapprox.Network(wide), "wide.npz")
    found = told(cli("simplify", "wide.npz", "--json"))
    assert (found["removed"], found["equal"]) == ({"multiple": 2}, "everywhere")
    assert nnapprox.load("wide-simple.npz").widths == (1, 2, 1)
    part = told(cli("simplify", "hat.npz", "--domain", "0,1/2", "-o", "part.npz", "--json"))
    assert part["certificate"]["value"] == "0"
    assert nnapprox.load("part.npz").widths == (1, 1, 1)


def test_inputs_that_are_constant_in_the_data_have_no_weights_left(cli):
    found = told(cli("simplify", "network.npz", "--dataset", "digits", "-o", "part.npz", "--json", "--quiet"))
    data = load_dataset("digits")
    constant = np.ptp(np.vstack([data.x_train, data.x_test]), axis=0) == 0
    part, whole = nnapprox.load("part.npz"), nnapprox.load("network.npz")
    assert constant.any()
    assert not part.layers[0].weight[:, constant].any()
    assert found["equal"] == "on the domain"
    x = data.x_test / data.divisor
    np.testing.assert_allclose(part.astype("float64")(x), whole.astype("float64")(x), rtol=1e-12)
    assert "give one" in cli("simplify", "hat.npz", "--domain", "0,1", "--dataset", "digits").failed(2)


def test_a_certificate_goes_where_it_no_longer_holds(cli):
    cli("construct", "square", "--depth", 3)
    told(cli("simplify", "square-depth-3.npz", "--json"))
    assert cli("check", "square-depth-3-simple.npz").status == 0
    told(cli("simplify", "square-depth-3.npz", "--domain", "0,1/8", "--json"))
    assert "holds no certificate" in cli("check", "square-depth-3-simple.npz").failed(1)


def test_simplify_refuses_other_domains(cli):
    assert "2 intervals" in cli("simplify", "hat.npz", "--domain", "0,1,0,1").failed(2)
    assert "no domain" in cli("simplify", "hat.npz", "--domain", "1,0").failed(2)


def test_rate_lists_and_measures(cli):
    listed = told(cli("rate", "--json"))["families"]
    assert "square" in listed
    assert set(listed) == {line.split()[0] for line in cli("rate").out.splitlines()}
    found = told(cli("rate", "square", "--sizes", "2,4,6", "--json", "--quiet"))
    assert [point["size"] for point in found["points"]] == [2, 4, 6]
    assert found["gamma_star"]["value"] is None
    assert cli("rate", "spline", "--sizes", "4,8,16", "--plot", "a.png", "--quiet").status == 0
    assert Path("a.png").stat().st_size > 1000


def test_rates_stand_beside_those_of_the_class(cli):
    shown = cli("rate", "spline", "--sizes", "4,8,16", "--quiet").out.splitlines()
    assert any(line.startswith("gamma, fitted") and "±" in line and "95 %" in line for line in shown)
    assert any(line.startswith("gamma* = 1/s(C)  2, for the class") for line in shown)
    assert shown == cli("rate", "smooth", "--sizes", "4,8,16", "--quiet").out.splitlines()


def test_rates_that_are_interrupted_are_those_of_what_is_there(cli, monkeypatch):
    measure = rates.measure

    def interrupted(*arguments):
        yield from itertools.islice(measure(*arguments), 4)
        raise KeyboardInterrupt

    monkeypatch.setattr(rates, "measure", interrupted)
    result = cli("rate", "spline", "--json", "--quiet")
    assert (result.status, len(json.loads(result.out)["points"])) == (130, 4)
    assert "4 sizes" in result.err


def test_what_rate_refuses(cli):
    assert "did you mean square" in cli("rate", "sqare").failed(2)
    assert "three" in cli("rate", "--family", "square", "--sizes", "2,3").failed(2)
    assert "give one" in cli("rate", "square", "--family", "exp").failed(2)


def test_a_c_header_of_what_was_quantised(cli):
    found = told(cli("quantize", "network.npz", "--error", "1/10", "--c-header", "a.h", "--json", "--quiet"))
    header = found["c_header"]
    assert header["path"] == "a.h"
    assert header["weights_bytes"] >= 64 * 20 + 20 * 10
    text = Path("a.h").read_text()
    assert f"{header['flash_bytes']} bytes of data" in text
    assert told(cli("quantize", "network.nnq", "--c-header", "b.h", "--json"))["c_header"]["flash_bytes"] > 0
    assert Path("b.h").read_text() == text
    assert "C header" in cli("quantize", "network.nnq", "--c-header", "b.h").out


@pytest.mark.parametrize("file", ["network.npz", "hat.npz"])
def test_a_c_header_needs_a_target(cli, file):
    assert "writes no file" in cli("quantize", file, "--c-header", "a.h").failed(2)
    assert "without --grid" in cli("quantize", file, "--grid", "--c-header", "a.h").failed(2)
    assert not Path("a.h").exists()
