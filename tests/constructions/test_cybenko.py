"""Logistic steps."""

from fractions import Fraction
from math import exp

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnapprox import constructions
from nnapprox.constructions.cybenko import Steps, modulus_of_continuity, step_network
from nnapprox.errors import UsageError
from nnapprox.exact import Ball, bounds, precision, to_fraction, to_rational
from nnapprox.functions import parse


def build(function="x", neurons=50, steepness=10):
    return constructions.build("cybenko", function=function, neurons=neurons, steepness=steepness)


def test_the_identity():
    made = build()
    assert float(made.certificate.upper) == pytest.approx(0.003626, abs=1e-6)
    assert float(made.theorem.bound) == pytest.approx(0.02027, abs=1e-5)
    assert (made.network.dtype, made.network.activation.name) == ("float64", "sigmoid")
    assert made.network.widths == (1, 50, 1)
    assert made.network.max_weight == 500


@pytest.mark.parametrize("neurons", [1, 2, 7, 50])
def test_sizes(neurons):
    assert build("2 + x + x^2", neurons).network.nonzeros == 3 * neurons + 1


@pytest.mark.parametrize("function", ["x", "sin(9*x)", "abs(x-1/3)", "sqrt(x)", "x^2 - x", "7", "exp(x)"])
@pytest.mark.parametrize(("neurons", "steepness"), [(1, 3), (20, 10), (20, Fraction(1, 2)), (40, 1000)])
def test_certificates_hold(function, neurons, steepness):
    made = build(function, neurons, steepness)
    points = np.linspace(0, 1, 10_001)[:, np.newaxis]
    errors = np.abs(made.network(points)[:, 0] - made.target.value(points))
    assert made.certificate.kind == "enclosure"
    assert errors.max() <= float(made.certificate.upper) + 1e-12
    assert float(made.certificate.lower) <= errors.max() + 1e-3 * max(1, float(steepness) / 20)
    assert made.certificate.upper <= made.theorem.bound + Fraction(1, 10**12)
    at = np.array([[float(made.certificate.argmax[0])]])
    found = abs(made.network(at)[0, 0] - made.target.value(at)[0])
    assert found == pytest.approx(float(made.certificate.lower), abs=1e-9)


def test_the_enclosure_is_narrow():
    made = build("sin(9*x)", 30)
    assert made.certificate.upper - made.certificate.lower <= made.certificate.upper / 10**6


@given(place=st.fractions(0, 1), radius=st.fractions(0, Fraction(1, 10)), share=st.fractions(-1, 1))
def test_balls_hold_what_the_steps_are(place, radius, share):
    network = step_network(parse("sin(9*x)"), 30, Fraction(10))
    point = float(place + share * radius)
    steps, derivative = Steps.of(network), 0.0
    with precision(128):
        ball = Ball(to_rational(place), to_rational(radius * 2 + Fraction(1, 10**9)))
        ends = [tuple(float(to_fraction(end)) for end in bounds(c)) for c in steps.series(ball, 2)]
    (weights,), first = network.layers[1].weight, network.layers[0]
    for weight, slope, bias in zip(weights, first.weight[:, 0], first.bias, strict=True):
        s = 1 / (1 + exp(-(slope * point + bias)))
        derivative += weight * slope * s * (1 - s)
    assert ends[0][0] - 1e-9 <= network([point])[0] <= ends[0][1] + 1e-9
    assert ends[1][0] - 1e-6 <= derivative <= ends[1][1] + 1e-6


@pytest.mark.parametrize(
    ("function", "cells", "modulus"),
    [("x", 50, 0.02), ("3 - 2*x", 10, 0.2), ("7", 5, 0), ("sqrt(x)", 100, 0.1), ("abs(x - 1/3)", 8, 0.125)],
)
def test_moduli_of_continuity(function, cells, modulus):
    found = float(modulus_of_continuity(parse(function), cells))
    assert modulus <= found + 1e-12
    assert found <= 1.5 * modulus + 1e-12


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"function": "1/x"}, "at x = 0"),
        ({"function": "1/(x - 1/3)^2"}, "1/3|bounded"),
        ({"function": "floor(2*x)"}, "may jump"),
        ({"function": "x*y"}, "is a function of x, y"),
        ({"function": "10^400*x"}, "too large"),
        ({"neurons": 0}, "--neurons must be at least 1"),
        ({"neurons": 10**7}, "--neurons must be at most"),
        ({"steepness": 0}, "--steepness must be above 0"),
        ({"steepness": 10**30}, "--steepness must be at most"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(UsageError, match=message):
        build(**options)
