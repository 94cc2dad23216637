"""Batcher's odd-even merge sort, in whatever has a minimum and a maximum, and the proof that it sorts.

With numbers it sorts; with affine forms it builds networks; with sets of cases, as bits of integers, it proves itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import and_, or_
from typing import TypeVar

T = TypeVar("T")

Choose = Callable[[T, T], T]


def batcher_sort(values: Sequence[T], low: Choose[T], high: Choose[T]) -> list[T]:
    """Sort from the smallest to the largest; `low` and `high` give minimum and maximum of two."""
    if len(values) < 2:
        return list(values)
    middle = len(values) // 2
    left, right = (batcher_sort(half, low, high) for half in (values[:middle], values[middle:]))
    return batcher_merge(left, right, low, high)


def batcher_merge(left: Sequence[T], right: Sequence[T], low: Choose[T], high: Choose[T]) -> list[T]:
    """Merge two sorted sequences (Batcher 1968, in the form for any lengths)."""
    if not left or not right:
        return [*left, *right]
    if len(left) == len(right) == 1:
        return [low(left[0], right[0]), high(left[0], right[0])]
    odd = batcher_merge(left[::2], right[::2], low, high)
    even = batcher_merge(left[1::2], right[1::2], low, high)
    compared = min(len(odd) - 1, len(even))
    merged = odd[:1]
    for p, q in zip(even[:compared], odd[1 : compared + 1], strict=True):
        merged += [low(p, q), high(p, q)]
    return merged + odd[compared + 1 :] + even[compared:]


def merges(left: int, right: int) -> bool:
    """Whether `batcher_merge` merges all sorted sequences of these lengths, by the 0-1 principle.

    Minimum and maximum commute with monotone maps, so that zeros and ones suffice; of sorted zeros and ones there are
    (left + 1)(right + 1) pairs, tried at once as the bits of integers.
    """
    cases = [(i, j) for i in range(left + 1) for j in range(right + 1)]  # i and j ones
    ones_left = _ascending(left, [i for i, _ in cases])
    ones_right = _ascending(right, [j for _, j in cases])
    return batcher_merge(ones_left, ones_right, and_, or_) == _ascending(left + right, [i + j for i, j in cases])


def sorts(count: int) -> bool:
    """Whether `batcher_sort` sorts every sequence of this length: it does where all of its merges merge."""
    sizes, halves = {count}, {count}
    while halves := {half for size in halves if size > 1 for half in (size // 2, size - size // 2)}:
        sizes |= halves
    return all(merges(size // 2, size - size // 2) for size in sizes if size > 1)


def _ascending(length: int, ones: Sequence[int]) -> list[int]:
    """Sorted zeros and ones, so many ones in every case: the cases in which each place holds a one, as bits."""
    return [sum(1 << case for case, count in enumerate(ones) if count >= length - place) for place in range(length)]
