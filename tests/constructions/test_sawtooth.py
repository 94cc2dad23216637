"""The hat, the sawtooth in all its forms, Takagi's function, and what shallow networks cannot do."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnapprox import constructions
from nnapprox.cli import run
from nnapprox.constructions.sawtooth import certify_by_induction, sawtooth_network, walsh_bounds
from nnapprox.errors import UsageError
from nnapprox.regions.line import line_pieces

POINTS = [Fraction(*pair) for pair in ((0, 1), (1, 3), (5, 7), (1, 64), (1, 2), (9, 10), (1, 1), (-1, 2), (2, 1))]


def zigzag(x, k):
    """g^k by its definition, on all of R."""
    for _ in range(k):
        x = max(Fraction(0), min(2 * x, 2 - 2 * x))
    return x


def test_hat(construct):
    hat = construct("hat")
    assert (*hat.sizes, hat.hidden, hat.network.max_weight) == (3, 6, (2, 1), 4)
    assert [hat.at(x) for x in POINTS] == [zigzag(x, 1) for x in POINTS]
    assert (hat.kind, hat.upper) == ("exact", 0)
    assert hat.told["certificate"]["domain"] == [["-1", "2"]]


def test_hat_without_outer_relu(construct):
    hat = construct("hat --no-outer")
    assert (*hat.sizes, hat.hidden) == (2, 5, (2,))
    assert [hat.at(x) for x in POINTS if x <= 1] == [zigzag(x, 1) for x in POINTS if x <= 1]
    assert hat.at(2) == -2


@pytest.mark.parametrize("k", [1, 2, 5, 9])
@pytest.mark.parametrize(
    ("form", "depth", "hidden", "nonzeros"),
    [
        ("merged", lambda k: k + 2, lambda k: (2,) * k + (1,), lambda k: 5 * k + 1),
        ("composed", lambda k: 2 * k + 1, lambda k: (2, 1) * k, lambda k: 5 * k + 1),
        ("inner", lambda k: k + 1, lambda k: (2,) * k, lambda k: 5 * k),
    ],
)
def test_sawtooth(construct, k, form, depth, hidden, nonzeros):
    made = construct(f"sawtooth --depth {k} --form {form}")
    assert (*made.sizes, made.hidden, made.network.max_weight) == (depth(k), nonzeros(k), hidden(k), 4)
    assert (made.kind, made.upper) == ("exact", 0)
    assert (made.told["activation_regions"], made.told["linear_regions"]) == (2**k, 2**k)
    inside = [x for x in POINTS if 0 <= x <= 1 or form != "inner"]
    assert [made.at(x) for x in inside] == [zigzag(x, k) for x in inside]


@pytest.mark.parametrize("k", [1, 2, 6])
@pytest.mark.parametrize("form", ["--form merged", "--form composed", "--shallow --everywhere"])
def test_pieces_on_the_whole_line(construct, k, form):
    pieces = line_pieces(construct(f"sawtooth --depth {k} {form}").network, None, None)
    assert pieces.linear_regions == 2**k + 2


@pytest.mark.parametrize("k", [1, 2, 5, 8])
def test_shallow_sawtooth(construct, k):
    made = construct(f"sawtooth --depth {k} --shallow")
    assert (*made.sizes, made.hidden, made.network.max_weight) == (2, 3 * 2**k - 1, (2**k,), 2 ** (k + 1))
    assert (made.kind, made.upper, made.told["linear_regions"]) == ("exact", 0, 2**k)
    everywhere = construct(f"sawtooth --depth {k} --shallow --everywhere")
    assert (*everywhere.sizes, everywhere.hidden) == (2, 3 * (2**k + 1) - 1, (2**k + 1,))
    assert [everywhere.at(x) for x in POINTS] == [zigzag(x, k) for x in POINTS]


def test_values(construct):
    sawtooth = construct("sawtooth --depth 5")
    assert (sawtooth.at("1/64"), sawtooth.at("1/3"), sawtooth.at("5/7")) == (
        Fraction(1, 2),
        Fraction(2, 3),
        Fraction(6, 7),
    )


def test_depth_60_is_certified_by_induction_and_evaluated_exactly(tmp_path, monkeypatch, capfd, construct):
    made = construct("sawtooth --depth 60")
    assert (*made.sizes, made.kind, made.upper) == (62, 301, "exact", 0)
    assert made.told["certificate"]["source"].startswith("induction")
    assert made.at("1/3") == Fraction(2, 3)
    assert run(["eval", str(made.path), "--at", "1/3", "--exact", "--json"]) == 0
    assert json.loads(capfd.readouterr().out) == {"x": ["1/3"], "y": ["2/3"], "exact": True}
    assert run(["convert", str(made.path), str(tmp_path / "floats.npz"), "--dtype", "float64"]) == 0
    capfd.readouterr()
    assert run(["eval", str(tmp_path / "floats.npz"), "--at", "1/3", "--json"]) == 0
    assert json.loads(capfd.readouterr().out) == {"x": ["1/3"], "y": [0.0], "exact": False}


@pytest.mark.parametrize("form", ["merged", "composed", "inner"])
def test_induction_sees_another_weight(form):
    network = sawtooth_network(7, form)
    assert certify_by_induction(network, 7, form).upper == 0
    for wrong in (6, 8):
        with pytest.raises(UsageError, match="not the hat composed"):
            certify_by_induction(network, wrong, form)
    middle = network.layers[3]
    changed = type(network)(
        [*network.layers[:3], type(middle)(middle.weight * Fraction(1, 2), middle.bias), *network.layers[4:]]
    )
    with pytest.raises(UsageError, match="not the hat composed"):
        certify_by_induction(changed, 7, form)


@pytest.mark.parametrize("k", [1, 2, 3, 5, 8, 30])
def test_takagi(construct, k):
    made = construct(f"takagi --terms {k}")
    assert made.sizes == (k + 1, 8 * k - 3)
    assert made.network.max_weight == (4 if k > 1 else 2)
    assert (made.kind, made.upper, made.bound) == ("exact", Fraction(2, 3) / 2**k, Fraction(2, 3) / 2**k)
    # T(1/3) = 2/3, since g(1/3) = g(2/3) = 2/3
    assert Fraction(2, 3) - made.at("1/3") == made.upper
    if 2 <= k <= 8:
        assert (made.told["activation_regions"], made.told["linear_regions"]) == (2**k, 3 * 2 ** (k - 2))


def test_takagi_after_five_terms(construct):
    made = construct("takagi --terms 5")
    assert max(made.at(Fraction(j, 32)) for j in range(33)) == Fraction(21, 32)
    assert made.at("1/3") == Fraction(31, 48)


@settings(max_examples=20)
@given(st.integers(1, 6), st.fractions(0, 1, max_denominator=200))
def test_takagi_is_its_sum(k, x):
    network = constructions.build("takagi", terms=k).network
    assert network([x])[0] == sum(zigzag(x, s) / 2**s for s in range(1, k + 1))


def test_takagi_and_the_parabola_are_the_same_network_with_one_number_changed(construct):
    made = construct("takagi --terms 6 --ratio 1/4")
    assert made.sizes == construct("takagi --terms 6").sizes
    assert (made.kind, made.upper, made.told["target"]) == ("exact", Fraction(1, 4**7), "x*(1 - x)")


def test_other_ratios_have_a_bound(construct):
    made = construct("takagi --terms 4 --ratio 1/3")
    assert (made.kind, made.upper) == ("bound", Fraction(1, 3**5) / Fraction(2, 3))
    limit = sum(Fraction(2, 3) / 3**k for k in range(1, 60))
    assert limit - made.at("1/3") <= made.upper


@pytest.mark.parametrize(("k", "m"), [(3, 0), (3, 1), (3, 3), (3, 4), (5, 15), (1, 0)])
def test_walsh_bounds(k, m):
    share = max(0, 1 - Fraction(m, 2 ** (k - 1)))
    assert walsh_bounds(k, m) == {
        "L1": share / 4,
        "L2 squared": share / 12,
        "sup": Fraction(1, 2) if m < 2 ** (k - 1) else 0,
    }


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
def test_shallow_networks_stay_above_the_walsh_bounds(seed, m):
    """Fitted by least squares to g^4 with random kinks, measured on a fine grid of 2^-14."""
    rng = np.random.default_rng(seed)
    x = (np.arange(2**14) + 0.5) / 2**14
    y = 1 - abs((16 * x) % 2 - 1)
    features = np.column_stack(
        [
            np.ones_like(x),
            *(np.maximum(s * (x - t), 0) for s, t in zip(rng.choice([-1, 1], m), rng.random(m), strict=True)),
        ]
    )
    error = abs(features @ np.linalg.lstsq(features, y, rcond=None)[0] - y)
    bounds = walsh_bounds(4, m)
    assert error.mean() >= float(bounds["L1"]) - 1e-3
    assert (error**2).mean() >= float(bounds["L2 squared"]) - 1e-3
    assert error.max() >= float(bounds["sup"]) - 1e-3


def test_versus_prints_them(construct):
    notes = construct("sawtooth --depth 3 --versus 1").told["notes"]
    assert (notes["1 neurons, L1"], notes["1 neurons, L2 squared"], notes["1 neurons, sup"]) == ("3/16", "1/16", "1/2")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("sawtooth", "--depth"),
        ("sawtooth --depth 0", "--depth must be at least 1, not 0"),
        ("sawtooth --depth 1/2", "1/2' is not an integer"),
        ("sawtooth --depth 99999999999", "at most 67108 can be built"),
        ("sawtooth --depth 99 --shallow", "--depth 99 needs more memory than there is: at most 20"),
        ("sawtooth --depth 3 --everywhere", "goes with --shallow"),
        ("sawtooth --depth 3 --form merge", "did you mean merged"),
        ("takagi --terms 3 --ratio 1", "must be below 1"),
        ("takagi --terms 3 --ratio 0", "must be above 0"),
    ],
)
def test_refused(refused, words, message):
    assert message in refused(words)
