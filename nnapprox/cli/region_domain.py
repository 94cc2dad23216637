"""Where ``nnapprox regions`` counts: the options of domains and slices, and what follows where none is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nnapprox.cli import output
from nnapprox.cli.options import Integers, data_options, load_data
from nnapprox.cli.points import read_points
from nnapprox.errors import FileFormatError

if TYPE_CHECKING:
    from nnapprox.datasets import Dataset
    from nnapprox.network import Network
    from nnapprox.regions import RegionCount
    from nnapprox.regions.domain import Domain

MOST_INPUTS = 6
"""More inputs are counted on a slice."""


def slice_options(command: Any) -> Any:
    """``--domain``, ``--line``, ``--plane``, ``--through-classes``, ``--points`` and those of data sets."""
    command = data_options(None)(command)
    for option in (
        click.option("--points", type=click.Path(), metavar="FILE", help="A slice through points of a file."),
        click.option("--through-classes", is_flag=True, help="A plane through samples of three classes."),
        click.option("--plane", type=Integers(), metavar="I,J,K", help="The plane through training samples."),
        click.option("--line", type=Integers(), metavar="I,J", help="The line through training samples."),
        click.option(
            "--domain", metavar="A,B[,A,B...]|all|FILE", help="A box, all of R^d, or a convex polygon's vertices."
        ),
    ):
        command = option(command)
    return command


@dataclass(frozen=True)
class Place:
    """Where regions are counted.

    Attributes
    ----------
    network : Network
    points : sequence of points
        Those that the slice goes through; none where there is no slice.
    domain : Domain
    domain_json, slice_json
        What is told of them.
    """

    network: Network
    points: Sequence[Sequence[Any]]
    domain: Domain
    domain_json: Any
    slice_json: dict[str, Any] | None

    @property
    def widths(self) -> tuple[int, ...]:
        """Of the network on the slice, if there is one."""
        inputs, *others = self.network.widths
        return (len(self.points) - 1 if self.points else inputs, *others)

    def counts(self, activation_only: bool, jobs: int, dask: str | None) -> Iterator[RegionCount]:
        """Count, giving what is found up to now now and then."""
        from nnapprox.regions import jobs as workers_of
        from nnapprox.regions.count import counts, slice_counts

        workers = workers_of.dask_workers(dask) if dask else workers_of.local_workers(jobs) if jobs > 1 else None
        if self.points:
            return slice_counts(
                self.network, self.points, self.domain, activation_only=activation_only, workers=workers
            )
        return counts(self.network, self.domain, activation_only=activation_only, workers=workers)


def place_of(
    network: Network, metadata: Mapping[str, Any], *, domain: str | None, line: tuple[int, ...] | None,
    plane: tuple[int, ...] | None, through_classes: bool, points: str | None, dataset: str | None,
    data_dir: str | None, target: str | None, quiet: bool,
) -> Place:  # fmt: skip
    """Read the options of `slice_options`, and choose what they leave open.

    Raises
    ------
    click.UsageError
        They do not go together, or with the network.
    """
    asked = [line is not None, plane is not None, through_classes, points is not None]
    if sum(asked) > 1:
        raise click.UsageError("choose one of --line, --plane, --through-classes and --points")
    for name, given, count in (("--line", line, 2), ("--plane", plane, 3)):
        if given is not None and len(given) != count:
            raise click.UsageError(f"{name} takes {count} numbers of samples, not {len(given)}")
    through: list[list[Fraction]] = []
    told: dict[str, Any] | None = None
    if points is not None:
        through = read_points(points, network.widths[0]).tolist()
        if len(through) not in (2, 3):
            raise click.UsageError(f"a slice goes through two or three points, but {points} holds {len(through)}")
        through = [[Fraction(number) for number in point] for point in through]
        told = {"points": points, "text": f"{kind(through)} through the points of {points}"}
    elif any(asked) or network.widths[0] > MOST_INPUTS:
        data = _data(network, metadata, dataset, data_dir, target, quiet)
        numbers = line or plane or classes_apart(data)
        through = [sample(data, number) for number in numbers]
        labels = None if data.classes is None else [int(data.y_train[number]) for number in numbers]
        text = f"{kind(through)} through the training samples {listed(numbers)} of {data.name}"
        told = {"dataset": data.name, "samples": numbers, "labels": labels, "text": text}
        if labels is not None:
            told["text"] += f", of the classes {listed(labels)}"
        if not any(asked):
            output.note(f"{network.widths[0]} inputs are too many to enumerate: taking the {told['text']}")
    inputs = len(through) - 1 if through else network.widths[0]
    if told is not None:
        told |= {"kind": kind(through), "coordinates": "p0 + s (p1 - p0)" + " + t (p2 - p0)" * (inputs == 2)}
    where, shown = _domain(domain, inputs, metadata if not through else None, bool(through))
    return Place(network, through, where, shown, told)


def kind(points: Sequence[Any]) -> str:
    """What goes through so many points."""
    return "line" if len(points) == 2 else "plane"


def listed(numbers: Sequence[int]) -> str:
    """Numbers in words."""
    return ", ".join(map(str, numbers))


def _data(
    network: Network, metadata: Mapping[str, Any], dataset: str | None, data_dir: str | None, target: str | None,
    quiet: bool,
) -> Dataset:  # fmt: skip
    stored = metadata.get("dataset")
    name = dataset or (stored.get("name") if isinstance(stored, Mapping) else None)
    if name is None:
        raise click.UsageError(
            f"the file names no data set to take samples from, and the network has {network.widths[0]} inputs: "
            "give --dataset, or --points FILE"
        )
    data = load_data(name, data_dir, target, quiet)
    if data.inputs != network.widths[0]:
        raise click.UsageError(f"{name} has {data.inputs} inputs, but the network takes {network.widths[0]}")
    return data


def classes_apart(data: Dataset) -> tuple[int, ...]:
    """The first sample of each of the first three classes, or of both if there are two."""
    if data.classes is None:
        raise click.UsageError(f"{data.name} has no classes: give --line, --plane or --points FILE")
    import numpy as np

    numbers = np.unique(data.y_train, return_index=True)[1][:3]
    if len(numbers) < 2:
        raise click.UsageError(f"{data.name} has training samples of one class only: give --line or --plane")
    return tuple(map(int, numbers))


def sample(data: Dataset, number: int) -> list[Fraction]:
    """A training sample as the rational point that it is."""
    if not 0 <= number < len(data.x_train):
        raise click.UsageError(f"{data.name} has no training sample {number}: they are 0 to {len(data.x_train) - 1}")
    return [Fraction(x) / data.divisor for x in data.x_train[number].tolist()]


def _domain(text: str | None, inputs: int, metadata: Mapping[str, Any] | None, is_slice: bool) -> tuple[Domain, Any]:
    """The domain, and what JSON tells of it."""
    if text is None:
        from nnapprox.regions.slices import box

        bounds = (
            box(inputs + 1)
            if is_slice
            else _stored_box(metadata or {}, inputs) or [(Fraction(0), Fraction(1))] * inputs
        )
        return bounds, bounds
    if text == "all":
        return "all", "all"
    if Path(text).suffix.lower() in (".csv", ".npy"):
        from nnapprox.regions.domain import polygon

        if inputs != 2:
            raise click.UsageError(f"a polygon is a domain of two coordinates, but there are {inputs}")
        vertices = [tuple(map(Fraction, vertex)) for vertex in read_points(text, 2).tolist()]
        return polygon(vertices), {"polygon": vertices}
    from nnapprox.constructions.parameters import read_domain

    bounds = list(read_domain(text))
    if len(bounds) != inputs:
        raise click.UsageError(f"the domain has {len(bounds)} dimensions, but {inputs} are needed")
    return bounds, bounds


def _stored_box(metadata: Mapping[str, Any], inputs: int) -> list[tuple[Fraction, Fraction]] | None:
    """The box that a file names: of its certificate, or of the data it was trained on."""
    for key, name in (("certificate", "domain"), ("dataset", "box")):
        held = metadata.get(key)
        stored = held.get(name) if isinstance(held, Mapping) else None
        try:
            box = [(Fraction(low), Fraction(high)) for low, high in stored or ()]
        except (TypeError, ValueError, ZeroDivisionError):
            raise FileFormatError(f"the file's {key} has the {name} {stored!r}, which is none") from None
        if len(box) == inputs and all(low < high for low, high in box):
            return box
    return None
