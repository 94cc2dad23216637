import itertools
import random
from fractions import Fraction as F
from math import comb, factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnapprox.calculus import affine, combine, compose, identity, parallel, precompose
from nnapprox.certificate import certify
from nnapprox.certificate.arithmetic import root_bounds, total
from nnapprox.errors import UsageError
from nnapprox.exact import Rational
from nnapprox.functions import parse
from nnapprox.network import Affine, Network

HALF = F(1, 2)


def cube(dimension, low=0, high=1):
    return ((F(low), F(high)),) * dimension


def zero(dimension):
    return affine([[0] * dimension])


def random_network(widths, seed, activation="relu"):
    choose = random.Random(seed)
    layers = [
        Affine(
            [[F(choose.randint(-6, 6), choose.randint(1, 3)) for _ in range(inputs)] for _ in range(outputs)],
            [F(choose.randint(-4, 4), 2) for _ in range(outputs)],
        )
        for inputs, outputs in itertools.pairwise(widths)
    ]
    return Network(layers, activation)


def square(depth):
    """The interpolant of x^2 at j / 2^depth, on [0, 1]."""
    first = Affine([[1], [1]], [0, -HALF])
    rows = [[2, -4], [2, -4], [HALF, 1]]
    layers = [first]
    for s in range(2, depth + 1):
        c = -F(1, 4 ** (s - 1))
        layers.append(Affine(rows if s == 2 else [[2, -4, 0], [2, -4, 0], [2 * c, -4 * c, 1]], [0, -HALF, 0]))
    c = -F(1, 4**depth)
    return Network([*layers, Affine([[HALF, 1]] if depth == 1 else [[2 * c, -4 * c, 1]], [0])])


def product(depth, bound):
    """x y on [-bound, bound]^2, by polarisation."""
    magnitude = Network([Affine([[1], [-1]], [0, 0]), Affine([[1, 1]], [0])])
    even = compose(precompose(square(depth), [[1 / (2 * bound)]]), magnitude)
    both = parallel([precompose(even, [[1, 1]]), precompose(even, [[1, -1]])], shared=True)
    return compose(affine([[bound**2, -(bound**2)]]), both)


def courant_interpolant(function, cells):
    """The finite element interpolant on the mesh of the unit square with diagonals (1, 1)."""
    hat = Network(
        [
            Affine([[-1, 1], [1, 0], [-1, 0], [0, 1], [0, -1]], [0] * 5),
            Affine([[1, 1, -1, 0, 0], [1, 0, 0, -1, 1]], [0, 0]),
            Affine([[-1, -1]], [1]),
            Affine([[1]], [0]),
        ]
    )
    nodes = list(itertools.product(range(cells + 1), repeat=2))
    hats = [precompose(hat, [[cells, 0], [0, cells]], [-i, -j]) for i, j in nodes]
    return combine(hats, [function.at((F(i, cells), F(j, cells))) for i, j in nodes])


def error_at(network, target, point):
    value = target.at(point) if hasattr(target, "at") else target(list(point))[0]
    return abs(network(list(point))[0] - value)


def assert_certified(network, target, domain, seed=0, points=40):
    """The certificate is attained at its argmax, and nowhere exceeded; by evaluation in fractions."""
    found = certify(network, target, domain)
    assert found.kind == "exact"
    assert all(low <= x <= high for x, (low, high) in zip(found.argmax, domain, strict=True))
    assert error_at(network, target, found.argmax) == found.value
    choose = random.Random(seed)
    for _ in range(points):
        point = [low + (high - low) * F(choose.randint(0, 64), 64) for low, high in domain]
        assert error_at(network, target, point) <= found.value
    return found


# Closed forms


@pytest.mark.parametrize(("depth", "bound"), [(1, F(1)), (2, F(3, 2)), (3, F(2)), (4, F(1, 3))])
def test_the_product_has_its_error_exactly(depth, bound):
    found = assert_certified(product(depth, bound), parse("x*y"), cube(2, -bound, bound))
    assert found.value == bound**2 / 4 ** (depth + 1)


@pytest.mark.parametrize("cells", [1, 2, 3])
def test_finite_elements(cells):
    h = F(1, cells)
    for text, expected in (("x*y", h**2 / 4), ("x^2+y^2", h**2 / 2), ("2*x-y+1/3+0*y", 0)):
        function = parse(text)
        assert assert_certified(courant_interpolant(function, cells), function, cube(2)).value == expected


@pytest.mark.parametrize("dimension", [2, 3, 4])
def test_norms_and_maxima_as_networks_and_as_text(dimension):
    names = [f"x{i}" for i in range(1, dimension + 1)]
    l1 = Network(
        [
            Affine(np.vstack([np.eye(dimension, dtype=int), -np.eye(dimension, dtype=int)]), [0] * 2 * dimension),
            Affine([[1] * 2 * dimension], [0]),
        ]
    )
    text = parse("+".join(f"abs({name})" for name in names))
    assert certify(l1, text, cube(dimension, -1)).value == 0
    largest = parse(f"max({','.join(names)})", names)
    found = assert_certified(l1, largest, cube(dimension, -1))
    assert found.value == dimension + 1  # at (-1, ..., -1)


def test_a_target_with_teeth():
    tooth = Network([Affine([[1], [1]], [0, -HALF]), Affine([[2, -4], [2, -4]], [0, -HALF]), Affine([[2, -4]], [0])])
    both = compose(affine([[1, 2]]), parallel([tooth, tooth]))
    assert certify(both, parse("tri(4*x)+2*tri(4*y)"), cube(2)).value == 0
    shifted = certify(both, parse("tri(4*x+1)+2*tri(4*y)"), cube(2))
    assert (shifted.value, certify(both, parse("tri(4*x)+2*tri(4*y+1)"), cube(2)).value) == (1, 2)


@pytest.mark.parametrize(
    ("text", "dimension", "value", "argmax"),
    [
        ("x*(1-x)+0*y", 2, F(1, 4), (HALF, None)),  # the Hessian has a kernel: a line of maxima
        ("x*(1-x)*8-(x-y)^2", 2, F(2), None),  # definite
        ("2-(x-1/4)^2-(x-y)^2", 2, F(2), (F(1, 4), F(1, 4))),
        ("(x-y)*(x+y)-y", 2, F(2), (F(0), F(1))),  # indefinite
        ("x*y-x/2-y/2+1/4", 2, F(1, 4), None),
        ("(x+y-1)^2", 2, F(1), None),
        ("1-(x-1/3)^2-(y-1/3)^2-(z-1/3)^2", 3, F(1), (F(1, 3),) * 3),
        ("(x-1/3)^2+(y-1/3)^2+(z-1/3)^2", 3, F(4, 3), (F(1),) * 3),
        ("2-(x-1/2)^2-(y-1/2)^2+0*z", 3, F(2), (HALF, HALF, None)),  # strict in a plane, flat across it
        ("2-(x-1/2)^2-(y-1/2)^2+(z-1/3)^2", 3, F(22, 9), (HALF, HALF, F(1))),  # inside of a face
    ],
)
def test_quadratic_functions_alone(text, dimension, value, argmax):
    found = assert_certified(zero(dimension), parse(text), cube(dimension), points=400)
    assert found.value == value
    if argmax is not None:
        assert all(x in (None, y) for x, y in zip(argmax, found.argmax, strict=True))


def test_maxima_inside_faces_of_every_dimension():
    """-|x - c|^2 + large on the cube [0, 1]^4: the nearest point to c is inside of a face."""
    for outside in range(5):
        centre = [F(3)] * outside + [F(1, 3)] * (4 - outside)
        text = "100" + "".join(f"-(x{i + 1}-{c})^2" for i, c in enumerate(centre))
        found = certify(zero(4), parse(text), cube(4))
        assert found.value == 100 - 4 * outside
        assert found.argmax == (F(1),) * outside + (F(1, 3),) * (4 - outside)


# Independent methods

networks = st.tuples(
    st.sampled_from([(2, 3, 1), (2, 4, 3, 1), (3, 3, 1), (3, 3, 2, 1)]),
    st.integers(0, 10**6),
    st.sampled_from(["relu", "leaky-relu"]),
)
TARGETS = (
    "x*y", "x^2+y^2", "x^2-3*x*y+y^2/2-x", "-(x+y)^2", "max(x,y,1/3)", "abs(x-y)+min(x,y)^2", "x*abs(y)",
    "relu(x+y-1)*(x-y)", "tri(3*x)*y", "clip(x+2*y,-1,1)", "1/3",
)  # fmt: skip


@given(networks, st.sampled_from(TARGETS))
@settings(max_examples=60)
def test_certificates_are_attained_and_never_exceeded(drawn, text):
    network = random_network(*drawn)
    inputs = network.widths[0]
    target = parse(text, ("x", "y", "z")[:inputs])
    assert_certified(network, target, cube(inputs, -1), drawn[1])


@given(networks, networks)
@settings(max_examples=30)
def test_networks_against_networks(one, other):
    if one[0][0] != other[0][0]:
        other = (one[0], *other[1:])
    first, second = random_network(*one), random_network(*other)
    domain = cube(one[0][0], -1)
    found = assert_certified(first, second, domain)
    assert certify(second, first, domain).value == found.value
    assert certify(first, first, domain).value == 0


@given(st.tuples(*[st.integers(-3, 3)] * 6))
@settings(max_examples=50)
def test_quadratics_against_a_grid(numbers):
    """The sup exceeds the maximum on a grid of width 1/60 by at most what the gradient allows near a vertex of it."""
    a, b, c, p, q, r = numbers
    x, y = np.meshgrid(np.arange(61), np.arange(61))
    grid = F(int(abs(a * x**2 + b * x * y + c * y**2 + 60 * (p * x + q * y) + 3600 * r).max()), 3600)
    target = parse(f"({a})*x^2+({b})*x*y+({c})*y^2+({p})*x+({q})*y+({r})", ("x", "y"))
    steepest = 2 * abs(a) + 2 * abs(b) + 2 * abs(c) + abs(p) + abs(q)
    assert grid <= certify(zero(2), target, cube(2)).value <= grid + F(steepest, 120)


@given(networks)
@settings(max_examples=20)
def test_norms_against_each_other(drawn):
    """L1 <= L2 <= sup on a domain of volume 1; the L1 norm of the positive and the negative part add up."""
    network, domain = random_network(*drawn), cube(drawn[0][0])
    nothing = zero(network.widths[0])
    l1, l2, sup = (certify(network, nothing, domain, norm=norm) for norm in ("L1", "L2", "sup"))
    assert l1.value**2 <= l2.upper**2
    assert l2.lower <= sup.value
    if drawn[2] == "relu":
        parts = [compose(Network([Affine([[sign]], [0]), Affine([[1]], [0])]), network) for sign in (1, -1)]
        assert sum(certify(part, nothing, domain, norm="L1").value for part in parts) == l1.value


@pytest.mark.parametrize("dimension", [2, 3])
def test_integrals_of_monomials(dimension):
    """Against the integrals of x^a over [0, 1]."""
    names = ("x", "y", "z")[:dimension]
    for text, integral, square_integral in (
        ("x", F(1, 2), F(1, 3)),
        ("x^2", F(1, 3), F(1, 5)),
        ("x*y", F(1, 4), F(1, 9)),
        ("x^2+y^2", F(2, 3), F(2, 5) + F(2, 9)),
        ("x-1/2", F(1, 4), F(1, 12)),
    ):
        target = parse(text, names)
        assert certify(zero(dimension), target, cube(dimension), norm="L1").value == integral
        found = certify(zero(dimension), target, cube(dimension), norm="L2")
        assert found.lower**2 <= square_integral <= found.upper**2
        assert found.upper - found.lower <= found.lower * F(1, 10**6)


@pytest.mark.parametrize("dimension", [2, 3])
def test_the_indicator_of_a_cube(dimension):
    """Ramps of width 1/16 around a cube of width 1/2: the sum of C(d, j) 2^j w^(d-j) delta^j / (j + 1)!."""
    w, ramp = F(1, 2), F(1, 16)
    eye = np.eye(dimension, dtype=int)
    violation = Affine(np.vstack([eye, -eye]), [-F(3, 4)] * dimension + [F(1, 4)] * dimension)
    network = Network([violation, Affine([[-1 / ramp] * 2 * dimension], [1]), Affine([[1]], [0])])
    names = ("x", "y", "z")[:dimension]
    target = parse("*".join(f"step({n}-1/4)*step(3/4-{n})" for n in names), names)
    expected = sum(
        comb(dimension, j) * 2**j * w ** (dimension - j) * ramp**j / factorial(j + 1) for j in range(1, dimension + 1)
    )
    assert certify(network, target, cube(dimension), norm="L1").value == expected
    with pytest.raises(UsageError, match="may jump"):
        certify(network, target, cube(dimension))


def test_jumps_along_lines():
    for text, expected in (
        ("floor(3*x)+0*y", F(1)),
        ("sign(x-y)", F(1)),
        ("step(x+y-1)", F(1, 2)),
        ("sign(x-x+y-y)", F(0)),
    ):
        assert certify(zero(2), parse(text), cube(2), norm="L1").value == expected


def test_several_outputs():
    network, target = identity(2), affine([[1, 0], [0, -1]])
    assert certify(network, target, cube(2)).value == 2
    assert certify(network, target, cube(2), norm="L1").value == 1
    enclosure = certify(network, target, cube(2), norm="L2")
    assert enclosure.lower**2 < F(4, 3) < enclosure.upper**2


# Bad input


@pytest.mark.parametrize(
    ("text", "norm", "message"),
    [
        ("sin(x)+y", "sup", "degree at most 2"),
        ("x*y*x", "sup", "degree at most 2"),
        ("pi*x+y", "sup", "degree at most 2"),
        ("abs(x*y-1/4)", "sup", "kink or a jump along a curve"),
        ("step(x^2+y^2-1/2)", "L1", "kink or a jump along a curve"),
        ("(x-1/3)*(y-1/2)", "L1", "changes its sign along a curve"),
    ],
)
def test_what_cannot_be_certified(text, norm, message):
    with pytest.raises(UsageError, match=message):
        certify(zero(2), parse(text), cube(2), norm=norm)


def test_too_many_dimensions_or_cells():
    with pytest.raises(UsageError, match="1 to 8 dimensions, not in 9"):
        certify(zero(9), zero(9), cube(9))
    deep = product(2, F(1))
    with pytest.raises(UsageError, match="more than 15 pieces"):
        certify(deep, parse("x*y"), cube(2, -1), most_cells=15)


def test_sums_and_roots():
    terms = [Rational(1, k) for k in range(1, 40)]
    assert total(iter(terms)) == sum(F(1, k) for k in range(1, 40))
    assert total([]) == 0
    for number, tolerance in itertools.product(
        (F(2), F(1, 3), F(10**40 + 1, 7), F(3, 10**50)), (F(1, 2), F(1, 10**9), F(3))
    ):
        low, high = root_bounds(number, tolerance)
        assert low**2 < number < high**2
        assert 0 < high - low <= low * tolerance
    assert root_bounds(F(4, 9), F(1)) == (F(2, 3), F(2, 3))
    assert root_bounds(F(0), F(1)) == (0, 0)
