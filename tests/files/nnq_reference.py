"""A slow readable twin of the reader of `.nnq` files, written from docs/format-nnq.md alone, whose names it has.

It takes nothing from nnapprox: where both agree, the page holds all that a reader has to know.
"""

import functools
import hashlib
import itertools
import json
import math
import re
import zlib
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

KINDS = ("identity", "relu", "leaky-relu", "sigmoid", "tanh", "euaf", "universal")
DICTIONARY = (
    b'{"certificate": "command": "train", "domain": "recipe": {"loss": "cross-entropy", "squared"}, "seed": 0, {'
    b'"dataset": {"image_shape": [8, 8], "name": "digits"}}{"dataset": {"image_shape": [28, 28], "name": "mnist"}}'
)


class Refused(Exception):
    """A file that the page has readers refuse."""


def require(condition, what):
    if not condition:
        raise Refused(what)


def clip(x, low=0, high=7):
    return max(low, min(high, x))


def divide(x, y):
    """The page's `/`: towards zero."""
    return x // y if (x < 0) == (y < 0) else -(-x // y)


def sign(x):
    return (x > 0) - (x < 0)


def times_power(size, n):
    """A magnitude times 2^n, n clipped to +-30: rounded down, at most 2^26."""
    n = clip(n, -30, 30)
    return min(2**26, size << n if n >= 0 else size >> -n)


# Tables

KNOTS = [round(65536 / (1 + math.exp(8 - k / 8))) for k in range(129)]


def squash(x):
    x = clip(x, -2047, 2047)
    a, b = (x + 2048) >> 5, (x + 2048) & 31
    return (KNOTS[a] * (32 - b) + KNOTS[a + 1] * b + 16) >> 5


def stretch():
    table, x = [], -2047
    for i in range(4096):
        while x < 2047 and squash(x) < 16 * i + 8:
            x += 1
        table.append(x)
    return table


STRETCH = stretch()
SETTLING = [655360 // (10 * n + 16) for n in range(256)]
TRUST = [256 * (2 * n + 1) // (2 * n + 8) for n in range(256)]
SPEED = [14 + 1600 // (n + 16) for n in range(256)]


# Bits


class Reader:
    """The stream, bit by bit: no fact is known."""

    def __init__(self, stream):
        self.stream, self.position = stream, 0
        self.low, self.high, self.code = 0, 2**32 - 1, 0
        for _ in range(4):
            self.code = self.code << 8 | self.next_byte()

    def next_byte(self):
        position, self.position = self.position, self.position + 1
        require(self.position <= len(self.stream) + 4, "the stream is cut")
        return self.stream[position] if position < len(self.stream) else 0

    def shift_out(self):
        while self.low >> 24 == self.high >> 24:
            self.low = (self.low << 8) & 0xFFFFFFFF
            self.high = (self.high << 8) & 0xFFFFFFFF | 255
            self.code = (self.code << 8) & 0xFFFFFFFF | self.next_byte()

    def bit(self, p, fact):
        mid = self.low + ((self.high - self.low) * p >> 16)
        if self.code <= mid:
            self.high, bit = mid, 1
        else:
            self.low, bit = mid + 1, 0
        self.shift_out()
        return bit

    def raw(self, left, fact):
        value = 0
        while left:
            n = 1 if self.high - self.low < 2**24 else min(8, left)
            part = (self.high - self.low + 1) >> n
            v = min((self.code - self.low) // part, 2**n - 1)
            self.low += v * part
            self.high = self.low + part - 1
            self.shift_out()
            value, left = value << n | v, left - n
        return value


class Teacher:
    """Answers with the facts that a model is to learn."""

    def bit(self, p, fact):
        return fact

    def raw(self, left, fact):
        return fact


# The model


class Model:
    """What is learnt of the bins: `slots` are made when they are first met."""

    def __init__(self):
        self.slots = {}
        self.weights = [[16000] * 8 for _ in range(163)]
        self.steps = [0] * 163

    def copy(self):
        other = Model()
        other.slots = {place: slot[:] for place, slot in self.slots.items()}
        other.weights, other.steps = self.weights[:], self.steps[:]
        return other

    def slots_of(self, bin, c):
        """[probability, count] in every context."""
        return [self.slots.setdefault((i, bin, c[i]), [32768, 0]) for i in range(8)]

    def before_a_matrix(self):
        for slot in self.slots.values():
            slot[1] = min(slot[1], 4)
        self.steps = [0] * 163

    def become(self, bin, other):
        """Make a bin in all what another is."""
        self.slots |= {(i, bin, c): slot[:] for (i, old, c), slot in self.slots.items() if old == other}
        self.weights[bin], self.steps[bin] = self.weights[other], self.steps[other]

    def decide(self, source, bin, c, s, fact):
        slots, rows = self.slots_of(bin, c), (bin, 67 + 16 * kind(bin) + s)
        odds = [STRETCH[probability >> 4] * TRUST[count] >> 8 for probability, count in slots]
        x = [self.mix(row, odds) for row in rows]
        bit = source.bit(clip(squash((x[0] + x[1]) >> 1), 24, 65512), fact)
        for k, row in enumerate(rows):
            self.learn_weights(row, odds, 65536 * bit - squash(x[k]))
        for slot in slots:
            learn_slot(slot, bit)
        return bit

    def mix(self, row, odds):
        total = sum((weight >> 5) * each for weight, each in zip(self.weights[row], odds, strict=True))
        return clip(total >> 11, -2047, 2047)

    def learn_weights(self, row, odds, off):
        error = (off * SPEED[self.steps[row]] + 128) >> 8
        self.weights[row] = [
            clip(weight + ((each * error + 2048) >> 12), -(2**20 - 1), 2**20 - 1)
            for weight, each in zip(self.weights[row], odds, strict=True)
        ]
        self.steps[row] = min(self.steps[row] + 1, 255)


def learn_slot(slot, bit):
    probability, count = slot
    gain = ((32768 * bit - (probability >> 1)) * SETTLING[count]) >> 15
    slot[:] = clip(probability + gain, 32, 65503), min(count + 1, 255)


LIKE = {64: 0, 65: 2, 66: 19}
"""Bins of odd states, and those whose places they take."""


def kind(bin):
    bin = LIKE.get(bin, bin)
    return bin if bin < 2 else 2 if bin < 18 else 3 if bin < 34 else 4 if bin < 44 else 5


# The trellis


class Plain:
    """No trellis."""

    v, odd = 16, False

    def next(self, k):
        return k


class Trellis:
    """The state in a row."""

    v = 8

    def __init__(self):
        self.state = 0

    @property
    def odd(self):
        return self.state % 2 == 1

    def next(self, k):
        """The entry of an index."""
        require(abs(k) <= 2**29, "an index is out of range")
        q = 2 * k - sign(k) if self.odd else 2 * k
        self.state = (self.state >> 1) ^ (18 if self.odd else 0) ^ (4 if k % 2 else 0)
        return q


def follow(indices):
    """Entries in a trellis whose rows have these indices."""
    paths = [(Trellis(), row) for row in indices]
    return np.array([[path.next(int(k)) for k in row] for path, row in paths], np.int32)


# An index


def index(model, source, contexts, odd, known=0):
    """The next index of the source; `known` is what it is where the source is a teacher."""
    size, E = abs(known), abs(known).bit_length() - 1
    instead = {old: bin for bin, old in LIKE.items()} if odd else {}

    def decide(bin, c, fact):
        bin = instead.get(bin, bin)
        return model.decide(source, bin, c, contexts.s, int(fact))

    def x(e):
        return e if e < 12 else 12 + clip(e - contexts.expected + 1, 0, 3)

    def bit_below(place):
        return size >> max(e - place, 0) & 1

    if not decide(0, contexts.of_bin_0(), known != 0):
        return 0
    negative = decide(1, contexts.of_bin_1(), known < 0)
    others = contexts.of_others(negative)

    e = contexts.expected
    while e < 30 and decide(2 + x(e), others, e < E):
        e += 1
    if e == contexts.expected:
        while e > 0 and decide(18 + x(e), others, e > E):
            e -= 1

    value, y = 1, min(e, 9)
    if e > 0:
        value = 2 * value + decide(34 + y, others, bit_below(1))
    if e > 1:
        value = 2 * value + decide(44 + 2 * y + value % 2, others, bit_below(2))
    if e > 2:
        value = (value << (e - 2)) + source.raw(e - 2, size % 2 ** (e - 2))
    return -value if negative else value


# Contexts


def level(v, f):
    n = (v + 1).bit_length() - 1
    return min(63, (n << f) + (((v + 1 - (1 << n)) << f) >> n))


def few(size):
    steps = (size + 8) >> 4
    return steps if steps < 3 else min(7, (steps - 1).bit_length() + 1)


def octaves(v):
    return clip(level(v, 0) - 3)


class Contexts:
    """What is known of an entry before it is read; the sizes are in the entry's own steps."""

    def __init__(self, neighbours, guess, row_size, column_size, column_sign, all_size, w):
        self.neighbours, self.guess, self.column_sign = neighbours, guess, column_sign
        A, B, U, UL, UR, UU, C, C2, CL, CR = (abs(v) for v in neighbours)
        near = 3 * A + B + 3 * U + UL + UR + UU if w > 0 else 6 * A + 4 * B
        across = 2 * C + C2 + CL + CR
        scale = near // 10 + across // 10 + column_size // 16 + row_size // 16
        self.expected = clip((scale >> 5).bit_length() - 1, 0, 30)
        self.s = min(15, level(scale, 0))

        columns = level(column_size, 1)
        self.guessed = min(31, level(abs(guess), 1))
        self.sure = 4 * clip(self.guessed - level(scale, 1) + 7) + min(3, max(0, level(scale, 0) - 3) // 2)
        self.of_sizes = [
            level(row_size, 1),
            columns,
            8 * few(A) + few(U),
            level(near, 2),
            clip(level(row_size, 2) + level(column_size, 2) - level(all_size, 2), 0, 63),
            8 * octaves(near) + clip(divide(columns, 2) - 3),
        ]

    def of_bin_0(self):
        return [*self.of_sizes, self.guessed, self.sure]

    def of_bin_1(self):
        sa, sb, su, sul, sur, suu = (sign(v) for v in self.neighbours[:6])
        return [
            3 * sa + sb + 4,
            3 * sa + su + 4,
            2 * sa + sb + 2 * su + sul + sur + suu + 8,
            clip(self.column_sign >> 9, -8, 8) + 8,
            9 * su + 3 * sul + sur + 13,
            9 * sa + 3 * su + suu + 13,
            32 - self.guessed if self.guess < 0 else 32 + self.guessed,
            self.sure + 32 * (self.guess < 0),
        ]

    def of_others(self, negative):
        of_one_sign = bool(negative) == (self.guess < 0)
        last = 32 + self.guessed if of_one_sign else 32 - self.guessed
        return [*self.of_sizes, last, self.sure + 32 * of_one_sign]


def places(i, j, w):
    """Where a, b, u, ul, ur, uu, c, c2, cl and cr are; None: they are 0."""
    beside = [(i, j - 1), (i, j - 2)]
    image = [(i, j - w), (i, j - w - 1), (i, j - w + 1) if w > 1 else None, (i, j - 2 * w)] if w > 0 else [None] * 4
    return beside + image + [(i - 1, j), (i - 2, j), (i - 1, j - 1), (i - 1, j + 1)]


class Averages:
    """The running averages of a matrix whose entries are shifted by R[i] + C[j]."""

    def __init__(self, R, C):
        self.R, self.C, self.n = R, C, 0
        self.row_size, self.all_size = 0, 0
        self.column_size, self.column_sign = [0] * len(C), [0] * len(C)

    def begin_row(self):
        self.row_size = self.all_size

    def in_own_steps(self, i, j):
        R, C = self.R[i], self.C[j]
        return times_power(self.row_size, -C), times_power(self.column_size[j], -R), times_power(self.all_size, -R - C)

    def learn(self, i, j, q, v):
        z, R, C, n = 4 * v * min(abs(q), 2**20), self.R[i], self.C[j], self.n
        self.row_size += (times_power(z, C) - self.row_size) >> 5
        self.column_size[j] += divide(times_power(z, R) - self.column_size[j], i + 2 if i < 15 else 16)
        self.all_size += divide(times_power(z, R + C) - self.all_size, n + 2 if n < 1023 else 1024)
        self.column_sign[j] += (8192 * sign(q) - self.column_sign[j]) >> 3
        self.n += 1


def matrix(model, source, R, C, w, known=None, path=Plain):
    """The next matrix of the source."""
    model.before_a_matrix()
    Q = [[0] * len(C) for _ in R]
    averages = Averages(R, C)
    taps = [16000, 5000, 8000, 4000, 1000, 2000, 0, 0, 0, 0] if w > 0 else [16000, 5000] + 8 * [0]

    def neighbour(i, j, place):
        if place is None or place[0] < 0 or not 0 <= place[1] < len(C):
            return 0
        row, column = place
        q, n = Q[row][column], R[row] + C[column] - R[i] - C[j]
        return sign(q) * times_power(path.v * min(abs(q), 2**20), n)

    for i in range(len(R)):
        averages.begin_row()
        along = path()
        for j in range(len(C)):
            v = [neighbour(i, j, place) for place in places(i, j, w)]
            guess = clip(sum(t * each for t, each in zip(taps, v, strict=True)) >> 16, -(2**26), 2**26)
            row_size, column_size, all_size = averages.in_own_steps(i, j)
            contexts = Contexts(v, guess, row_size, column_size, averages.column_sign[j], all_size, w)
            q = Q[i][j] = along.next(index(model, source, contexts, along.odd, known[i][j] if known else 0))
            averages.learn(i, j, q, path.v)
            error = clip(path.v * q - guess, -(2**28), 2**28)
            pull = divide(error * 2**20, 64 + (all_size**2 >> 2) + sum(each**2 for each in v))
            taps = [
                clip(t + ((pull * each * 2500 + 2**19) >> 20), -(2**20), 2**20) for t, each in zip(taps, v, strict=True)
            ]
    return Q


# Start


def highest_bytes():
    t = 1
    while True:
        t = (1664525 * t + 1013904223) % 2**32
        yield t >> 24


def made_up_row(noise, s, w):
    v, row = [], []
    for j in range(145):
        g, f = sum(itertools.islice(noise, 4)) - 510, 6
        if w > 0:
            x, y = j % 12, j // 12
            f = max(0, min(x, y, 11 - x, 11 - y))
            g += divide(3 * ((v[j - 1] if j >= 1 else 0) + (v[j - 12] if j >= 12 else 0)), 8)
        v.append(g)
        row.append(divide(g * f * s, 4096))
    return row


@functools.cache
def learned():
    model, noise = Model(), highest_bytes()
    for k, s in enumerate((100, 40, 8, 300, 60, 12)):
        w = 0 if k < 3 else 12
        matrix(model, Teacher(), 6 * [0], 145 * [0], w, [made_up_row(noise, s, w) for _ in range(6)])
    for bin, other in LIKE.items():
        model.become(bin, other)
    return model


def start():
    return learned().copy()


# The file


class Parts:
    """The parts before the stream, one after the other."""

    def __init__(self, content):
        self.content, self.position = content, 0

    def bytes(self, n):
        self.position += n
        require(self.position <= len(self.content), "the file is cut")
        return self.content[self.position - n : self.position]

    def varint(self, low=0, high=2**63 - 1):
        value = 0
        for k in range(9):
            (byte,) = self.bytes(1)
            value += (byte & 127) << 7 * k
            if byte < 128:
                require(low <= value <= high, f"{value} is not from {low} to {high}")
                return value
        raise Refused("a varint of more than nine bytes")

    def signed_varint(self, most):
        n = self.varint()
        value = n // 2 if n % 2 == 0 else -(n + 1) // 2
        require(abs(value) <= most, f"{value} is beyond {most}")
        return value

    def text(self):
        return self.bytes(self.varint())


@dataclass
class Map:
    """Entry (i, j) is Q[i][j] m 2^(e + R[i] + C[j])."""

    m: int
    e: int
    R: list
    C: list
    Q: list

    def entry(self, i, j):
        return double(self.Q[i][j] * self.m, self.e + self.R[i] + self.C[j])

    def layer(self):
        return [[self.entry(i, j) for j in range(len(self.C))] for i in range(len(self.R))]

    def before(self, following):
        """The product of both."""
        k_all = range(len(self.R))
        shifts = [following.C[k] + self.R[k] for k in k_all]
        s = min(shifts)

        def entry(i, j):
            terms = [(following.Q[i][k] << (shifts[k] - s)) * self.Q[k][j] for k in k_all]
            require(sum(map(abs, terms)) < 2**53, "the product is out of range")
            nearest = Fraction(float(sum(terms) * self.m * following.m))
            return double(nearest, self.e + following.e + s + following.R[i] + self.C[j])

        layer = [[entry(i, j) for j in range(len(self.C))] for i in range(len(following.R))]
        for i, row in enumerate(layer):
            row[-1] += following.entry(i, len(k_all))
        return layer


def double(number, exponent):
    """number 2^exponent, rounded to the nearest double."""
    try:
        return float(number * Fraction(2) ** exponent)
    except OverflowError as error:
        raise Refused("a weight is not finite") from error


@dataclass
class File:
    """All that a file says."""

    source: bytes
    activation: str
    slope: Fraction | None
    dtype: str
    image: int
    joints: list
    trellis: bool
    metadata: dict
    maps: list

    def layers(self):
        """Matrices whose last column is the bias."""
        layers = []
        for number, each in enumerate(self.maps):
            if number in self.joints:
                layers.append(each.before(self.maps[number + 1]))
            elif number - 1 not in self.joints:
                layers.append(each.layer())
        with np.errstate(over="ignore"):
            arrays = [np.array(layer).astype(self.dtype) for layer in layers]
        require(all(np.isfinite(array).all() for array in arrays), "a weight is not finite")
        return arrays


def read(content, most_weights=2**24):
    parts = Parts(content)
    require(parts.bytes(3) == b"NNQ", "the magic is another")
    (version,) = parts.bytes(1)
    require(version in (2, 3, 4), "the version is another")
    require(int.from_bytes(parts.bytes(4), "little") == zlib.crc32(content[8:]), "the checksum is another")
    source = parts.bytes(8)
    a, w = divmod(parts.varint(high=13), 2)
    L = parts.varint(1, len(content))
    widths = [parts.varint(1, most_weights) for _ in range(L + 1)]
    joints = read_joints(parts, L) if version > 2 else []
    require(weights(widths, joints) <= most_weights, "there are too many weights")
    trellis = version > 3 and parts.varint(high=1) == 1
    image = parts.varint(high=widths[0])
    steps = [(parts.varint(1, 65535), parts.signed_varint(1100)) for _ in range(L)]
    slope = read_slope(parts.text()) if KINDS[a] == "leaky-relu" else None
    deflated = parts.text()
    metadata = read_metadata(deflated) if deflated else {}
    maps = read_stream(content[parts.position :], widths, Trellis if trellis else Plain, image, steps)
    return File(source, KINDS[a], slope, ("float32", "float64")[w], image, joints, trellis, metadata, maps)


def read_joints(parts, L):
    joints = [parts.varint(high=L - 2) for _ in range(parts.varint(high=L - 1))]
    require(all(later - joint > 1 for joint, later in itertools.pairwise(joints)), "the joints are not in order")
    return joints


def weights(widths, joints):
    """Of all maps or of all layers: whatever is more."""
    inner = {joint + 1 for joint in joints}
    outer = [width for number, width in enumerate(widths) if number not in inner]
    return max(sum(k * (n + 1) for n, k in itertools.pairwise(some)) for some in (widths, outer))


def read_slope(text):
    require(re.fullmatch(rb"-?[0-9]{1,4300}(/0*[1-9][0-9]{0,4299})?", text), "the slope is no p/q")
    return Fraction(text.decode())


def read_metadata(deflated):
    inflater = zlib.decompressobj(-15, DICTIONARY)
    try:
        text = inflater.decompress(deflated, 2**20)
        metadata = json.loads(text)
    except (zlib.error, ValueError, RecursionError) as error:
        raise Refused("the metadata are no JSON") from error
    require(inflater.eof and not inflater.unused_data, "the metadata are cut, or too long")
    require(isinstance(metadata, dict), "the metadata are no object")
    return metadata


def read_stream(content, widths, path, image, steps):
    reader, maps = Reader(content), []
    images = [image] + [0] * (len(steps) - 1)
    model = start()
    for (n, k), (m, e), w in zip(itertools.pairwise(widths), steps, images, strict=True):
        (R,) = matrix(model, reader, [0], k * [0], 0)
        (C,) = matrix(model, reader, [0], (n + 1) * [0], w)
        maps.append(Map(m, e, R, C, []))
    require(all(abs(shift) <= 64 for each in maps for shift in each.R + each.C), "a shift is out of range")
    model = start()
    for each, w in zip(maps, images, strict=True):
        each.Q = matrix(model, reader, each.R, each.C, w, path=path)
        require(all(abs(q) <= 2**30 for row in each.Q for q in row), "an integer is out of range")
    require(reader.position >= len(content), "the stream goes on after its end")
    return maps


def fingerprint(layers):
    """What `source` is of a network with these layers."""
    arrays = {}
    for number, layer in enumerate(layers):
        arrays |= {f"W{number}": layer[:, :-1], f"b{number}": layer[:, -1]}
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode() + array.tobytes())
    return digest.digest()[:8]
