"""Regions in three to six dimensions per second of process CPU time, on one core, from the network to the number.

He-normal weights, normal biases of standard deviation 0.1, the cube [-1, 1]^d; folds, where only integers decide; and
all of R^d, the plane included. First activation regions alone, then linear regions and affine maps as well.
"""

# ruff: noqa: I001 - common sets the number of threads before others are imported
from benchmarks import common

from fractions import Fraction
from functools import partial

from nnapprox import Network
from nnapprox.calculus import affine, compose, parallel
from nnapprox.network import Affine
from nnapprox.regions import RegionCount, count_regions
from nnapprox.regions.domain import Domain

from benchmarks.regions import he_normal

WANTED = {(3, 32, 32, 1): 1e6, (4, 16, 16, 1): 1e6}
"""Activation regions per second; linear regions at half of that."""

OTHERS = [(3, 16, 16, 16, 16, 1), (4, 32, 1), (5, 10, 10, 1), (6, 9, 9, 1)]

WANTED_EVERYWHERE = {(2, 256, 256, 1): 3e5, (3, 32, 32, 1): 1e5}
"""The same on all of R^d."""

OTHERS_EVERYWHERE = [(2, 64, 64, 64, 1), (4, 16, 16, 1), (5, 10, 10, 1), (6, 9, 9, 1)]


def folds(dimension: int, layers: int) -> Network:
    tent = Network([Affine([[1], [1]], [0, Fraction(-1, 2)]), Affine([[2, -4]], [0])])
    network = parallel([tent] * dimension)
    for _ in range(layers - 1):
        network = compose(parallel([tent] * dimension), network)
    return compose(affine([list(range(1, dimension + 1))]), network)


def main() -> None:
    print(f"{'':<32}{'regions':>11}{'predicates':>13}{'integers':>10}{'regions/s':>13}{'linear/s':>13}{'wanted':>12}")
    cases: list[tuple[str, Network, Domain, float | None]] = []
    for widths in [*WANTED, *OTHERS]:
        cases.append((str(list(widths)), he_normal(widths), [(-1, 1)] * widths[0], WANTED.get(widths)))
    for d, layers in ((3, 4), (4, 2)):
        cases.append((f"folds in {d} dimensions", folds(d, layers), [(-1, 1)] * d, None))
    for widths in [*WANTED_EVERYWHERE, *OTHERS_EVERYWHERE]:
        cases.append((f"{list(widths)} on R^{widths[0]}", he_normal(widths), "all", WANTED_EVERYWHERE.get(widths)))
    for name, network, domain, wanted in cases:

        def run(one: Network, activation_only: bool, domain: Domain = domain) -> RegionCount:
            return count_regions(one, domain, activation_only=activation_only)

        told = run(network, True)
        runs = {"all": partial(run, activation_only=False), "activation": partial(run, activation_only=True)}
        seconds = common.interleaved(runs, [network] * 4)
        regions = told.activation_regions
        print(
            f"{name:<32}{regions:>11,}{told.predicates:>13,}{told.exact_fallbacks:>10,}"
            f"{regions / seconds['activation']:>13,.0f}{regions / seconds['all']:>13,.0f}"
            + (f"{wanted:>12,.0f}" if wanted else "")
        )


if __name__ == "__main__":
    main()
