"""Stored bits against error, measured: writes docs/quantization.md and docs/pictures/quantization-*.png.

python -m benchmarks.quantization_gallery --nncodec PYTHON

Some ten minutes of one processor, and as many again where NNCodec has not seen the networks yet: what it makes of them
is kept in the folder for caches.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from fractions import Fraction
from math import isclose, log2
from pathlib import Path

from benchmarks.common import mnist
from benchmarks.peers import codecs, mpeg_nnr
from benchmarks.pictures import DOCS, save
from benchmarks.quantize import ERRORS, Row, Subject, decoded_a_second, nncodec_python
from nnapprox import constructions, quantization_plots, rate_plots, rates
from nnapprox.cli.output import accuracy_text
from nnapprox.constructions.construction import UNIT
from nnapprox.datasets.cache import cache_folder
from nnapprox.files.grid_code import lossless_bits
from nnapprox.functions import parse
from nnapprox.quantization.grid import Measured, Yardstick, grids_of_curve

KINDS = {
    "small": ("20,20", "squared", (0, 1, 2)),
    "large": ("300,100", "squared", (0, 1)),
    "large-entropy": ("300,100", "cross-entropy", (0, 1)),
}
"""Hidden widths, losses and seeds."""

FINER = tuple(10 ** (-1 - k / 3) for k in range(7))
"""The curve of the large network: the three errors, and two between them each."""

GOALS = {(784, 20, 20, 10): (2_000, 6_400, 12_400), (784, 300, 100, 10): (12_500, 49_000, 129_000)}
"""Bytes at the three errors, set for networks of 96.35 and 98.21 percent."""

GOAL_RATIO = 1.8
"""To NNCodec at the first two errors."""

GOAL_SECONDS = {(784, 20, 20, 10): (5, 40), (784, 300, 100, 10): (40, None)}
"""For one target and for the whole curve."""

GOAL_DECODED = 2e6

DEPTHS = range(2, 13)
COARSEST, FINEST = 3, 12
"""Grids for the networks of MNIST."""


def trained(hidden: str, loss: str, seed: int) -> Path:
    """A network as ``nnapprox train`` makes it now."""
    path = cache_folder() / "benchmarks" / f"mnist-{hidden.replace(',', '-')}-{loss}-seed-{seed}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    command = f"-m nnapprox train --dataset mnist --hidden {hidden} --loss {loss} --seed {seed} --quiet -o"
    subprocess.run([sys.executable, *command.split(), path], check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    return path


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """A table in Markdown: names to the left, numbers to the right."""
    lines = [f"| {' | '.join(header)} |", f"| --- |{' ---: |' * (len(header) - 1)}"]
    return ["", *lines, *(f"| {' | '.join(map(str, row))} |" for row in rows), ""]


def verdict(value: float, limit: float, *, least: bool = False) -> str:
    """Whether a goal is reached."""
    reached = value >= limit if least else value <= limit
    return "yes" if reached else f"**no**, {abs(value / limit - 1):.1%} off"


def tell(text: str) -> None:
    print(f"{time.process_time():5.0f} s  {text}", file=sys.stderr, flush=True)


class Networks:
    """All networks of one kind, what was made of them, and the parts of the page about them."""

    def __init__(self, kind: str, python: str | None) -> None:
        self.kind, (hidden, self.loss, seeds) = kind, KINDS[kind]
        data, _ = mnist()
        self.subjects = [Subject(trained(hidden, self.loss, seed), data) for seed in seeds]
        self.points: list[list[Row]] = []
        self.streams: list[list[mpeg_nnr.Stream]] = []
        self.gptq: list[list[tuple[float, float] | None]] = []
        self.curves: list[list[Row]] = []
        for number, subject in enumerate(self.subjects):
            tell(subject.path.name)
            if kind == "small":
                self.curves.append(list(subject.whole_curve()))
                self.points.append(list(subject.at_errors(ERRORS)))
            elif not number:
                self.curves.append(list(subject.at_errors(FINER)))
                self.points.append([row for row in self.curves[0] if any(isclose(row.target, e) for e in ERRORS)])
            else:
                self.points.append(list(subject.at_errors(ERRORS)))
            tell("peers")
            self.streams.append(subject.nncodec(python) if python else [])
            self.gptq.append([subject.gptq(row.relative_error) for row in self.points[-1]])
        self.grids = self._on_grids(self.subjects[0])

    @property
    def widths(self) -> tuple[int, ...]:
        return self.subjects[0].network.widths

    @property
    def name(self) -> str:
        """What tells these networks from others."""
        return f"{list(self.widths)}" + (f", {self.loss}" if self.loss != "squared" else "")

    @staticmethod
    def _on_grids(subject: Subject) -> list[Measured]:
        yardstick = Yardstick(subject.network, points=subject.inputs.measured)
        with tempfile.TemporaryDirectory() as folder:
            return list(yardstick.curve(range(COARSEST, FINEST + 1), f"{folder}/network.nng"))

    def targets(self) -> list[list[object]]:
        """Bytes at the three errors, beside the goals and the peers."""
        lines = []
        for subject, rows, streams, gptq in zip(self.subjects, self.points, self.streams, self.gptq, strict=True):
            accuracy, _ = subject.accuracy(subject.exact)
            name = f"{self.name}, seed {subject.path.stem.rsplit('-', 1)[1]}, {100 * accuracy:.2f} %"
            for number, row in enumerate(rows):
                goal = GOALS[self.widths][number]
                stream, other = mpeg_nnr.smallest(streams, row.relative_error), gptq[number]
                ratio = stream and stream.size / row.size
                least = GOAL_RATIO if number < 2 else 0
                lines.append([
                    name if not number else "", f"{row.target:.0e}", f"{row.relative_error:.2e}", f"{row.size:,}",
                    f"{goal:,}", verdict(row.size, goal), f"{row.reference_bits / 8:,.0f}",
                    f"{stream.size:,}" if stream else "-",
                    f"{ratio:.2f}" + (f" ({verdict(ratio, least, least=True)})" if least else "") if ratio else "-",
                    *([f"{other[0]:,.0f}", f"{other[0] / row.size:.2f}"] if other else "--"),
                ])  # fmt: skip
        return lines

    def ratios(self) -> list[str]:
        """How much smaller than NNCodec's the files are, in words."""
        lines = []
        for number, target in enumerate(ERRORS):
            found = [
                stream.size / rows[number].size
                for rows, streams in zip(self.points, self.streams, strict=True)
                if (stream := mpeg_nnr.smallest(streams, rows[number].relative_error))
            ]
            if found:
                lines.append(f"{min(found):.2f} to {max(found):.2f} at {target:.0e}")
        return [f"{self.name}: NNCodec's files are larger by factors of {', '.join(lines)}.", ""] if lines else []

    def curve_tables(self) -> list[str]:
        """The whole curves."""
        lines = []
        for subject, curve in zip(self.subjects, self.curves, strict=False):
            accuracy, deviation = subject.accuracy(subject.exact)
            lines += [
                f"{self.name}, seed {subject.path.stem.rsplit('-', 1)[1]}: {subject.network.parameters:,} weights, "
                f"{4 * subject.network.parameters:,} bytes in float32, {accuracy_text(accuracy, deviation)} %.",
                *table(
                    ["bytes", "bits/weight", "relative L2 error", "sup error", "accuracy %", "reference", "ratio"],
                    [
                        [
                            f"{row.size:,}", f"{row.bits / subject.network.parameters:.3f}",
                            f"{row.relative_error:.3e}", f"{row.sup_error:.3g}",
                            accuracy_text(row.accuracy, row.standard_error), f"{row.reference_bits / 8:,.0f}",
                            f"{row.bits / row.reference_bits:.2f}",
                        ]
                        for row in curve
                    ],
                ),
            ]  # fmt: skip
        return lines

    def grid_table(self) -> list[str]:
        """The theorem's code for the first network."""
        rows = [
            [point.stored.fractional_bits, f"{point.stored.edges:,}", f"{point.stored.bits:,}",
             f"{point.stored.constant:.3f}", f"{point.relative_error:.2e}"]
            for point in self.grids
        ]  # fmt: skip
        return table(["k", "M", "bits", "C", "relative L2 error"], rows)

    def picture(self) -> list[str]:
        """Everything against bits."""
        subject, eight = self.subjects[0], codecs.int8(self.subjects[0].exact)
        streams = [(8 * stream.size, stream.error) for stream in self.streams[0]]
        others = {
            "the theorem's code, one grid": [(p.stored.bits, p.relative_error or 0.0) for p in self.grids],
            "NNCodec (MPEG NNR), tuned": streams,
            "GPTQ, order-0 entropy": [(8 * size, error) for size, error in filter(None, self.gptq[0])],
            "int8 a row, xz": [(8 * eight[1], subject.error(eight[0]))],
        }
        curve = [asdict(row) | {"bits": row.bits} for row in self.curves[0]]
        title = f"{self.name} on MNIST, seed 0"
        shown = {name: points for name, points in others.items() if points}
        figure = quantization_plots.error_against_bits(curve, shown, title, subject.network.nonzeros)
        return [*save(figure, f"quantization-{self.kind}", title), ""]

    def timings(self) -> list[list[object]]:
        """Seconds beside their goals."""
        one, whole = GOAL_SECONDS[self.widths]
        slowest = max(row.seconds for rows in self.points for row in rows)
        decoded = min(decoded_a_second(rows[1].content) for rows in self.points)
        lines: list[list[object]] = [
            [f"{self.name}: one target, the slowest", f"{slowest:.1f} s", f"{one} s", verdict(slowest, one)],
            [f"{self.name}: decoding, at 1e-2", f"{decoded / 1e6:.1f} million weights/s",
             f"{GOAL_DECODED / 1e6:.0f} million", verdict(decoded, GOAL_DECODED, least=True)],
        ]  # fmt: skip
        if whole:
            curve = max(sum(row.seconds for row in rows) for rows in self.curves)
            name = f"{self.name}: the whole curve of {len(self.curves[0])} points, the slowest"
            lines.append([name, f"{curve:.1f} s", f"{whole} s", verdict(curve, whole)])
        return lines


def squares() -> list[str]:
    """The theorem's code over the squares, each without loss."""
    rows, target = [], parse("x^2")
    with tempfile.TemporaryDirectory() as folder:
        for depth in DEPTHS:
            network = constructions.build("square", depth=depth).network
            (last,) = Yardstick(network, UNIT, target).curve([lossless_bits(network)], f"{folder}/square.nng")
            stored, error = last.stored, Fraction(1, 4 ** (depth + 1))
            assert stored.lossless  # the page says so
            assert last.target_certificate is not None
            assert last.target_certificate.upper == error
            per = stored.bits / (stored.edges * (log2(stored.edges) - log2(error)))
            rows.append(
                [depth, stored.fractional_bits, stored.edges, f"{stored.bits:,}", f"{stored.constant:.3f}",
                 f"2^-{2 * depth + 2}", f"{per:.3f}"]
            )  # fmt: skip
    header = ["depth", "k", "M", "bits", "C = bits / (M log2 M)", "sup error", "bits / (M (log2 M + log2 1/error))"]
    return table(header, rows)


def square_on_grids() -> list[str]:
    """The square of depth 4 on every grid."""
    network = constructions.build("square", depth=4).network
    with tempfile.TemporaryDirectory() as folder:
        points = list(Yardstick(network, UNIT, parse("x^2")).curve(grids_of_curve(network), f"{folder}/square.nng"))
    rows = [
        [point.stored.fractional_bits, point.stored.edges, point.stored.bits, f"{point.stored.constant:.3f}",
         point.certificate and point.certificate.upper, point.target_certificate and point.target_certificate.upper,
         f"{float(point.bound or 0):.3g}", "yes" if point.stored.lossless else "no"]
        for point in points
    ]  # fmt: skip
    title = "square --depth 4 on grids"
    header = ["k", "M", "bits", "C", "sup error", "to x^2", "a-priori bound", "lossless"]
    return [
        *table(header, rows),
        *save(quantization_plots.grid_curve(points, f"{title} $2^{{-k}}\\mathbb{{Z}}$"), "quantization-square", title),
        "",
    ]


def effective_rates() -> list[str]:
    """All families, fitted."""
    found, rows = {}, []
    for name, family in rates.FAMILIES.items():
        tell(f"rate {name}")
        rate = rates.rate(list(rates.measure(family)))
        found[name] = (rate, family)
        first, last = rate.points[0], rate.points[-1]
        exponential = rate.exponential if family.exponent is None else None
        rows.append([
            name, family.function_class, f"{first.bits:,} to {last.bits:,}", f"{float(last.error):.2g}",
            _fitted(rate.by_bits, -1), _fitted(rate.by_length, -1) if rate.by_length else "",
            "every power" if family.exponent is None else f"{family.exponent:g}",
            _fitted(exponential, 1) if exponential else "",
        ])  # fmt: skip
    header = ["family", "class", "bits", "last error", "γ fitted", "γ without the log", "γ* = 1/s(C), quoted", "a"]
    return [
        *table(header, rows),
        *save(rate_plots.rate_curves(found), "quantization-rates", "Effective rates of all families"),
    ]


def _fitted(fit: rates.Fit, sign: int) -> str:
    return f"{sign * fit.slope:.3f} ± {fit.half_width or 0:.3f}"


def page(kinds: Sequence[Networks]) -> list[str]:
    lines = [
        "# Stored bits against error: measured",
        "",
        "`python -m benchmarks.quantization_gallery` wrote this page; [storage](storage.md) says how to do the same. "
        "Every figure is that of a file that was written and read back. Networks were trained by `nnapprox train` on "
        "MNIST; errors and accuracies are those on its 10,000 test images, from which the encoder learns nothing; "
        "seconds are those of the processor.",
        "",
        "## Bytes at three errors",
        "",
        "A target is met on the test images, and all peers get the coarsest steps that keep the same error. NNCodec "
        "(MPEG NNR, DeepCABAC) is at its best: a step for every tensor, dependent quantisation on or off, its "
        "rate-distortion search on or off, chosen on the test images themselves. GPTQ is Frantar et al. (2022) "
        "with steps by layers' sensitivities and the order-0 entropy of its integers. Goals were set for "
        "networks of 96.35 % and 98.21 %.",
        *table(
            ["network", "target", "error", "bytes", "goal", "reached", "reference", "NNCodec",
             f"ratio (goal {GOAL_RATIO})", "GPTQ", "ratio"],
            [row for kind in kinds for row in kind.targets()],
        ),
        *(line for kind in kinds for line in kind.ratios()),
        "The reference is reverse water-filling: the bits of independent Gaussian weights whose errors count as these "
        "do at the outputs. Weights are neither, so that it is no bound.",
        "",
        "## The curves",
    ]  # fmt: skip
    for kind in kinds:
        lines += [*kind.picture(), *kind.curve_tables()]
    lines += [
        "## Time",
        *table(["what", "measured", "goal", "reached"], [row for kind in kinds for row in kind.timings()]),
        "## The theorem's code",
        "",
        "All weights on one grid 2^-k Z, and the literal string of M edges (`nnapprox quantize --grid`).",
        "",
    ]
    for kind in kinds:
        lines += [f"{kind.name}, seed 0:", *kind.grid_table()]
    lines += ["`square --depth 4`: errors are exact, and not monotone.", *square_on_grids()]
    lines += [
        "The squares, each on the grid that loses nothing; the error to x^2 is exact. M = 8 m - 3 at depth m is far "
        "from polynomial in 1/error = 4^(m+1), so that C grows slowly, while the bits fall against "
        "M (log2 M + log2 1/error):",
        *squares(),
    ]
    lines += [
        "## Effective rates",
        "",
        "Families of networks of growing size, each stored on the coarsest grid that adds no more than it errs by "
        "(`nnapprox rate FAMILY`), and the fit of error ~ bits^-γ with the 95 % interval of a least-squares line. "
        "M log2 M bits for M edges cost a logarithm, which the next column takes out. Where errors fall faster than "
        "every power, a is that of error ~ 2^-(c bits^a).",
        *effective_rates(),
    ]
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    nncodec_python(parser)
    arguments = parser.parse_args()
    if not arguments.nncodec:
        tell("NNCodec is left out: name a Python that has it with --nncodec")
    lines = page([Networks(kind, arguments.nncodec) for kind in KINDS])
    (DOCS / "quantization.md").write_text("\n".join([*lines, ""]), encoding="utf-8")
    tell("done")


if __name__ == "__main__":
    main()
