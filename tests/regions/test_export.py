import json
from fractions import Fraction as F

import numpy as np
import pytest

from nnapprox.errors import UsageError
from nnapprox.regions.cells import cells
from nnapprox.regions.export import export

from .test_cells import UNIT, random_network, shallow

WIDTHS = [(1, 4, 3, 1), (2, 4, 3, 2), (3, 4, 2, 1)]


@pytest.mark.parametrize("widths", WIDTHS)
def test_json_holds_every_cell_exactly(tmp_path, widths):
    network = random_network(widths, 5)
    domain = [(-1, 2)] * widths[0]
    count = export(network, domain, tmp_path / "r.json")
    written = json.loads((tmp_path / "r.json").read_text())
    found = list(cells(network, domain))
    assert written["widths"] == list(widths)
    assert len(written["cells"]) == count == len(found)
    assert sum(F(cell["volume"]) for cell in written["cells"]) == 3 ** widths[0]
    for told, cell in zip(written["cells"], found, strict=True):
        vertices = [tuple(map(F, vertex)) for vertex in told["vertices"]]
        assert sorted(vertices) == sorted(cell.polytope.points)
        for vertex in vertices:
            value = np.array([[F(x) for x in row] for row in told["weight"]]) @ np.array(vertex, dtype=object)
            assert list(value + np.array([F(b) for b in told["bias"]])) == list(network(vertex))
        assert tuple(sum(bit << k for k, bit in enumerate(layer)) for layer in told["pattern"]) == cell.pattern
        assert len(told["facets"]) == len(cell.polytope.facets)
        assert all(len(facet["vertices"]) >= widths[0] for facet in told["facets"])


def test_polygons_are_written_counter_clockwise(tmp_path):
    export(random_network((2, 5, 4, 1), 3), [UNIT] * 2, tmp_path / "r.json")
    for cell in json.loads((tmp_path / "r.json").read_text())["cells"]:
        corners = [tuple(map(F, vertex)) for vertex in cell["vertices"]]
        following = [*corners[1:], corners[0]]
        area = sum(a * d - b * c for (a, b), (c, d) in zip(corners, following, strict=True)) / 2
        assert area == F(cell["volume"])


@pytest.mark.parametrize("widths", WIDTHS)
def test_npz_holds_the_same(tmp_path, widths):
    network = random_network(widths, 5)
    domain = [(-1, 2)] * widths[0]
    export(network, domain, tmp_path / "r.npz")
    export(network, domain, tmp_path / "r.json")
    told = json.loads((tmp_path / "r.json").read_text())["cells"]
    with np.load(tmp_path / "r.npz", allow_pickle=False) as arrays:
        written = dict(arrays)
    assert written["vertices_exact"].dtype == np.int64
    for k, cell in enumerate(told):
        rows = slice(*written["cell_vertices"][k : k + 2])
        exact = [[F(int(x), int(row[-1])) for x in row[:-1]] for row in written["vertices_exact"][rows]]
        assert exact == [list(map(F, vertex)) for vertex in cell["vertices"]]
        assert np.array_equal(written["vertices"][rows], np.array(exact, dtype=float))
        divisor = int(written["maps_divisor"][k])
        maps = [[F(int(n), divisor) for n in row] for row in written["maps_exact"][k]]
        assert maps == [[*map(F, row), F(b)] for row, b in zip(cell["weight"], cell["bias"], strict=True)]
        assert np.array_equal(written["maps"][k], np.array(maps, dtype=float))
        assert written["patterns"][k].tolist() == [bit for layer in cell["pattern"] for bit in layer]
        facets = range(*written["cell_facets"][k : k + 2])
        assert [int(written["facet_neurons"][i]) for i in facets] == [facet["neuron"] for facet in cell["facets"]]
        starts = written["facet_starts"]
        places = [(written["facet_vertices"][starts[i] : starts[i + 1]] - rows.start).tolist() for i in facets]
        assert places == [facet["vertices"] for facet in cell["facets"]]


def test_what_does_not_fit_is_text(tmp_path):
    network = shallow([(F(1, 2**40), F(-1, 3**30), F(1, 7**20))])
    export(network, [UNIT] * 2, tmp_path / "r.npz")
    with np.load(tmp_path / "r.npz", allow_pickle=False) as arrays:
        assert arrays["maps_divisor"].dtype.kind == "U"
        assert {int(text) for text in arrays["maps_divisor"].tolist()} & {1, 2**40 * 3**30 * 7**20}


def test_another_suffix_writes_nothing(tmp_path):
    with pytest.raises(UsageError, match=r"to \.json or \.npz"):
        export(shallow([(1, 0, 0)]), [UNIT] * 2, tmp_path / "r.csv")
    assert not list(tmp_path.iterdir())
