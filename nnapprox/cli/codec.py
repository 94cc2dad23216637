"""``nnapprox quantize``: files as small as they get, and what is measured on them."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from nnapprox.cli import output
from nnapprox.cli.grid import source_bits

if TYPE_CHECKING:
    from nnapprox.certificate import Domain
    from nnapprox.files import NetworkFile
    from nnapprox.network import Network
    from nnapprox.quantization.calibration import Inputs
    from nnapprox.quantization.curve import Point
    from nnapprox.quantization.encoder import Quantizer

THEOREM = {
    "statement": "M edges are stored in C M log2 M bits; reverse water-filling is a reference, not a bound",
    "source": "Bölcskei, Grohs, Kutyniok and Petersen (2019); Cover and Thomas (2006), theorem 10.3.3",
}


@dataclass(frozen=True)
class Target:
    """What is asked for, at most one of these; with none, the whole curve."""

    error: Fraction | None = None
    size: int | None = None
    accuracy_drop: float | None = None
    bits_per_weight: float | None = None


def quantize_by_codec(
    file: Path, stored: NetworkFile, target: Target, inputs: Inputs, domain: Domain | None, out: str | None,
    c_header: str | None, plot: str | None, as_json: bool, quiet: bool,
) -> None:  # fmt: skip
    """Quantise a network to a target or along the curve, and tell what the files that were written hold.

    A curve that is interrupted is told up to there.
    """
    from nnapprox.quantization.encoder import Quantizer

    path = out or (None if target == Target() else f"{file.stem}.nnq")
    meter = _Meter(stored.network, inputs, domain)
    network = meter.network
    on_grids: list[tuple[float, float]] = []
    with output.progress(quiet) as report:
        metadata = _kept(stored.metadata)
        quantizer = Quantizer(network, inputs.learnt, inputs.image, metadata, inputs.gram, inputs.deciding)
        measured = (meter.measure(point, path, quantizer) for point in _points(quantizer, target, meter, report))
        curve, interrupted = output.gathered(measured, 1, "points of the curve")
        if plot is not None and not interrupted:
            least = min(point["relative_error"] for point in curve)
            on_grids, interrupted = output.gathered(_on_grids(network, inputs, least, report), 0, "grids")
    curve = _undominated(curve)
    told = {
        "network": output.network_json(stored.network, file),
        "source_bits": source_bits(stored),
        "source_accuracy": meter.accuracy(network),
        "curve": curve,
        "theorem": THEOREM,
    }
    if c_header is not None and path is not None:
        told["c_header"] = write_header(Path(path), c_header)
    if plot is not None:
        from nnapprox import plots, quantization_plots

        others = {"the theorem's code, one grid": on_grids} if on_grids else {}
        title = f"{file.name}, {list(network.widths)}"
        plots.save(quantization_plots.error_against_bits(curve, others, title, network.nonzeros), plot)
        output.note(f"wrote {plot}")
    if as_json:
        output.print_json(told)
    else:
        _print(told, meter, path)
    if interrupted:
        raise KeyboardInterrupt


def write_header(file: Path, path: str) -> dict[str, Any]:
    """Write the network of a .nnq file as a C header, and tell what it takes."""
    from dataclasses import asdict

    from nnapprox.files.nnq import read_encoded
    from nnapprox.quantization.c_header import write_c_header

    footprint = write_c_header(read_encoded(file), path, f"The network of {file.name}.")
    return {"path": path, **{f"{name}_bytes": size for name, size in asdict(footprint).items()}}


def header_text(told: dict[str, Any]) -> dict[str, object]:
    """The same in words."""
    return {
        "C header": told["path"],
        "flash": f"{told['flash_bytes']:,} bytes of data, and the code",
        "RAM": f"{told['weights_bytes']:,} bytes of weights, {told['tables_bytes']:,} of tables, "
        f"{told['stack_bytes']:,} of stack",
        "RAM, to decode": f"{told['scratch_bytes']:,} bytes, free again after it",
    }


def _on_grids(network: Network, inputs: Inputs, least: float, report: output.Report) -> Iterator[tuple[float, float]]:
    """Bits and relative errors of the theorem's code, on ever finer grids until one is as exact as asked."""
    from nnapprox.quantization.grid import Yardstick, grids_of_curve

    grids = grids_of_curve(network)
    yardstick = Yardstick(network, points=inputs.measured)
    with tempfile.TemporaryDirectory() as folder:
        for measured in yardstick.curve(grids, f"{folder}/network.nng"):
            stored, error = measured.stored, measured.relative_error or 0.0
            done = stored.fractional_bits + 1
            report(done / len(grids), f"the theorem's code, {stored.fractional_bits} fractional bits")
            if 0 < error <= 1:
                yield stored.bits, error
            if error <= least:
                return


def _kept(metadata: dict[str, Any]) -> dict[str, Any]:
    """What a small file keeps of its source's metadata: what it was trained on, and by which loss."""
    dataset, recipe = metadata.get("dataset"), metadata.get("recipe")
    kept: dict[str, Any] = {}
    if isinstance(dataset, dict):
        kept["dataset"] = {key: dataset[key] for key in ("image_shape", "name") if dataset.get(key)}
    if isinstance(recipe, dict) and recipe.get("loss", "squared") != "squared":
        kept["recipe"] = {"loss": recipe["loss"]}
    return kept


def _points(quantizer: Quantizer, target: Target, meter: _Meter, report: output.Report) -> Iterator[Point]:
    from nnapprox.quantization import curve

    weights = quantizer.network.parameters
    if target.error is not None:
        yield curve.at_error(quantizer, float(target.error), lambda share: report(share, f"error {target.error}"))
    elif target.size is not None or target.bits_per_weight is not None:
        size = target.size if target.size is not None else math.floor((target.bits_per_weight or 0) * weights / 8)
        yield curve.at_bytes(quantizer, size, lambda share: report(share, f"{size} bytes"))
    elif target.accuracy_drop is not None:
        least = meter.least_accuracy(target.accuracy_drop)
        yield curve.at_accuracy(
            quantizer, lambda n: (meter.accuracy(n) or 0.0) >= least, lambda share: report(share, "accuracy")
        )
    else:
        done, count = 0, len(curve.CURVE)
        shown = curve.curve(quantizer, report=lambda share: report((done + share) / count, f"point {done + 1}/{count}"))
        for point in shown:
            done += 1
            yield point


class _Meter:
    """Measures files against the network that they were made of."""

    def __init__(self, network: Network, inputs: Inputs, domain: Domain | None) -> None:
        from nnapprox.errors import UsageError

        self.inputs, self.source, self.domain = inputs, network, domain
        self.network = network = network if network.dtype != "rational" else network.astype("float64")
        with np.errstate(over="ignore", invalid="ignore"):
            if not np.isfinite(network(inputs.measured.astype(network.dtype))).all():
                raise UsageError(f"the network's values overflow {network.dtype} on its inputs: it cannot be quantised")
        self.original = network.astype("float64")(inputs.measured)

    def measure(self, point: Point, path: str | None, quantizer: Quantizer) -> dict[str, Any]:
        """Write the file (to nowhere lasting without a path), read it back, and measure what was read.

        The distance to the original is certified on the domain, where there is one and a file is asked for.
        """
        from nnapprox import files
        from nnapprox.atomic import write_atomically
        from nnapprox.quantization import distance
        from nnapprox.quantization.curve import layer_bits
        from nnapprox.quantization.grid import certified_distance

        with tempfile.TemporaryDirectory() as folder:
            written = Path(path or f"{folder}/network.nnq")
            with write_atomically(written) as file:
                file.write(point.content)
            size, network = written.stat().st_size, files.load(written)
        accuracy = self.accuracy(network)
        error = distance.relative_error(network, self.original, self.inputs.measured)
        certificate = certified_distance(network, self.source, self.domain) if path and self.domain else None
        return {
            "bits": 8 * size,
            "bytes": size,
            "bits_per_weight": 8 * size / network.parameters,
            "relative_error": error,
            "sup_error": distance.sup_error(network, self.original, self.inputs.measured),
            "predicted_error": point.attempt.predicted,
            "reference_bits": quantizer.reference_bits(error) if 0 < error < math.inf else None,
            "certificate": certificate and certificate.to_json(),
            "accuracy": accuracy,
            "standard_error": None if accuracy is None else self.standard_error(accuracy),
            "path": path,
            "layers": layer_bits(point.attempt.encoded),
        }

    def accuracy(self, network: Network) -> float | None:
        """Share of the measured inputs that are put into their class, None without labels."""
        if self.inputs.labels is None:
            return None
        outputs = network(self.inputs.measured.astype(network.dtype))
        return float(np.mean(outputs.argmax(axis=1) == self.inputs.labels))

    def standard_error(self, accuracy: float) -> float:
        """Of an accuracy on the measured inputs."""
        return math.sqrt(accuracy * (1 - accuracy) / len(self.inputs.measured))

    def place(self) -> str:
        """What is measured on, in words."""
        count = f"{len(self.inputs.measured):,}"
        return (
            f"{count} test inputs"
            if self.domain is None
            else f"{count} uniform points of {output.domain_text(self.domain)}"
        )

    def least_accuracy(self, drop: float) -> float:
        """The accuracy that is left after a drop in percentage points."""
        from nnapprox.errors import UsageError

        accuracy = self.accuracy(self.network)
        if accuracy is None:
            raise UsageError("an accuracy needs labels: name a data set of classes with --dataset")
        return accuracy - drop / 100


def _undominated(curve: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The points without those that another one equals or beats in both bytes and error."""
    kept: list[dict[str, Any]] = []
    for point in sorted(curve, key=lambda point: (point["bytes"], point["relative_error"])):
        if not kept or point["relative_error"] < kept[-1]["relative_error"]:
            kept.append(point)
    return kept


def _print(told: Mapping[str, Any], meter: _Meter, path: str | None) -> None:
    curve = told["curve"]
    output.print_columns(
        curve,
        {
            "bits": lambda point: point["bits"],
            "per weight": lambda point: f"{point['bits_per_weight']:.3f}",
            "bytes": lambda point: point["bytes"],
            "relative error": lambda point: f"{point['relative_error']:.3g}",
            "sup error": lambda point: f"{point['sup_error']:.3g}",
            "predicted": lambda point: f"{point['predicted_error']:.3g}",
            "accuracy %": lambda point: (
                None if point["accuracy"] is None else output.accuracy_text(point["accuracy"], point["standard_error"])
            ),
            "reference bits": lambda point: point["reference_bits"] and f"{point['reference_bits']:.0f}",
        },
    )
    if path is not None:
        click.echo()
        _print_layers(curve[0]["layers"])
    click.echo()
    source, accuracy = told["network"], told["source_accuracy"]
    shown = "" if accuracy is None else f", accuracy {output.accuracy_text(accuracy, meter.standard_error(accuracy))} %"
    pairs = {
        "original": f"{source['parameters']:,} weights, {told['source_bits']:,} bits as {source['dtype']}{shown}",
        "measured on": meter.place(),
        "reference": "reverse water-filling: bits of Gaussian weights at the relative error, no bound",
        "certificate": path and curve[0]["certificate"] and output.certificate_text(curve[0]["certificate"]),
        "written": path,
        **(header_text(told["c_header"]) if "c_header" in told else {}),
    }
    output.print_pairs({name: value for name, value in pairs.items() if value})


def _print_layers(layers: list[dict[str, Any]]) -> None:
    header = ["layer", "shape", "M", "step", "topology bits", "value bits", "side bits", "order-0 bits"]
    bits = ("topology_bits", "value_bits", "side_bits", "order0_bits")
    rows = [
        [
            layer["layer"],
            " x ".join(map(str, layer["shape"])),
            layer["nonzeros"],
            f"{layer['step']:.4g}",
            *(f"{layer[key]:.0f}" for key in bits),
        ]
        for layer in layers
    ]
    output.print_table(header, rows)
