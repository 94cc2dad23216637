"""Stored bytes against error on MNIST networks: the codec beside NNCodec, GPTQ, and int8 with xz.

Every size of ours is that of a file that was written, read back and measured on the test images; the peers get the
coarsest steps that keep the error that was measured of ours. NNCodec (MPEG NNR) is run where --nncodec or
$NNCODEC_PYTHON names a Python that has it, and tuned as peers/mpeg_nnr.py says.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.common import mnist
from benchmarks.peers import codecs, mpeg_nnr
from nnapprox import Network, files
from nnapprox.datasets import Dataset
from nnapprox.datasets.cache import cache_folder
from nnapprox.files import nnq
from nnapprox.quantization import calibration, curve, distance
from nnapprox.quantization.encoder import Quantizer
from nnapprox.quantization_plots import error_against_bits

ERRORS = (1e-1, 1e-2, 1e-3)
ROUNDS = 15


@dataclass(frozen=True)
class Row:
    """A file of the codec, and what was measured on it; `seconds` are those of the processor for finding it."""

    target: float
    size: int
    relative_error: float
    sup_error: float
    accuracy: float
    standard_error: float
    reference_bits: float
    seconds: float
    content: bytes

    @property
    def bits(self) -> int:
        return 8 * self.size


class Subject:
    """A network that was trained on MNIST, with all that files of it are measured by."""

    def __init__(self, path: str | Path, data: Dataset) -> None:
        self.path, self.network = Path(path), files.load(path)
        self.exact = self.network.astype("float64")
        self.inputs = calibration.of_dataset(self.network, data)
        self.original = self.exact(self.inputs.measured)
        self.data = data

    @cached_property
    def quantizer(self) -> Quantizer:
        inputs, metadata = self.inputs, {"dataset": {"name": self.data.name}}
        return Quantizer(self.network, inputs.learnt, inputs.image, metadata, inputs.gram, inputs.deciding)

    def error(self, other: Network, count: int | None = None) -> float:
        """Relative L2 error of the outputs on some of the test images, or on all."""
        return distance.relative_error(other, self.original[:count], self.inputs.measured[:count])

    def accuracy(self, other: Network) -> tuple[float, float]:
        """On the test labels, with its standard error."""
        share = float(np.mean(other.astype("float64")(self.inputs.measured).argmax(axis=1) == self.inputs.labels))
        return share, float(np.sqrt(share * (1 - share) / len(self.inputs.measured)))

    def at_errors(self, errors: Iterable[float]) -> Iterator[Row]:
        """A file for every error, each found anew."""
        for error in errors:
            began = time.process_time()
            point = curve.at_error(self.quantizer, error)
            yield self._measured(point, error, time.process_time() - began)

    def whole_curve(self) -> Iterator[Row]:
        """The whole curve, as the command draws it."""
        began = time.process_time()
        for error, point in zip(curve.CURVE, curve.curve(self.quantizer), strict=True):
            found = time.process_time()
            yield self._measured(point, error, found - began)
            began = time.process_time()

    def _measured(self, point: curve.Point, target: float, seconds: float) -> Row:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "network.nnq"
            path.write_bytes(point.content)
            decoded, size = files.load(path), path.stat().st_size
        error = self.error(decoded)
        return Row(
            target, size, error, distance.sup_error(decoded, self.original, self.inputs.measured),
            *self.accuracy(decoded), self.quantizer.reference_bits(error), seconds, point.content,
        )  # fmt: skip

    def nncodec(self, python: str) -> list[mpeg_nnr.Stream]:
        """NNCodec at its best; kept in the folder for caches, as it takes minutes and does not change."""
        return mpeg_nnr.tuned(python, self.exact, self.error, cache_folder() / "benchmarks")

    def gptq(self, error: float) -> tuple[float, float] | None:
        """Bytes and error of the coarsest GPTQ that keeps an error."""
        seen = (self.data.x_train != 0).any(axis=0)
        return codecs.gptq_at(self.exact, self.inputs.learnt, seen, self.error, error)


def decoded_a_second(content: bytes) -> float:
    """Weights that are decoded in a second of the processor, the median of several rounds.

    Seconds are those of this thread: others of the process may still be spinning after a product of matrices.
    """
    seconds: list[float] = []
    for _ in range(ROUNDS):
        began = time.thread_time()
        network = nnq.from_bytes(content).network()
        seconds.append(time.thread_time() - began)
    return network.parameters / median(seconds)


def nncodec_python(parser: argparse.ArgumentParser) -> None:
    """Add the option that names it."""
    parser.add_argument("--nncodec", default=os.environ.get("NNCODEC_PYTHON"), help="a Python that has NNCodec")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="+", help="files that nnapprox train wrote")
    parser.add_argument("--plot", help="where the picture of the first network goes")
    nncodec_python(parser)
    arguments = parser.parse_args()
    data, _ = mnist()
    for path in arguments.networks:
        subject = Subject(path, data)
        eight, eight_bytes = codecs.int8(subject.exact)
        print(f"{path} {list(subject.network.widths)}: int8 + xz {eight_bytes:,} bytes at {subject.error(eight):.2e}")
        streams = subject.nncodec(arguments.nncodec) if arguments.nncodec else []
        print("  target    bytes  measured seconds  NNCodec ratio     GPTQ ratio reference")
        rows, gptq = [], []
        for row in subject.at_errors(ERRORS):
            rows.append(row)
            stream = mpeg_nnr.smallest(streams, row.relative_error)
            beside = f"{stream.size:8,} {stream.size / row.size:5.2f}" if stream else f"{'-':>8} {'-':>5}"
            other = subject.gptq(row.relative_error)
            gptq += [(8 * other[0], other[1])] if other else []
            last = f"{other[0]:8,.0f} {other[0] / row.size:5.2f}" if other else f"{'-':>8} {'-':>5}"
            print(
                f"{row.target:8.0e} {row.size:8,} {row.relative_error:9.2e} {row.seconds:7.2f} {beside} "
                f"{last} {row.reference_bits / 8:9,.0f}",
                flush=True,
            )
        if arguments.plot and path == arguments.networks[0]:
            others = {"NNCodec, tuned": [(8 * stream.size, stream.error) for stream in streams], "GPTQ": gptq}
            shown = {name: points for name, points in others.items() if points}
            figure = error_against_bits([vars(row) | {"bits": row.bits} for row in rows], shown, subject.path.name)
            figure.savefig(arguments.plot, dpi=150)


if __name__ == "__main__":
    main()
