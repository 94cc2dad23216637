"""Normal forms: what they prove is so, on networks that differ in their weights but not in their function."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnapprox import Affine, Network, calculus
from nnapprox.constructions.assembly import Assembly, Form, inner, total
from nnapprox.constructions.normal_form import NormalForms
from nnapprox.constructions.proofs import verify_identity
from nnapprox.errors import NnapproxError

NUMBERS = st.fractions(-3, 3, max_denominator=4)


@st.composite
def networks(draw, most=3):
    widths = [2, *draw(st.lists(st.integers(1, 4), max_size=most)), 1]
    layers = []
    for before, after in pairwise(widths):
        numbers = draw(st.lists(NUMBERS, min_size=after * (before + 1), max_size=after * (before + 1)))
        matrix = np.array(numbers, dtype=object).reshape(after, before + 1)
        layers.append(Affine(matrix[:, :-1], matrix[:, -1]))
    return Network(layers)


def rescaled(network, factors):
    """The same function: neurons multiplied by positive numbers, which the next layer divides by."""
    layers = list(network.layers)
    for k, factor in zip(range(len(layers) - 1), factors, strict=False):
        layers[k] = Affine(layers[k].weight * factor, layers[k].bias * factor)
        layers[k + 1] = Affine(layers[k + 1].weight / factor, layers[k + 1].bias)
    return Network(layers)


def value_of(form, forms, point):
    """A normal form at a point, straight from what it means."""
    return form.constant + sum(
        c * (point[key] if key < len(point) else max(value_of(forms._argument(key), forms, point), Fraction(0)))
        for key, c in form.terms.items()
    )


@given(networks(), st.lists(NUMBERS, min_size=2, max_size=2))
def test_a_normal_form_has_the_values_of_the_network(network, point):
    forms = NormalForms(2)
    (form,) = forms.of(network)
    assert value_of(form, forms, point) == network(point)[0]


@given(networks(), st.lists(NUMBERS, min_size=2, max_size=2))
def test_so_it_has_beyond_a_corner(network, point):
    corner = [Fraction(-1), Fraction(1, 2)]
    forms = NormalForms(2, corner)
    (form,) = forms.of(network)
    beyond = [abs(x) for x in point]
    assert value_of(form, forms, beyond) == network([c + x for c, x in zip(corner, beyond, strict=True)])[0]


@given(networks(), st.lists(st.fractions(1, 9), min_size=3, max_size=3))
def test_rescaled_neurons_make_no_difference(network, factors):
    forms = NormalForms(2)
    assert forms.of(network) == forms.of(rescaled(network, factors))


@given(networks(most=1))
def test_an_identity_behind_a_network_makes_no_difference(network):
    forms = NormalForms(2)
    assert forms.of(network) == forms.of(calculus.extend(network, network.depth + 2))


@given(networks(), networks())
def test_equal_normal_forms_are_equal_functions(first, second):
    forms = NormalForms(2)
    if forms.of(first) == forms.of(second):
        points = [[Fraction(i), Fraction(j)] for i in range(-3, 4) for j in range(-3, 4)]
        assert (first(points) == second(points)).all()


def test_what_is_not_negative_passes_a_relu():
    forms = NormalForms(1)
    (x,) = forms.variables
    size = forms.max(x, -x)
    assert forms.relu(size) == size
    assert forms.relu(-size) == Form()
    assert forms.relu(size - 1) != size - 1
    assert forms.relu(Form(constant=-2)) == Form()
    assert forms.relu(Form(constant=2)) == Form(constant=2)


def test_a_relu_inside_of_a_relu():
    forms = NormalForms(2)
    x, y = forms.variables
    assert forms.relu(forms.relu(x) - forms.relu(y) - 1) == forms.relu(x - forms.relu(y) - 1)
    assert forms.relu(forms.relu(x) - y) != forms.relu(x - y)


def test_corners():
    forms = NormalForms(1, [Fraction(-2)])
    (x,) = forms.variables
    assert forms.relu(x + 2) == x + 2
    assert forms.relu(x + 1) != x + 1


def test_another_function_is_refused():
    hat = Network([Affine([[1], [1]], [0, Fraction(-1, 2)]), Affine([[2, -4]], [0])])
    verify_identity(
        hat, lambda forms: [2 * forms.relu(forms.variables[0]) - 4 * forms.relu(forms.variables[0] - Fraction(1, 2))]
    )
    with pytest.raises(NnapproxError, match="normal form"):
        verify_identity(hat, lambda forms: [2 * forms.relu(forms.variables[0])])


def test_forms():
    x, y = Form({"x": 1}), Form({"y": 1})
    assert x - x == Form()
    assert 2 * x + 3 - x * 2 == Form(constant=3)
    assert 1 - x == Form({"x": -1}, 1)
    assert 0 * x == Form()
    assert 5 + x == x + 5
    assert inner([1, -1], [x, y]) == x - y == -(y - x)
    assert total([]) == Form()


def test_an_assembly_makes_a_neuron_once():
    assembly = Assembly(2)
    x, y = assembly.variables
    assert assembly.relu(x - y) == assembly.relu(x - y)
    kept = assembly.keep(y)
    assembly.close()
    network = assembly.network([kept + 1])
    assert network.widths == (2, 3, 1)
    assert network([7, Fraction(-1, 3)])[0] == Fraction(2, 3)


def test_an_assembly_takes_forms_of_the_layer_before_only():
    assembly = Assembly(1)
    (x,) = assembly.variables
    behind = assembly.relu(x)
    assembly.close()
    with pytest.raises(ValueError, match="layer 0"):
        assembly.network([behind + x])
