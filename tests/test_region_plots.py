"""Pictures of regions: what is drawn is what there is."""

from fractions import Fraction as F

import numpy as np
import pytest

from nnapprox import region_plots
from nnapprox.calculus import affine, compose, parallel
from nnapprox.errors import UsageError
from nnapprox.plots import save
from nnapprox.regions.level import Level
from tests.regions.test_cells import UNIT, sawtooth, shallow


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
