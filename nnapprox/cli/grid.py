"""``nnapprox quantize --grid``: the theorem's code, its bits and its errors."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import log2
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnapprox.cli import output

if TYPE_CHECKING:
    from nnapprox.certificate import Domain
    from nnapprox.datasets import Dataset
    from nnapprox.files import NetworkFile
    from nnapprox.functions import Expression
    from nnapprox.quantization.grid import Measured, Yardstick

SOURCE = "Bölcskei, Grohs, Kutyniok and Petersen (2019), Optimal approximation with sparsely connected deep networks"


@dataclass(frozen=True)
class Wanted:
    """Which grid is asked for; with neither, a curve over all of them."""

    fractional_bits: int | None = None
    error: Fraction | None = None


def quantize_on_grid(
    file: Path, stored: NetworkFile, wanted: Wanted, domain: Domain | None, data: Dataset | None,
    out: str | None, plot: str | None, as_json: bool, quiet: bool,
) -> None:  # fmt: skip
    """Store a network by the theorem's code on one grid or on many, and tell bits and errors."""
    from nnapprox.quantization.grid import Yardstick

    known, target = promised(stored.metadata, stored.network.widths[0])
    inputs = None if data is None else data.x_test.astype("float64") / data.divisor
    box = domain or known or _box(data) or unit_cube(stored.network.widths[0])
    yardstick = Yardstick(stored.network, box, target if box == known else None, inputs)
    path = out or (None if wanted == Wanted() else f"{file.stem}.nng")
    with tempfile.TemporaryDirectory() as folder, output.progress(quiet) as report:
        points = _measured(yardstick, wanted, path or f"{folder}/network.nng", report)
        measured, interrupted = output.gathered(points, 1, "grids")
    curve = [_point_json(point, path, data) for point in measured]
    told = {
        "network": output.network_json(stored.network, file),
        "source_bits": source_bits(stored),
        "curve": curve,
        "theorem": {"statement": "C M log2 M bits keep the error", "source": SOURCE},
    }
    if plot is not None:
        from nnapprox import plots, quantization_plots

        plots.save(quantization_plots.grid_curve(measured, f"{file.name} on grids $2^{{-k}}\\mathbb{{Z}}$"), plot)
        output.note(f"wrote {plot}")
    if as_json:
        output.print_json(told)
    elif path is not None:
        output.print_pairs(_shown(curve[0], stored))
    else:
        _print_curve(curve)
    if interrupted:
        raise KeyboardInterrupt


def promised(metadata: Mapping[str, Any], inputs: int) -> tuple[Domain | None, Expression | None]:
    """The domain and the target that a file's certificate is for, where it has them."""
    from nnapprox.constructions.verification import Claim
    from nnapprox.errors import NnapproxError
    from nnapprox.functions import parse

    try:
        domain = Claim.read(metadata).domain
        target = parse(metadata["target"]).of_inputs(inputs) if isinstance(metadata.get("target"), str) else None
    except NnapproxError:
        return None, None
    return (domain, target) if len(domain) == inputs else (None, None)


def unit_cube(inputs: int) -> Domain:
    """What is taken where no domain is known, and a note that it is."""
    cube = ((Fraction(0), Fraction(1)),) * inputs
    output.note(f"no domain is known: taking {output.domain_text(cube)}; --domain or --dataset name another")
    return cube


def _box(data: Dataset | None) -> Domain | None:
    """The cube that all training inputs lie in."""
    if data is None:
        return None
    low, high = (Fraction(float(end)) / data.divisor for end in (data.x_train.min(), data.x_train.max()))
    return ((low, high),) * data.inputs if low < high else None


def _measured(yardstick: Yardstick, wanted: Wanted, path: str, report: output.Report) -> Iterator[Measured]:
    from nnapprox.quantization.grid import grids_of_curve

    if wanted.error is not None:
        yield yardstick.coarsest(wanted.error, path)
        return
    grids = grids_of_curve(yardstick.original) if wanted.fractional_bits is None else [wanted.fractional_bits]
    for done, point in enumerate(yardstick.curve(grids, path), start=1):
        report(done / len(grids), f"{point.stored.fractional_bits} fractional bits")
        yield point


def source_bits(stored: NetworkFile) -> int:
    """Bits of the numbers that the file holds."""
    from nnapprox.constructions.counts import exact_bits

    sizes = {"float32": 32, "float64": 64}
    network = stored.network
    return exact_bits(network) if network.dtype == "rational" else sizes[network.dtype] * network.parameters


def _point_json(point: Measured, path: str | None, data: Dataset | None) -> dict[str, Any]:
    stored = point.stored
    told: dict[str, Any] = {
        "fractional_bits": stored.fractional_bits,
        "nonzeros": stored.edges,
        "bits": stored.bits,
        "bytes": stored.size,
        "constant": stored.constant,
        "lossless": stored.lossless,
        "relative_error": point.relative_error,
        "sup_error": point.certificate and point.certificate.upper,
        "certificate": point.certificate and point.certificate.to_json(),
        "target_certificate": point.target_certificate and point.target_certificate.to_json(),
        "a_priori_bound": point.bound,
        "path": path,
    }
    if data is not None and data.classes is not None:
        from nnapprox.training.score import score

        found = score(stored.network.astype("float64"), data.x_test, data.y_test, data, "squared")
        told |= {"accuracy": found.accuracy, "standard_error": found.standard_error}
    return told


def _shown(point: Mapping[str, Any], stored: NetworkFile) -> dict[str, object]:
    pairs: dict[str, object] = {
        "grid": f"2^-{point['fractional_bits']} Z, half to even",
        "nonzeros M": f"{point['nonzeros']} of {stored.network.nonzeros}",
        "bits": f"{point['bits']:,}; the file's own numbers take {source_bits(stored):,}",
        "C = bits / (M log2 M)": point["constant"],
        "lossless": "yes: every number as it was" if point["lossless"] else "no",
    }
    for name, key in (("against the original", "certificate"), ("against the target", "target_certificate")):
        pairs[name] = point[key] and output.certificate_text(point[key])
    pairs["relative L2 error"] = point["relative_error"]
    bound = point["a_priori_bound"]
    pairs["a-priori bound"] = bound and f"{output.short(bound)}, from depth, fan-in and largest weight"
    if "accuracy" in point:
        pairs["accuracy %"] = _accuracy(point)
    pairs["written"] = f"{point['path']}, {point['bytes']:,} bytes"
    return {name: value for name, value in pairs.items() if value is not None}


def _print_curve(curve: Sequence[Mapping[str, Any]]) -> None:
    some = any(point["lossless"] for point in curve)
    columns: dict[str, Callable[[Mapping[str, Any]], object]] = {
        "k": lambda point: point["fractional_bits"],
        "M": lambda point: point["nonzeros"],
        "bits": lambda point: point["bits"],
        "bytes": lambda point: point["bytes"],
        "C": lambda point: _rounded(point["constant"]),
        "sup error": lambda point: _upper(point["certificate"]),
        "to target": lambda point: _upper(point["target_certificate"]),
        "relative L2": lambda point: _rounded(point["relative_error"]),
        "a-priori bound": lambda point: _rounded(point["a_priori_bound"]),
        "accuracy %": _accuracy,
        "lossless": lambda point: ("yes" if point["lossless"] else "no") if some else None,
    }
    output.print_columns(curve, columns)


def _accuracy(point: Mapping[str, Any]) -> str | None:
    return output.accuracy_text(point["accuracy"], point["standard_error"]) if "accuracy" in point else None


def _rounded(value: Fraction | float | None) -> str | None:
    if value is None:
        return None
    if isinstance(value, Fraction) and value > 10**300:
        return f"2^{round(log2(value.numerator) - log2(value.denominator))}"
    return f"{float(value):.4g}"


def _upper(certificate: Mapping[str, Any] | None) -> str | Fraction | None:
    """What a certificate bounds the error by; exact values as they are where they are short."""
    if certificate is None:
        return None
    value: Any = certificate["value"]
    if certificate["kind"] == "exact" and value.denominator < 10**6:
        return Fraction(value)
    relation = "<=" if certificate["kind"] == "bound" else ""
    return f"{relation}{_rounded(value[-1] if isinstance(value, list) else value)}"
