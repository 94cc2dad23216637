"""What `Coder.search` chooses where bits cost nothing: readable, and slow."""

import math
from typing import NamedTuple


class Path(NamedTuple):
    cost: float
    row: list
    errors: list


def next_state(state, index):
    return (state >> 1) ^ (18 if state % 2 else 0) ^ (4 if index % 2 else 0)


def index_of(entry):
    return (abs(entry) + 1) // 2


def follows(row):
    """Whether entries are even in even states, and in odd ones odd, or 0."""
    state = 0
    for entry in map(int, row):
        if entry and entry % 2 != state % 2:
            return False
        state = next_state(state, index_of(entry))
    return True


def candidates(target, odd):
    """Of the entries that may stand in a state: two around the target, the next towards 0, and 0."""
    low = 2 * math.floor((target - odd) / 2) + odd
    return low, low + 2, low - 2 if target > 0 else low + 4, 0


def search(wanted, steps, couplings, weights):
    """The cheapest path into every state after every entry, and of all after the last one the cheapest."""
    paths = {0: Path(0.0, [], [])}
    for j, step in enumerate(steps):
        found = {}
        for state, path in sorted(paths.items()):
            target = (wanted[j] + sum(c * e for c, e in zip(couplings[j], path.errors, strict=False))) / step
            for entry in candidates(target, state % 2) if weights[j] > 0 else (0,):
                cost = path.cost + weights[j] * (entry - target) ** 2
                into = next_state(state, index_of(entry))
                if into not in found or cost < found[into].cost:
                    found[into] = Path(cost, [*path.row, entry], [*path.errors, wanted[j] - entry * step])
        paths = found
    return min(paths.values(), key=lambda path: path.cost)
