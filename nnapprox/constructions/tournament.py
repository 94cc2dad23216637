"""Maxima and minima of many numbers in few layers: in pairs, in pairs of those, until one is left."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from nnapprox.constructions.assembly import Assembly, Form

T = TypeVar("T")


def play(assembly: Assembly, groups: Iterable[Sequence[Form]], choose: Callable[[Form, Form], Form]) -> list[Form]:
    """Hold one tournament a group, all at once, a hidden layer a round; give the winners.

    Parameters
    ----------
    assembly : Assembly
        Takes the layers.
    groups : iterable of sequences of Form
        None is empty. As many rounds are played as the largest one needs.
    choose : callable
        ``assembly.max`` or ``assembly.min``.
    """
    groups = list(groups)
    while any(len(group) > 1 for group in groups):
        groups = [_round(group, choose, assembly.keep) for group in groups]
        assembly.close()
    return [winner for (winner,) in groups]


def settle(values: Sequence[T], choose: Callable[[T, T], T]) -> T:
    """Find the winner of one tournament, with the pairs that `play` has."""
    while len(values) > 1:
        values = _round(values, choose, lambda value: value)
    return values[0]


def tournament_width(players: int) -> int:
    """Neurons of the first, widest layer of a tournament of numbers of any sign."""
    return 3 * (players // 2) + 2 * (players % 2)


def _round(group: Sequence[T], choose: Callable[[T, T], T], keep: Callable[[T], T]) -> list[T]:
    winners = [choose(p, q) for p, q in zip(group[::2], group[1::2], strict=False)]
    return winners + [keep(value) for value in group[2 * len(winners) :]]
