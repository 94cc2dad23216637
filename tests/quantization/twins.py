"""What `Coder.feed_back` and `Coder.descend` choose where bits cost nothing: readable, and slow."""

import math


def nearest(target, weight, given=0):
    """Of the integers around the target, 0 and the one given: the first of least distortion, 0 before all others."""
    target = min(max(target, -(2.0**30)), 2.0**30)
    low = math.floor(target)
    candidates = (0, low, min(low + 1, 2**30), low - 1 if target > 0 else low + 2, given)
    return min((q for q in candidates if abs(q) <= 2**30), key=lambda q: weight * (q - target) * (q - target))


def feed_back(wanted, steps, factor, weight):
    """One row: each entry makes up for the errors of those before it; gives the integers and the errors."""
    row, errors = [], []
    for j in range(len(wanted)):
        carried = 0.0
        for k in range(j):
            carried += errors[k] * factor[k, j]
        target = wanted[j] + carried / factor[j, j]
        scale = factor[j, j] * steps[j]
        row.append(nearest(target / steps[j], weight * scale * scale))
        errors.append(wanted[j] - row[j] * steps[j])
    return row, errors


def descend(row, steps, gram, weight, slope):
    """One row: each entry anew, given all others; gives the integers and the slope after it."""
    row, slope = list(row), list(slope)
    for j in range(len(row)):
        curvature = weight * gram[j, j] * steps[j] * steps[j]
        chosen = nearest(row[j] - slope[j] * steps[j] / curvature, curvature, row[j]) if curvature > 0 else 0
        moved = (chosen - row[j]) * steps[j] * weight
        if chosen != row[j]:
            slope = [s + moved * gram[j, k] for k, s in enumerate(slope)]
        row[j] = chosen
    return row, slope
