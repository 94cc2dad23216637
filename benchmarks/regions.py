"""Regions in the plane per second of process CPU time, on one core, counted from the network to the number: activation
regions alone, and all three numbers, as linear regions and distinct affine maps are counted together.

Random networks: He-normal weights, normal biases of standard deviation 0.1, the square [-1, 1]^2. The peer subdivides
vertices and edges neuron by neuron in vectorised NumPy, in float64 without exact decisions; it must find as many.
Exact constructions: most of what has to be decided is 0, and only integers tell.
Memory: the largest that a process of its own has held while it counts 5 million regions.
"""

# ruff: noqa: I001 - common sets the number of threads before others are imported
from benchmarks import common

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from itertools import pairwise
from multiprocessing import get_context
from resource import RUSAGE_SELF, getrusage

import numpy as np

from nnapprox import Affine, Network
from nnapprox.calculus import affine, compose, parallel
from nnapprox.regions.plane import count_plane
from nnapprox.regions.region_count import RegionCount

SQUARE = [(-1, 1)] * 2
UNIT = [(0, 1)] * 2

RANDOM = {
    (2, 4000, 1): None,
    (2, 16, 16, 1): None,
    (2, 256, 256, 1): 1e6,
    (2, 64, 64, 64, 1): 1.5e6,
    (2, *[64] * 8, 1): 0.15e6,
}
"""Widths, and the activation regions per second that are wanted; of all three numbers, half of that."""

WANTED_EXACT = 30_000
WANTED_RATIO = 15
WANTED_MEGABYTES = 300
MEMORY = (2, 3330, 1)
PEER_UP_TO = 10**6
"""The peer keeps all regions in memory: it is left out where there are more."""


def he_normal(widths: tuple[int, ...], seed: int = 0) -> Network:
    rng = np.random.default_rng(seed)
    return Network(
        Affine(rng.normal(size=(outputs, inputs)) * np.sqrt(2 / inputs), 0.1 * rng.normal(size=outputs))
        for inputs, outputs in pairwise(widths)
    )


def grid(lines: int) -> Network:
    """Lines parallel to both axes, and diagonals through all their crossings."""
    places = [-k / lines for k in range(1, lines)]
    rows = [[1, 0]] * len(places) + [[0, 1]] * len(places) + [[1, -1]] * len(places)
    return Network([Affine(np.array(rows, float), np.array(places * 3)), Affine(np.ones((1, len(rows))), np.zeros(1))])


def exact_constructions() -> dict[str, Network]:
    """Networks on the unit square whose neurons vanish together in many points and on many lines."""
    tent = Network([Affine([[1], [1]], [0, Fraction(-1, 2)]), Affine([[2, -4]], [0])])
    sawtooth, folds = affine([[1, 0]]), affine([[1, 0], [0, 1]])
    for _ in range(16):
        sawtooth = compose(tent, sawtooth)
    for _ in range(8):
        folds = compose(parallel([tent] * 2), folds)
    return {
        "sawtooth of one coordinate": sawtooth,
        "folds of both coordinates": folds,
        "grid with diagonals": grid(128),
    }


def subdivide(network: Network) -> int:
    """The peer: faces of the square after cutting vertices, edges and faces by one neuron after the other."""
    values = np.array([[-1.0, 1, 1, -1], [-1, -1, 1, 1]])
    edges = np.array([[0, 1, 2, 3], [1, 2, 3, 0]])
    sides = np.array([[0] * 4, [-1] * 4])
    faces = 1
    for number, layer in enumerate(network.layers[:-1]):
        values = layer.weight @ (np.maximum(values, 0) if number else values) + layer.bias[:, None]
        count = values.shape[1]
        for k in range(len(values)):
            at = values[k, :count]
            positive = at > 0
            start, end = np.where(positive[edges[0]] & ~positive[edges[1]], edges[::-1], edges)
            cut = ~positive[start] & positive[end]
            a, b = start[cut], end[cut]
            t = at[a] / (at[a] - at[b])
            new = count + np.arange(len(a))
            count += len(a)
            if count > values.shape[1]:
                values = np.concatenate([values, np.empty((len(values), count))], axis=1)
            values[:, new] = values[:, a] * (1 - t) + values[:, b] * t
            values[k, new] = 0
            # Every face that is cut is so at two new vertices: they become the ends of the edge between its parts.
            met, vertex = sides[:, cut].ravel(), np.tile(new, 2)
            inside = met >= 0
            order = np.argsort(met[inside], kind="stable")
            parted = met[inside][order][::2]
            between = vertex[inside][order].reshape(-1, 2).T
            renamed = np.append(np.arange(faces), -1)
            renamed[parted] = faces + np.arange(len(parted))
            above = renamed[sides[:, cut]]
            sides = np.where(positive[end] & ~cut, renamed[sides], sides)
            sides = np.concatenate([sides, above, [parted, renamed[parted]]], axis=1)
            end[cut] = new
            edges = np.concatenate([[start, end], [new, b], between], axis=1)
            faces += len(parted)
        values = values[:, :count]
    return faces


def measure(network: Network, domain: list[tuple[int, int]], rounds: int, with_peer: bool) -> dict[str, object]:
    told: RegionCount = count_plane(network, domain)
    regions = told.activation_regions
    runs = {
        "nnapprox": lambda net: count_plane(net, domain, activation_only=True),
        "nnapprox, all numbers": lambda net: count_plane(net, domain),
    }
    if with_peer and regions <= PEER_UP_TO:
        if (found := subdivide(network)) != regions:
            raise SystemExit(f"the peer finds {found} regions, not {regions}")
        runs["numpy"] = subdivide
    seconds = common.interleaved(runs, [network] * (rounds + 1))
    return {
        "activation_regions": regions,
        "linear_regions": told.linear_regions,
        "distinct_affine_maps": told.distinct_affine_maps,
        "predicates": told.predicates,
        "exact_fallbacks": told.exact_fallbacks,
        "regions_per_second": {name: regions / spent for name, spent in seconds.items()},
    }


def megabytes(activation_only: bool) -> dict[str, float]:
    """Memory of a process that counts; called in one of its own."""
    told = count_plane(he_normal(MEMORY), SQUARE, activation_only=activation_only)
    return {"regions": told.activation_regions, "megabytes": getrusage(RUSAGE_SELF).ru_maxrss / 1024}


def show(name: str, result: dict[str, object]) -> None:
    rates, wanted = result["regions_per_second"], result["wanted"]
    print(
        f"{name:<28}{result['activation_regions']:>11,}{result['linear_regions']:>11,}{result['predicates']:>15,}"
        f"{result['exact_fallbacks']:>10,}{rates['nnapprox']:>14,.0f}{f'{wanted:,.0f}' if wanted else '':>11}"
        f"{rates['nnapprox, all numbers']:>13,.0f}{f'{wanted / 2:,.0f}' if wanted else '':>9}"
        + (f"{rates['numpy']:>11,.0f}{rates['nnapprox'] / rates['numpy']:>7.1f}x" if "numpy" in rates else "")
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="timed rounds, after one that is not (3)")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else on stdout")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error(f"--rounds must be at least 1, not {options.rounds}")
    results = {}
    for kind, activation_only in {"activation regions": True, "all three numbers": False}.items():
        # before anything else: what this process has held would count as held by its children
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            results[f"memory, {kind}"] = held = process.submit(megabytes, activation_only).result()
        if not options.json:
            print(
                f"{held['regions']:,} regions, {kind}: {held['megabytes']:.0f} MB (at most {WANTED_MEGABYTES} wanted)"
            )
    if not options.json:
        print(
            f"{'':<28}{'activation':>11}{'linear':>11}{'predicates':>15}{'integers':>10}{'activation/s':>14}{'wanted':>11}"
            f"{'all/s':>13}{'wanted':>9}{'numpy':>11}{f'>{WANTED_RATIO}x':>8}"
        )
    cases = [(str(list(widths)), he_normal(widths), SQUARE, wanted) for widths, wanted in RANDOM.items()]
    cases += [(name, network, UNIT, WANTED_EXACT) for name, network in exact_constructions().items()]
    for name, network, domain, wanted in cases:
        results[name] = {**measure(network, domain, options.rounds, domain is SQUARE), "wanted": wanted}
        if not options.json:
            show(name, results[name])
    if options.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
