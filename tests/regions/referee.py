"""An independent count of regions, slow and exact: activation patterns are searched, linear programs decide.

Nothing here is shared with `nnapprox.regions`, and the algorithm is another one: no polytope is ever split or even
known by its vertices. A network is a list of (weight, bias) in fractions, and a domain a list of inequalities.
"""

from fractions import Fraction
from itertools import combinations
from math import lcm

import numpy as np


def referee(network, inequalities):
    """Activation regions, linear regions and distinct affine maps; inequalities (a_1, ..., a_d, c) say a.x + c >= 0."""
    exact = network.astype("rational")
    domain = [integers(row) for row in inequalities]
    found = list(_search(exact, domain))
    root = list(range(len(found)))

    def top(i):
        while root[i] != i:
            i = root[i]
        return i

    same = {}
    for number, (_, _, outputs) in enumerate(found):
        same.setdefault(outputs, []).append(number)
    for group in same.values():
        for i, j in combinations(group, 2):
            if top(i) != top(j) and _share_a_facet(found[i], found[j], domain):
                root[top(i)] = top(j)
    return len(found), sum(top(i) == i for i in range(len(root))), len(same)


def box(bounds):
    rows = []
    for axis, (low, high) in enumerate(bounds):
        unit = [int(i == axis) for i in range(len(bounds))]
        rows += [[*unit, -Fraction(low)], [*(-u for u in unit), Fraction(high)]]
    return rows


def _search(network, domain):
    """Every pattern with an interior: states (1, 0, -1 for a form that is 0), forms, outputs."""
    layers = [
        [[*map(Fraction, weights), Fraction(bias)] for weights, bias in zip(layer.weight, layer.bias, strict=True)]
        for layer in network.layers
    ]
    has_no_kinks = network.activation.name == "identity" or network.activation.slope == 1
    cuts = [] if has_no_kinks else layers[:-1]
    slope = Fraction(1) if has_no_kinks else network.activation.slope or Fraction(0)
    inside = interior(domain)
    start = [[Fraction(int(i == j)) for j in range(network.widths[0] + 1)] for i in range(network.widths[0])]
    # what waits: the layer, the values that enter it, its forms, states so far, a point inside
    waiting = [(0, start, [], [], inside)]
    while waiting:
        layer, values, states, forms, point = waiting.pop()
        here = len(states) - sum(map(len, layers[:layer]))
        if layer == len(layers) - 1:
            yield states, forms, tuple(tuple(_form(row, values)) for row in layers[layer])
            continue
        if here == len(layers[layer]):
            last = zip(states[len(states) - here :], forms[len(states) - here :], strict=True)
            bent = [[n if state > 0 else slope * n for n in form] for state, form in last]
            waiting.append((layer + 1, bent, states, forms, point))
            continue
        form = _form(layers[layer][here], values)
        if not any(form) or not cuts:
            waiting.append((layer, values, [*states, -1 if cuts else 1], [*forms, form], point))
            continue
        value = _value(form, point)
        known = [*domain, *_signed(states, forms)]
        for state in (0, 1):
            sign = 1 if state else -1
            within = point if value * sign > 0 else interior([*known, integers([sign * n for n in form])])
            if within is not None:
                waiting.append((layer, values, [*states, state], [*forms, form], within))


def _form(row, values):
    *weights, bias = row
    total = [
        sum((w * value[i] for w, value in zip(weights, values, strict=True)), Fraction(0))
        for i in range(len(values[0]))
    ]
    total[-1] += bias
    return total


def _value(form, point):
    return sum(a * x for a, x in zip(form, point, strict=False)) + form[-1]


def _signed(states, forms):
    return [
        integers(form if state else [-n for n in form]) for state, form in zip(states, forms, strict=True) if state >= 0
    ]


def integers(row):
    row = [Fraction(n) for n in row]
    scale = lcm(*(n.denominator for n in row))
    return [int(n * scale) for n in row]


def _share_a_facet(one, other, domain):
    """Whether cells meet in one dimension less: in the hyperplane of the first neuron whose states differ."""
    differing = next(k for k, (s, t) in enumerate(zip(one[0], other[0], strict=True)) if (s > 0) != (t > 0))
    plane = one[1][differing]
    axis = next(i for i, n in enumerate(plane[:-1]) if n)
    rows = []
    for row in [*domain, *_signed(*one[:2]), *_signed(*other[:2])]:
        on_plane = [Fraction(n) - Fraction(row[axis]) * m / plane[axis] for n, m in zip(row, plane, strict=True)]
        del on_plane[axis]
        if any(on_plane):
            rows.append(integers(on_plane))
    return interior(rows) is not None


def interior(rows):
    """A point at which all a.x + c are positive, or None: the simplex method for the largest least slack, at most 1.

    Variables are y, w, s >= 0, where x_i = y_i - w, and the least slack is s more than at the origin. The tableau is in
    integers over one denominator (Edmonds 1967), and Bland's rule (1977) ends it.
    """
    variables = len(rows[0]) - 1
    least = min([1, *(row[-1] for row in rows)])
    if least > 0:
        return [Fraction(0)] * variables
    # rows: sum over nonbasic variables <= right-hand side
    table = [[*(-a for a in row[:-1]), sum(row[:-1]), 1, row[-1] - least] for row in rows]
    table.append([0] * (variables + 1) + [1, 1 - least])
    goal = [0] * (variables + 1) + [-1, 0]
    columns, basis, divisor = list(range(variables + 2)), [variables + 2 + i for i in range(len(table))], 1
    while True:
        entering = [(columns[j], j) for j in range(len(columns)) if goal[j] < 0]
        if not entering or goal[-1] > -least * divisor:
            break
        j = min(entering)[1]
        best = None
        for i, row in enumerate(table):
            if row[j] > 0:
                key = (Fraction(row[-1], row[j]), basis[i])
                if best is None or key < best[0]:
                    best = key, i
        i = best[1]
        divisor = _pivot(table, goal, i, j, divisor)
        columns[j], basis[i] = basis[i], columns[j]
    if goal[-1] <= -least * divisor:
        return None
    value = {name: Fraction(row[-1], divisor) for name, row in zip(basis, table, strict=True)}
    return [value.get(k, Fraction(0)) - value.get(variables, Fraction(0)) for k in range(variables)]


def _pivot(table, goal, i, j, divisor):
    chosen = table[i]
    pivot = chosen[j]
    for row in [*table, goal]:
        if row is not chosen:
            factor = row[j]
            for k in range(len(row)):
                row[k] = (row[k] * pivot - factor * chosen[k]) // divisor
            row[j] = -factor
    chosen[j] = divisor
    return pivot


def contains(network, point, states):
    """Whether the states of all hidden neurons at a point are these; for tests of the referee itself."""
    values, at = np.array(point, dtype=object), []
    for layer in network.layers[:-1]:
        sums = layer.weight @ values + layer.bias
        at += [int(value > 0) for value in sums]
        values = network.activation.apply_exactly(sums)
    return at == [max(state, 0) for state in states]
