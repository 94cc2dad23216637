"""Betti numbers by linear algebra: ranks of boundary maps over the field of two elements."""

import itertools


def betti_numbers(simplices):
    """(b0, b1) of a simplicial complex, given by its vertices, edges and triangles as tuples in increasing order."""
    by_size = {size: sorted(s for s in set(simplices) if len(s) == size) for size in (1, 2, 3)}
    edges, triangles = (boundary_rank(by_size[size], by_size[size - 1]) for size in (2, 3))
    return len(by_size[1]) - edges, len(by_size[2]) - edges - triangles


def boundary_rank(simplices, faces):
    place = {face: k for k, face in enumerate(faces)}
    pivots = {}
    for simplex in simplices:
        row = 0
        for face in itertools.combinations(simplex, len(simplex) - 1):
            row ^= 1 << place[face]
        while row:
            top = row.bit_length()
            if top not in pivots:
                pivots[top] = row
                break
            row ^= pivots[top]
    return len(pivots)


def order_complex(faces):
    """Chains of sets by inclusion, as simplices on the places of the sets."""
    below = {k: [j for j, face in enumerate(faces) if face < faces[k]] for k in range(len(faces))}
    chains = [(k,) for k in below]
    chains += [tuple(sorted((j, k))) for k in below for j in below[k]]
    chains += [tuple(sorted((i, j, k))) for k in below for j in below[k] for i in below[j]]
    return chains


def nerve(places, meet):
    """The nerve of sets up to triangles; `meet` tells whether some of them have a point in common."""
    vertices = [(k,) for k in places if meet((k,))]
    edges = [pair for pair in itertools.combinations([k for (k,) in vertices], 2) if meet(pair)]
    known = set(edges)
    triangles = [
        (*pair, k)
        for pair in edges
        for (k,) in vertices
        if k > pair[1] and {(pair[0], k), (pair[1], k)} <= known and meet((*pair, k))
    ]
    return [*vertices, *edges, *triangles]
