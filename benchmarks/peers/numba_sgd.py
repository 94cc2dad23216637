"""Per-sample SGD in numba, fastmath on. The fastest of many tries, in three kinds.

`dense`
    Loops by hand over all pixels: weights output-major, four neurons at a time, rows of dead units left alone.
`rows`
    Loops by hand over lists of nonzero pixels made beforehand: weights input-major, eight rows at a time, so that the
    accumulators are loaded and stored an eighth as often.
`generated`
    As `rows`, but a program writes the source: 32 columns at a time in as many scalar variables, which is the only
    way to have numba keep accumulators in registers, and an LLVM intrinsic fetches the next samples ahead.
"""

from collections.abc import Callable

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from benchmarks.peers.reference import Array, Peer

loops = njit(fastmath=True, error_model="numpy")
# Without "reassoc": with it LLVM would rather take several pixels at once, by gathers, which is three times slower.
straight_line = njit(fastmath={"contract", "nnan", "ninf", "nsz", "arcp", "afn"}, error_model="numpy")


@loops
def accumulate(columns, values, weight, out):
    """Add values[k] * weight[columns[k]] to out for every k, eight rows at a time."""
    k = 0
    while k + 8 <= len(columns):
        c, v = columns[k : k + 8], values[k : k + 8]
        v0, v1, v2, v3, v4, v5, v6, v7 = v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]
        r0, r1, r2, r3 = weight[c[0]], weight[c[1]], weight[c[2]], weight[c[3]]
        r4, r5, r6, r7 = weight[c[4]], weight[c[5]], weight[c[6]], weight[c[7]]
        for j in range(len(out)):
            low = v0 * r0[j] + v1 * r1[j] + v2 * r2[j] + v3 * r3[j]
            out[j] += low + v4 * r4[j] + v5 * r5[j] + v6 * r6[j] + v7 * r7[j]
        k += 8
    for last in range(k, len(columns)):
        value, row = values[last], weight[columns[last]]
        for j in range(len(out)):
            out[j] += value * row[j]


@loops
def live_units(before_relu, columns, values):
    """List the units that ReLU lets through, and count them."""
    count = 0
    for i in range(len(before_relu)):
        columns[count] = i
        values[count] = before_relu[i]
        count += before_relu[i] > 0
    return count


@loops
def backward(columns, values, weight, bias, signal, below):
    """Write the signal of the layer below and move the rows of its live units, in one pass."""
    for i in range(len(below)):
        below[i] = 0
    for k in range(len(columns)):
        value, row = values[k], weight[columns[k]]
        total = np.float32(0)
        for j in range(len(signal)):
            total += row[j] * signal[j]
            row[j] -= value * signal[j]
        below[columns[k]] = total
    for j in range(len(signal)):
        bias[j] -= signal[j]


@loops
def upper_layers(h0, w1, b1, w2, b2, h1, h2, s0, s1, c0, v0, c1, v1, label, step):
    """Everything above the first layer, whose outputs before ReLU are h0; writes its signal, times step, to s0."""
    count = live_units(h0, c0, v0)
    c0, v0 = c0[:count], v0[:count]
    for j in range(len(h1)):
        h1[j] = b1[j]
    accumulate(c0, v0, w1, h1)
    count = live_units(h1, c1, v1)
    c1, v1 = c1[:count], v1[:count]
    for j in range(len(h2)):
        h2[j] = b2[j]
    accumulate(c1, v1, w2, h2)
    h2[label] -= np.float32(1)
    for j in range(len(h2)):
        h2[j] *= np.float32(2) * step
    backward(c1, v1, w2, b2, h2, s1)
    backward(c0, v0, w1, b1, s1, s0)


@loops
def run_dense(order, x, labels, w0, b0, w1, b1, w2, b2, step):
    h0, s0, h1, s1, h2 = np.empty_like(b0), np.empty_like(b0), np.empty_like(b1), np.empty_like(b1), np.empty_like(b2)
    c0, v0, c1, v1 = (
        np.empty(len(b0) + 1, np.uint16),
        np.empty(len(b0) + 1, np.float32),
        np.empty(len(b1) + 1, np.uint16),
        np.empty(len(b1) + 1, np.float32),
    )
    for i in order:
        pixels = x[i]
        for n in range(0, len(h0), 4):
            # Slices have no negative indices, which numba would test for at every access.
            r0, r1, r2, r3 = w0[n], w0[n + 1], w0[n + 2], w0[n + 3]
            t0, t1, t2, t3 = b0[n], b0[n + 1], b0[n + 2], b0[n + 3]
            for k in range(len(pixels)):
                a = pixels[k]
                t0 += a * r0[k]
                t1 += a * r1[k]
                t2 += a * r2[k]
                t3 += a * r3[k]
            h0[n], h0[n + 1], h0[n + 2], h0[n + 3] = t0, t1, t2, t3
        upper_layers(h0, w1, b1, w2, b2, h1, h2, s0, s1, c0, v0, c1, v1, labels[i], step)
        for n in range(len(h0)):
            signal = s0[n]
            if signal != 0:
                b0[n] -= signal
                row = w0[n]
                for k in range(len(pixels)):
                    row[k] -= signal * pixels[k]


@loops
def run_rows(order, starts, columns, values, labels, w0, b0, w1, b1, w2, b2, step):
    h0, s0, h1, s1, h2 = np.empty_like(b0), np.empty_like(b0), np.empty_like(b1), np.empty_like(b1), np.empty_like(b2)
    c0, v0, c1, v1 = (
        np.empty(len(b0) + 1, np.uint16),
        np.empty(len(b0) + 1, np.float32),
        np.empty(len(b1) + 1, np.uint16),
        np.empty(len(b1) + 1, np.float32),
    )
    for i in order:
        for j in range(len(h0)):
            h0[j] = b0[j]
        c, v = columns[starts[i] : starts[i + 1]], values[starts[i] : starts[i + 1]]
        accumulate(c, v, w0, h0)
        upper_layers(h0, w1, b1, w2, b2, h1, h2, s0, s1, c0, v0, c1, v1, labels[i], step)
        for j in range(len(h0)):
            b0[j] -= s0[j]
        for k in range(len(c)):
            a, row = v[k], w0[c[k]]
            for j in range(len(h0)):
                row[j] -= a * s0[j]


@intrinsic
def prefetch(_, array, index):
    """Ask for the cache line of array[index]."""

    def build(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        address = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [address.type, number, number, number])
        function = builder.module.declare_intrinsic("llvm.prefetch", [address.type], kind)
        builder.call(function, [address, number(0), number(3), number(1)])  # to read, keep it near, data
        return context.get_dummy_value()

    return types.void(array, index), build


SOURCE = """
def forward(low, high, columns, values, w, b, h):
    for first in range(0, len(h), {block}):
        j = u(first)
        {load_bias}
        for k in range(low, high):
            a, r = values[k], columns[k]
            {accumulate}
        {store}

def update(low, high, columns, values, w, s):
    for first in range(0, len(s), {block}):
        j = u(first)
        {load_signal}
        for k in range(low, high):
            a, r = values[k], columns[k]
            {move}
"""


def generate(block: int) -> Callable[..., None]:
    """The compiled loop for rows whose length is a multiple of `block`."""

    def statements(pattern: str) -> str:
        return "; ".join(pattern.format(n=n) for n in range(block))

    source = SOURCE.format(
        block=block,
        load_bias=statements("t{n} = b[j + u({n})]"),
        accumulate=statements("t{n} += a * w[r, j + u({n})]"),
        store=statements("h[j + u({n})] = t{n}"),
        load_signal=statements("t{n} = s[j + u({n})]"),
        move=statements("w[r, j + u({n})] -= a * t{n}"),
    )
    names = {"u": np.uintp}
    exec(source, names)  # noqa: S102 - the text above, nothing else
    forward, update = straight_line(names["forward"]), straight_line(names["update"])

    @straight_line
    def run_generated(order, starts, columns, values, labels, w0, b0, w1, b1, w2, b2, step):
        h0, s0 = np.empty_like(b0), np.empty_like(b0)
        h1, s1, h2 = np.empty_like(b1), np.empty_like(b1), np.empty_like(b2)
        c0, v0, c1, v1 = (
            np.empty(len(b0) + 1, np.uint16),
            np.empty(len(b0) + 1, np.float32),
            np.empty(len(b1) + 1, np.uint16),
            np.empty(len(b1) + 1, np.float32),
        )
        for n in range(len(order)):
            i, ahead = order[n], order[min(n + 2, len(order) - 1)]
            for k in range(starts[ahead], starts[ahead + 1], 16):
                prefetch(values, k)
                prefetch(columns, k)
            low, high = np.uintp(starts[i]), np.uintp(starts[i + 1])
            forward(low, high, columns, values, w0, b0, h0)
            upper_layers(h0, w1, b1, w2, b2, h1, h2, s0, s1, c0, v0, c1, v1, labels[i], step)
            for j in range(len(s0)):
                b0[j] -= s0[j]
            update(low, high, columns, values, w0, s0)

    return run_generated


def aligned(array: Array, missing_rows: int = 0) -> Array:
    """A float32 copy that starts on a cache line, as nnapprox's do, with so many rows of zeros more.

    Where malloc happens to put an array makes up to 40 % of a difference.
    """
    shape = (len(array) + missing_rows, *array.shape[1:])
    count = int(np.prod(shape))
    room = np.zeros(count + 16, np.float32)
    first = -room.ctypes.data % 64 // 4
    copy = room[first : first + count].reshape(shape)
    copy[: len(array)] = array
    return copy


def make(weights: list[Array], biases: list[Array], x: Array, labels: Array, step: float, kind: str) -> Peer:
    width = len(biases[0])
    padding = -width % (min(width, 32) if kind == "generated" else 4)
    first, bias = aligned(weights[0], padding), aligned(biases[0], padding)
    upper = [aligned(a) for w, b in zip(weights[1:], biases[1:], strict=True) for a in (w.T, b)]
    upper[0] = aligned(weights[1].T, padding)
    size = np.float32(step)
    if kind == "dense":
        loop, data = run_dense, (x,)
    else:
        loop = run_rows if kind == "rows" else generate(min(width, 32))
        first = aligned(first.T)
        rows, columns = np.nonzero(x)
        starts = np.searchsorted(rows, np.arange(len(x) + 1))
        data = (starts, columns.astype(np.uint16), x[rows, columns])

    def run(order):
        loop(order, *data, labels, first, bias, *upper, size)

    def parameters():
        found = first[:width] if kind == "dense" else first[:, :width].T
        return [found, upper[0][:width].T, upper[2].T], [bias[:width], upper[1], upper[3]]

    return run, parameters
