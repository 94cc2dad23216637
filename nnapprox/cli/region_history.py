"""``nnapprox train --regions-every``: the regions on one slice of the input space, counted along training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import click

from nnapprox.cli.region_domain import MOST_INPUTS, classes_apart, kind, listed, sample

if TYPE_CHECKING:
    from nnapprox.datasets import Dataset
    from nnapprox.network import Network
    from nnapprox.training import Recipe, TrainState

Box = Sequence[tuple[Fraction, Fraction]]

_MOST_WHOLE = 2
"""Functions of so many inputs are counted on all of their domain, others on a slice."""


@dataclass(frozen=True)
class RegionHistory:
    """Where activation regions are counted, and how often.

    Attributes
    ----------
    every : int
        Epochs from one count to the next.
    points : sequence of points
        Those that the slice goes through; none where the whole domain is counted.
    domain : sequence of (low, high)
    text : str
        Both in words.
    """

    every: int
    points: Sequence[Sequence[Fraction]]
    domain: Box
    text: str

    def record(self, state: TrainState, network: Network) -> None:
        """Count the regions of the network of an epoch that is done, if it is one of those, and note it."""
        last = state.history[-1]
        if last["epoch"] % self.every == 0:
            from nnapprox.regions.count import counts, slice_counts

            found = (
                slice_counts(network, self.points, self.domain, activation_only=True)
                if self.points
                else counts(network, self.domain, activation_only=True)
            )
            *_, count = found
            last["activation_regions"] = count.activation_regions


def region_history(every: int, data: Dataset, recipe: Recipe, domain: Box | None) -> RegionHistory:
    """Choose what is counted: all of the domain for few inputs, else a slice through samples of different classes.

    Raises
    ------
    UsageError
        The activation is not piecewise linear, or the samples make no slice.
    """
    from nnapprox.activation import Activation
    from nnapprox.regions.slices import box, require_independent

    if not Activation(recipe.activation).is_piecewise_linear:
        raise click.UsageError(f"a {recipe.activation} network has no regions: leave --regions-every out")
    if data.inputs <= _MOST_WHOLE:
        whole = domain or data_box(data)
        text = " x ".join(f"[{low}, {high}]" for low, high in whole)
        return RegionHistory(every, (), whole, text)
    numbers = (0, 1, 2) if data.classes is None else classes_apart(data)
    points = [sample(data, number) for number in numbers]
    require_independent(points)
    text = f"the {kind(points)} through the training samples {listed(numbers)}"
    return RegionHistory(every, points, box(len(points)), text)


def data_box(data: Dataset) -> Box:
    """The least box that holds the training samples; [0, 1] each for images."""
    if data.image_shape is not None or data.divisor > 1:
        return ((Fraction(0), Fraction(1)),) * data.inputs
    ends = zip(data.x_train.min(axis=0).tolist(), data.x_train.max(axis=0).tolist(), strict=True)
    return tuple((Fraction(low), Fraction(high)) for low, high in ends)


def stored_box(data: Dataset, domain: Box | None) -> dict[str, Any]:
    """What a network file keeps of the box of its data, for ``nnapprox regions``: nothing if there are many inputs."""
    if data.inputs > MOST_INPUTS:
        return {}
    return {"box": [[str(low), str(high)] for low, high in domain or data_box(data)]}
