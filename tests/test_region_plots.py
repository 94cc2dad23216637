"""Pictures of regions: what is drawn is what there is."""

from fractions import Fraction as F

import numpy as np
import pytest

from nnapprox import Affine, Network, region_plots
from nnapprox.activation import Activation
from nnapprox.calculus import affine, compose, parallel
from nnapprox.errors import UsageError
from nnapprox.plots import save
from nnapprox.regions.level import Level
from tests.regions.test_cells import UNIT, sawtooth, shallow
from tests.regions.test_plane import he_normal


def folds(depth=2):
    return compose(affine([[1, 2]]), parallel([sawtooth(depth)] * 2))


def names(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_cells_are_drawn_one_by_one():
    figure = region_plots.regions(folds(), [UNIT] * 2, level=Level(0, F(1)))
    (axes,) = figure.axes
    cells, *_ = axes.collections
    assert len(cells.get_paths()) == 16
    assert names(figure) == ["kinks of hidden layer 1", "kinks of hidden layer 2", "f0 = 1"]
    assert axes.get_title() == "16 activation regions"


def test_neighbours_with_different_maps_have_different_colours():
    cells = region_plots.regions(folds(), [UNIT] * 2).axes[0].collections[0]
    colour = {}
    for path, shade in zip(cells.get_paths(), cells.get_facecolors(), strict=True):
        colour[tuple((path.vertices[:4].mean(axis=0) * 4).astype(int))] = tuple(shade)
    assert all(colour[i, j] != colour[i + 1, j] for i in range(3) for j in range(4))
    assert all(colour[i, j] != colour[i, j + 1] for i in range(4) for j in range(3))


def test_cells_with_equal_maps_have_equal_colours():
    cancelling = shallow([(1, 0, F(-1, 2)), (0, 1, F(-1, 2))])
    network = type(cancelling)([cancelling.layers[0], type(cancelling.layers[0])([[0, 1]], [0])])
    shades = region_plots.regions(network, [UNIT] * 2).axes[0].collections[0].get_facecolors()
    assert len(shades) == 4
    assert len(set(map(tuple, shades))) == 2


def test_many_cells_are_rasterised(monkeypatch):
    monkeypatch.setattr(region_plots, "MOST_POLYGONS", 10)
    monkeypatch.setattr(region_plots, "COLUMNS", 81)
    monkeypatch.setattr(region_plots, "ROWS", 79)
    figure = region_plots.regions(folds(), [UNIT] * 2, colour="gradient", level=Level(0, F(1)))
    axes = figure.axes[0]
    shades, kinks = (np.asarray(image.get_array()) for image in axes.images)
    assert shades == pytest.approx(np.full((79, 81), 80**0.5))
    rows, columns = np.nonzero(kinks[..., 3])
    x, y = (columns + 0.5) / 81, (rows + 0.5) / 79
    assert all(min(abs(4 * a - round(4 * a)), abs(4 * b - round(4 * b))) < 0.06 for a, b in zip(x, y, strict=True))
    assert axes.get_title() == "more than 10 activation regions\nsampled at 81 x 79 points"


def test_equal_maps_have_equal_colours_when_rasterised(monkeypatch):
    monkeypatch.setattr(region_plots, "MOST_POLYGONS", 3)
    cancelling = shallow([(1, 0, F(-1, 2)), (0, 1, F(-1, 2))])
    network = type(cancelling)([cancelling.layers[0], type(cancelling.layers[0])([[0, 1]], [0])])
    shades = region_plots.regions(network, [UNIT] * 2).axes[0].images[0].get_array()
    assert len(np.unique(np.asarray(shades).reshape(-1, 3), axis=0)) == 2


@pytest.mark.parametrize("slope", [0, F(-1, 2), 2])
@pytest.mark.parametrize("widths", [(2, 30, 1), (2, 40, 30, 20, 3)])
def test_pixels_are_those_of_the_network(widths, slope):
    """Blocks are cut off at both ends; the slow way is one forward pass a point, with the product of its matrices."""
    network = Network(he_normal(widths).layers, Activation("leaky-relu", slope))
    x, y = np.linspace(-1, 1, 2 * region_plots.BLOCK + 3), np.linspace(0, 1, region_plots.BLOCK + 5)
    level = Level(0) if widths[-1] == 1 else Level(0, against=2)
    pixels = region_plots._Pixels(network, x, y, level)
    scale = 2.0 ** region_plots._of_handy_size(network)[1]
    seen = {}
    for place in np.ndindex(len(y), len(x)):
        values, slopes, states = np.array([x[place[1]], y[place[0]]]), np.eye(2), ()
        for layer in network.layers[:-1]:
            sums = layer.weight @ values + layer.bias
            factors = np.where(sums > 0, 1, float(slope))
            values, slopes, states = factors * sums, factors[:, None] * (layer.weight @ slopes), (*states, *(sums > 0))
        weight, bias = network.layers[-1].weight, network.layers[-1].bias
        if level.against is not None:
            weight, bias = weight - weight[level.against], bias - bias[level.against]
        assert scale * pixels.heights[place] == pytest.approx((weight @ values + bias)[0], abs=1e-12)
        assert pixels.gradients[(slice(None), *place)] == pytest.approx((weight @ slopes)[0], abs=1e-10)
        assert seen.setdefault(pixels.patterns[-1][place], states) == states
    assert len(set(seen.values())) == len(seen) > 50


@pytest.mark.parametrize("exponent", [250, -250])
def test_pixels_of_a_network_of_large_or_small_values(exponent):
    """Weights times 2^exponent, biases so that nothing else changes: some sums are no doubles."""
    network, levels = he_normal((2, 20, 20, 20, 20, 1)), np.linspace(-1, 1, 50)
    usual, scaled = [], []
    for number, layer in enumerate(network.layers, start=1):
        bias = layer.bias if number < 4 else 0 * layer.bias  # what would be no double
        usual.append(Affine(layer.weight, bias))
        scaled.append(Affine(np.ldexp(layer.weight, exponent), np.ldexp(bias, exponent * min(number, 4))))
    expected, found = (region_plots._Pixels(Network(made), levels, levels, Level()) for made in (usual, scaled))
    assert (found.patterns == expected.patterns).all()
    assert (np.sign(found.heights) == np.sign(expected.heights)).all()
    assert np.isfinite(found.gradients).all()


def test_what_is_counted_already():
    figure = region_plots.regions(folds(), [UNIT] * 2, activation_regions=region_plots.MOST_POLYGONS + 1)
    assert figure.axes[0].get_title().startswith("4,001 activation regions\nsampled")


def test_a_graph_of_many_pieces_is_sampled_from_end_to_end(monkeypatch):
    monkeypatch.setattr(region_plots, "MOST_POLYGONS", 3)
    (axes,) = region_plots.regions(sawtooth(3), [UNIT]).axes
    (graph,) = axes.lines
    assert (graph.get_xdata()[0], graph.get_xdata()[-1]) == (0, 1)
    assert "sampled" in axes.get_title()


def test_a_graph_with_its_kinks():
    (axes,) = region_plots.regions(sawtooth(3), [UNIT]).axes
    graph, *layers = axes.lines
    assert np.allclose(graph.get_xdata(), np.arange(9) / 8)
    assert [sorted(layer.get_xdata()) for layer in layers] == [[0.5], [0.25, 0.75], [0.125, 0.375, 0.625, 0.875]]


def test_what_cannot_be_drawn():
    with pytest.raises(UsageError, match="not for 3"):
        region_plots.regions(affine([[1, 1, 1]]), [UNIT] * 3)


def test_data_points_and_files(tmp_path):
    figure = region_plots.regions(folds(1), [UNIT] * 2, points=np.array([[0.2, 0.3]]), labels=["a"])
    assert figure.axes[0].texts[0].get_text() == "a"
    save(figure, tmp_path / "a.svg")
    assert (tmp_path / "a.svg").stat().st_size > 1000
