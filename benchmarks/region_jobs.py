"""Regions per second of wall-clock time against the number of processes, from the network to the three numbers; and the
seconds of processor time that counting took in all of them.

Random networks as in `benchmarks.regions`; processes are started anew for every count, which is included.
"""

# ruff: noqa: I001 - common sets the number of threads before others are imported
from benchmarks import common  # noqa: F401

import argparse
import json
import time

from benchmarks.regions import SQUARE, he_normal
from nnapprox.regions import jobs
from nnapprox.regions.count import counts
from nnapprox.regions.plane import count_plane

WIDTHS = (2, 384, 384, 384, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--widths", default=",".join(map(str, WIDTHS)), help="of the network, the input's two first")
    parser.add_argument("--jobs", default="1,2", help="numbers of processes (1,2)")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else on stdout")
    options = parser.parse_args()
    network = he_normal(tuple(int(width) for width in options.widths.split(",")))
    began, busy = time.perf_counter(), time.process_time()
    alone = count_plane(network, SQUARE)
    seconds = {"in this process": (time.perf_counter() - began, time.process_time() - busy)}
    for number in map(int, options.jobs.split(",")):
        began, busy = time.perf_counter(), time.process_time()
        *_, count = counts(network, SQUARE, workers=jobs.local_workers(number))
        seconds[f"{number} jobs"] = time.perf_counter() - began, time.process_time() - busy + count.worker_seconds
        found = [(c.activation_regions, c.linear_regions, c.distinct_affine_maps) for c in (alone, count)]
        if found[0] != found[1]:
            raise SystemExit(f"{number} jobs find {found[1]}, not {found[0]}")
    rates = {name: alone.activation_regions / wall for name, (wall, _) in seconds.items()}
    if options.json:
        busy = {name: spent for name, (_, spent) in seconds.items()}
        print(json.dumps({"activation_regions": alone.activation_regions, "regions_per_second": rates, "busy": busy}))
        return
    print(f"[{options.widths}]: {alone.activation_regions:,} activation regions")
    for name, (wall, spent) in seconds.items():
        print(f"{name:<20}{rates[name]:>14,.0f} regions/s{wall:>10.2f} s{spent:>10.2f} s of processors")


if __name__ == "__main__":
    main()
