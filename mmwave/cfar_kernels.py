"""Compiled loops of :mod:`mmwave.cfar`.

``guard`` and ``training`` are pairs of numbers of cells (range, azimuth) on each side, ``wraps``
says whether the azimuths are a whole turn, ``factors`` and ``ranks`` go by the number of training
cells.
"""

import numba
import numpy as np

INFINITY_BITS = np.float32(np.inf).view(np.int32)


@numba.njit(nogil=True, cache=True)
def _training_count(cell, bins, column, columns, guard, training, wraps):
    """Training cells along range and azimuth; (guard, training) are pairs (range, azimuth)."""
    count = max(min(cell - guard[0], training[0]), 0)
    count += max(min(bins - 1 - cell - guard[0], training[0]), 0)
    if wraps:
        return count + 2 * training[1]
    count += max(min(column - guard[1], training[1]), 0)
    return count + max(min(columns - 1 - column - guard[1], training[1]), 0)


@numba.njit(nogil=True, cache=True)
def average_lines(power, first, last, guard, training, wraps, factors, ranks, out):
    """Cell averaging over lines ``first`` to ``last`` of a (row, column, range) cube."""
    _, columns, bins = power.shape
    line = np.empty(bins, np.float64)
    running = np.empty(bins + 1, np.float64)
    across = np.empty(bins, np.float64)
    scale = np.empty(bins, np.float64)
    for index in range(first, last):
        row, column = index // columns, index % columns
        if index == first or not wraps:
            for cell in range(bins):
                count = _training_count(cell, bins, column, columns, guard, training, wraps)
                scale[cell] = factors[count] / max(count, 1)
        for cell in range(bins):
            value = power[row, column, cell]
            line[cell] = value if value < np.inf else 0.0
        running[0] = 0.0
        for cell in range(bins):
            running[cell + 1] = running[cell] + line[cell]
        across[:] = 0.0
        for step in range(guard[1] + 1, guard[1] + training[1] + 1):
            for other in (column - step, column + step):
                if wraps:
                    other %= columns
                elif other < 0 or other >= columns:
                    continue
                for cell in range(bins):
                    value = power[row, other, cell]
                    across[cell] += value if value < np.inf else 0.0
        for cell in range(bins):
            low_end = max(cell - guard[0], 0)
            low_start = max(low_end - training[0], 0)
            high_start = min(cell + guard[0] + 1, bins)
            high_end = min(high_start + training[0], bins)
            total = running[low_end] - running[low_start] + running[high_end] - running[high_start]
            out[row, column, cell] = line[cell] > scale[cell] * (total + across[cell])


@numba.njit(nogil=True, cache=True)
def ordered_lines(power, first, last, guard, training, wraps, factors, ranks, out):
    """Ordered statistics over lines ``first`` to ``last``, without sorting.

    A cell exceeds alpha times the k-th smallest training cell if and only if at least k of them
    are smaller than it divided by alpha; that is counted for all cells of a line at once.
    """
    _, columns, bins = power.shape
    scaled = np.empty(bins, np.float32)
    smaller = np.empty(bins, np.int32)
    inverse = np.empty(bins, np.float32)
    needed = np.empty(bins, np.int32)
    for index in range(first, last):
        row, column = index // columns, index % columns
        if index == first or not wraps:
            for cell in range(bins):
                count = _training_count(cell, bins, column, columns, guard, training, wraps)
                inverse[cell] = np.float32(1.0) / factors[count]
                needed[cell] = max(ranks[count], 1)
        line = power[row, column]
        for cell in range(bins):
            value = line[cell]
            scaled[cell] = value * inverse[cell] if value < np.inf else np.float32(0.0)
            smaller[cell] = 0
        for step in range(guard[0] + 1, min(guard[0] + training[0] + 1, bins)):
            inside = bins - step
            below, above = line[:inside], line[step:]
            for cell in range(inside):
                smaller[cell] += above[cell] < scaled[cell]
            shifted, limit = smaller[step:], scaled[step:]
            for cell in range(inside):
                shifted[cell] += below[cell] < limit[cell]
        for step in range(guard[1] + 1, guard[1] + training[1] + 1):
            for other in (column - step, column + step):
                if wraps:
                    other %= columns
                elif other < 0 or other >= columns:
                    continue
                beside = power[row, other]
                for cell in range(bins):
                    smaller[cell] += beside[cell] < scaled[cell]
        for cell in range(bins):
            out[row, column, cell] = smaller[cell] >= needed[cell]


@numba.njit(nogil=True, cache=True)
def _exceeds(power, row, column, cell, guard, training, wraps, factors, ranks):
    """Whether one cell is a detection: the same rules, for few cells."""
    _, columns, bins = power.shape
    count = _training_count(cell, bins, column, columns, guard, training, wraps)
    if count == 0:
        return False
    tested = power[row, column, cell]
    rank = ranks[count]
    total = 0.0
    smaller = 0
    limit = tested * (np.float32(1.0) / factors[count])
    for axis in range(2):
        for step in range(guard[axis] + 1, guard[axis] + training[axis] + 1):
            for sign in (-1, 1):
                c, b = column, cell
                if axis == 0:
                    b += sign * step
                    if b < 0 or b >= bins:
                        continue
                else:
                    c += sign * step
                    if wraps:
                        c %= columns
                    elif c < 0 or c >= columns:
                        continue
                value = power[row, c, b]
                if value < np.inf:
                    total += value
                smaller += value < limit
    return smaller >= rank if rank > 0 else tested > factors[count] * (total / count)


@numba.njit(nogil=True, cache=True)
def _largest_finite(bits, first):
    """Bits of the largest finite power of a line from ``first`` on; negative if there is none.

    The bits of non-negative numbers rise as the numbers do, and integers let the compiler compare
    eight at once. What is not finite has larger ones, what is negative has negative ones.
    """
    largest = np.int32(-1)
    for cell in range(first, len(bits)):
        value = bits[cell]
        largest = max(largest, value if value < INFINITY_BITS else np.int32(-1))
    return largest


@numba.njit(nogil=True, cache=True)
def _strongest_cell(
    power, bits, row, column, guard, training, wraps, factors, ranks, first_bin, floor_bits
):
    """The strongest detection of a line, -1 without one.

    Nearly always that is its strongest cell; where it is not, all are gone through.
    """
    largest = _largest_finite(bits, first_bin)
    best = -1
    if largest <= floor_bits:
        return best
    for cell in range(first_bin, len(bits)):
        if bits[cell] == largest and _exceeds(
            power, row, column, cell, guard, training, wraps, factors, ranks
        ):
            return cell
    best_bits = floor_bits
    for cell in range(first_bin, len(bits)):
        if best_bits < bits[cell] < largest and _exceeds(
            power, row, column, cell, guard, training, wraps, factors, ranks
        ):
            best, best_bits = cell, bits[cell]
    return best


@numba.njit(nogil=True, cache=True)
def strongest_lines(
    power, first, last, guard, training, wraps, factors, ranks, first_bin, floor_bits, result
):
    """Bin and power of the strongest detection of lines ``first`` to ``last``."""
    _, columns, bins = power.shape
    all_bits = power.view(np.int32)
    for index in range(first, last):
        row, column = index // columns, index % columns
        line = power[row, column]
        best = _strongest_cell(
            power, all_bits[row, column], row, column,
            guard, training, wraps, factors, ranks, first_bin, floor_bits,
        )  # fmt: skip
        if best < 0:
            result[0, index] = np.nan
            result[1, index] = np.nan
            continue
        offset = 0.0
        if 0 < best < bins - 1:
            left = np.log(line[best - 1] + 1e-30)
            middle = np.log(line[best] + 1e-30)
            right = np.log(line[best + 1] + 1e-30)
            curvature = left - 2.0 * middle + right
            if curvature < 0.0:
                offset = min(max(0.5 * (left - right) / curvature, -0.5), 0.5)
        result[0, index] = best + offset
        result[1, index] = line[best]
