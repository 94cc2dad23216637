"""Pictures of networks beside their targets."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from nnapprox import calculus, constructions, parse, plots
from nnapprox.errors import UsageError

UNIT = (Fraction(0), Fraction(1))


def lines(axes):
    return [line.get_xydata() for line in axes.lines]


def test_function_target_and_error():
    made = constructions.build("square", depth=2)
    above, below = plots.approximation(made.network, made.target, (UNIT,), "f").axes
    network, target = lines(above)
    error = lines(below)[0]
    x = network[:, 0]
    assert (x[0], x[-1], len(x)) == (0, 1, plots.SAMPLES + 1)
    assert np.allclose(target[:, 1], x**2)
    assert np.allclose(network[:, 1], np.interp(x, [0, 0.25, 0.5, 0.75, 1], [0, 1 / 16, 1 / 4, 9 / 16, 1]))
    assert np.allclose(error[:, 1], network[:, 1] - target[:, 1])
    assert error[:, 1].max() == 1 / 64
    assert above.get_title() == "f"


def test_exact_networks_are_drawn_exactly():
    """Floating point would lose a sawtooth of depth 60."""
    made = constructions.build("sawtooth", depth=60)
    network, target = lines(
        plots.approximation(made.network, made.network, ((Fraction(0), Fraction(1, 3)),), "g").axes[0]
    )
    assert network[-1, 1] == target[-1, 1] == pytest.approx(2 / 3)


@pytest.mark.parametrize("depth", [12, 14, 60, 100])
def test_a_wave_faster_than_the_points_is_seen(depth):
    """Its values at evenly spaced dyadic points are all 0."""
    made = constructions.build("sawtooth", depth=depth)
    above, below = plots.approximation(made.network, made.target, (UNIT,), "g").axes
    network, target = lines(above)
    for x in np.linspace(0, 1, 101)[:-1]:
        strip = network[(network[:, 0] >= x) & (network[:, 0] <= x + 0.01), 1]
        assert strip.min() <= 0.03
        assert strip.max() >= 0.97
    assert np.allclose(network, target)
    assert not lines(below)[0][:, 1].any()


@pytest.mark.parametrize("shallow", [False, True])
def test_curves_have_their_corners(shallow):
    made = constructions.build("hilbert", order=4, shallow=shallow)
    (axes,) = plots.approximation(made.network, None, (UNIT,), "h").axes
    steps = np.abs(np.diff(lines(axes)[0], axis=0))
    assert steps.sum() == pytest.approx(255 / 15)
    assert np.hypot(*steps.T).sum() == pytest.approx(255 / 15)  # no corner is cut


def test_without_a_target():
    made = constructions.build("takagi", terms=3)
    (axes,) = plots.approximation(made.network, None, (UNIT,), "T").axes
    assert len(axes.lines) == 1


def test_a_curve_in_the_plane():
    curve = calculus.affine([[1], [-2]], [0, 1])
    (axes,) = plots.approximation(curve, None, (UNIT,), "c").axes
    points = lines(axes)[0]
    assert np.allclose(points[[0, -1]], [[0, 1], [1, -1]])


def test_two_variables():
    made = constructions.build("product", depth=1)
    figure = plots.approximation(made.network, made.target, made.certificate.domain, "xy")
    network, error = figure.axes[:2]
    values = np.asarray(network.images[0].get_array())
    assert values.shape == (plots.ROWS, plots.COLUMNS)
    assert abs(np.asarray(error.images[0].get_array())).max() == pytest.approx(1 / 16, rel=1e-2)
    kinks = np.asarray(network.images[1].get_array())[..., 3] > 0
    rows, columns = np.nonzero(kinks)
    x, y = (columns + 0.5) / plots.COLUMNS * 2 - 1, (rows + 0.5) / plots.ROWS * 2 - 1
    # the squares bend where |x + y| or |x - y| is 0, 1 or 2
    assert all(
        min(abs(abs(s) - k) for s in (a + b, a - b) for k in (0, 1, 2)) < 0.02 for a, b in zip(x, y, strict=True)
    )


def test_rounding_is_not_drawn_as_an_error():
    made = constructions.build("fold", dim=2, pieces=3, layers=6)
    network, error = plots.approximation(made.network, made.target, made.certificate.domain, "f").axes[:2]
    assert network.get_title() == "network and its kinks"  # contours would fill it
    assert error.get_title() == "network - target: 0 everywhere"
    assert not np.asarray(error.images[0].get_array()).any()


def test_other_activations_have_no_kinks_drawn():
    network = constructions.build("product", depth=1).network.astype("float64")
    smooth = type(network)(network.layers, "tanh")
    figure = plots.approximation(smooth, parse("x*y"), ((Fraction(-1), Fraction(1)),) * 2, "t")
    assert len(figure.axes[0].images) == 1


@pytest.mark.parametrize(("network", "told"), [(calculus.identity(3), "3 and 3"), (calculus.identity(2), "2 and 2")])
def test_what_cannot_be_drawn(network, told):
    with pytest.raises(UsageError, match=f"but n has {told}"):
        plots.approximation(network, None, (UNIT,) * network.widths[0], "n")


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_written(tmp_path, suffix):
    made = constructions.build("product", depth=1)
    plots.save(plots.approximation(made.network, made.target, made.certificate.domain, "p"), tmp_path / f"a.{suffix}")
    assert (tmp_path / f"a.{suffix}").stat().st_size > 1000


def test_long_titles_are_wrapped():
    made, title = constructions.build("hat"), "power-series " + " ".join(["--option value"] * 8)
    shown = plots.approximation(made.network, made.target, (UNIT,), title).axes[0].get_title()
    assert shown.split() == title.split()
    assert max(map(len, shown.split("\n"))) <= 65


def test_what_is_0_is_drawn_as_0():
    """Where an atom vanishes, rounding errors are neither contours nor kinks, nor an error."""
    made = constructions.build("shearlet", scale=1, shear=1, depth=4)
    network, error = plots.approximation(made.network, made.target, made.certificate.domain, "s").axes[:2]
    contours = [path for path in network.collections[0].get_paths() if len(path.vertices)]
    (left, right), (low, high) = ((float(a), float(b)) for a, b in made.certificate.domain)
    outside = np.concatenate([path.vertices for path in contours])
    outside = outside[outside[:, 0] < left + (right - left) / 20]
    assert (outside[:, 1] > (low + high) / 2).all()
    assert error.images[0].get_clim()[0] == -error.images[0].get_clim()[1]
    exact = constructions.build("spread-call", strike="1/2")
    shown = plots.approximation(exact.network, exact.target, exact.certificate.domain, "s").axes[1]
    assert shown.get_title().endswith("0 everywhere")
