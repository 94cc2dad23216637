"""The regions of a network on a convex polygon: polygon splitting. Arithmetic only.

`nnapprox.regions.plane` prepares everything before it calls in here; the work is done in ``_plane.h``.
"""

from libc.math cimport fabs, frexp, ldexp
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t, uintptr_t
from libc.stdlib cimport calloc, free, malloc, realloc

cdef extern from "_plane.h" nogil:
    ctypedef unsigned long long limb
    ctypedef struct layer:
        int64_t inputs, neurons, padded, first, entry_words, exact_words, version, source
        const double *weights
        const double *bias
        const double *bias_error
        double rounding, spread
        const int64_t *row
        const int32_t *column
        const limb *entries
        limb *exact
        const uint64_t *residue_weights
        const uint64_t *residue_bias
    ctypedef struct plane:
        int64_t hidden, sides, unit, side_words, slope_words, arena_words
        int64_t at_once, regions, predicates, exact_decisions
        layer *layers
        const double *given
        const limb *side_exact
        double slope
        const limb *numerator
        const limb *denominator
        int printing
        uint64_t slope_residue
        const uint64_t *first_residues
        const uint64_t *output_residues
        const uint64_t *output_bias
        uint64_t *prints
        const uint64_t *wanted
        int64_t print_room, wanted_count, pattern_words, list_room, label_room
        int64_t printed, listed, labelled
        uint64_t *patterns
        int32_t *offsets
        int32_t *labels
        int64_t *arena
    int lowest_bit(uint64_t) noexcept
    void set_shifted(limb *, int64_t, int64_t) noexcept
    const int LANES, MOST_FLIPS, NEEDS_ROOM, NEEDS_INTEGERS, PAUSED, MOST_SPLIT
    void choose_loops(plane *, int) noexcept
    int has_blocks(const plane *) noexcept
    size_t furnish(plane *, char *) noexcept
    size_t furnish_blocks(plane *, char *) noexcept
    size_t furnish_integers(plane *, char *) noexcept
    double share_done(const plane *) noexcept
    void start(plane *) noexcept
    int run(plane *, int64_t) noexcept

LIMB_BYTES = sizeof(limb)
BLOCK = LANES
FLIPS = MOST_FLIPS

include "_layer.pxi"

# The arena of a count that is over is kept for the next one, up to so many words: it takes the system longer to give
# memory than it takes to fill it.
cdef enum:
    MOST_SPARE = 1 << 20
cdef int64_t *spare = NULL
cdef int64_t spare_words = 0


def odd_parts(const double[::1] numbers, int64_t[::1] mantissas, int64_t[::1] exponents):
    """Write finite doubles as m * 2^e with odd integers m; 0 as 0 * 2^0."""
    cdef int64_t n
    cdef int exponent, zeros
    with nogil:
        for n in range(numbers.shape[0]):
            mantissas[n], exponents[n] = <int64_t>ldexp(frexp(numbers[n], &exponent), 53), 0
            if mantissas[n]:
                zeros = lowest_bit(<uint64_t>mantissas[n])
                mantissas[n] >>= zeros
                exponents[n] = exponent - 53 + zeros


def within(const double[:, :] rows, double low, double high, uint8_t[::1] out):
    """Tell of every row whether the sizes of all its numbers lie between two, or are 0."""
    cdef int64_t n, k
    cdef double size
    with nogil:
        for n in range(rows.shape[0]):
            out[n] = 1
            for k in range(rows.shape[1]):
                size = fabs(rows[n, k])
                out[n] &= size == 0 or low < size < high


def shift(const int64_t[::1] mantissas, const int64_t[::1] shifts, limb[:, ::1] out):
    """Put the integers mantissas * 2^shifts into rows of zeros that are long enough."""
    cdef int64_t n
    with nogil:
        for n in range(mantissas.shape[0]):
            set_shifted(&out[n, 0], mantissas[n], shifts[n])


cdef class Output:
    """What a count puts out beside numbers: fingerprints of all regions, or the regions that have wanted ones.

    Parameters
    ----------
    first : array of uint64, shape (N_1,)
        Residues of the first layer's neurons at the random point.
    layers : list of (weight, bias)
        Those of the other hidden layers, and of the outputs combined to one.
    slope : int
        What an inactive neuron is multiplied with.
    prints : array of uint64
        Room for fingerprints.
    wanted : array of uint64 or None
        In order, without repetition; regions with these fingerprints are listed, no fingerprints are put out.
    patterns : array of uint64, shape (cells, words)
        Room for the states of listed regions.
    offsets, labels : array of int32
        Room for the labels of their sides.
    """

    cdef readonly object first, layers, slope, prints, wanted, patterns, offsets, labels

    def __init__(self, first, layers, slope, prints, wanted=None, patterns=None, offsets=None, labels=None):
        self.first, self.layers, self.slope = first, layers, slope
        self.prints, self.wanted = prints, wanted
        self.patterns, self.offsets, self.labels = patterns, offsets, labels

    cdef attach(self, plane *s):
        cdef const uint64_t[::1] row, bias
        cdef const uint64_t[:, ::1] weight
        cdef uint64_t[::1] prints = self.prints
        cdef uint64_t[:, ::1] patterns
        cdef int32_t[::1] offsets, labels
        cdef int64_t n
        s.printing, s.slope_residue = 1, self.slope
        row = self.first
        s.first_residues = &row[0]
        for n, (weight, bias) in enumerate(self.layers, 1):
            if n < s.hidden:
                s.layers[n].residue_weights, s.layers[n].residue_bias = &weight[0, 0], &bias[0]
            else:
                s.output_residues, s.output_bias = &weight[0, 0], &bias[0]
        s.prints, s.print_room = &prints[0], prints.shape[0]
        if self.wanted is not None:
            row, patterns, offsets, labels = self.wanted, self.patterns, self.offsets, self.labels
            s.wanted, s.wanted_count = &row[0], row.shape[0]
            s.patterns, s.pattern_words, s.list_room = &patterns[0, 0], patterns.shape[1], patterns.shape[0]
            s.offsets, s.labels, s.label_room = &offsets[0], &labels[0], labels.shape[0]


cdef class Counter:
    """A count on its way."""

    cdef plane state
    cdef char *memory
    cdef char *blocks
    cdef char *integers
    cdef Output output
    cdef object owners, take_integers
    cdef list layers

    def __init__(self, int isa, const double[:, ::1] given, int64_t sides, int64_t neurons, list layers, int64_t unit,
                 double slope, integers, const double[::1] spreads=None, Output output=None):
        """Take the sides of the domain and the first layer as padded rows (a, b, c, error).

        The layers' constants are multiples of the coordinate `unit`, where 2 stands for the constant 1. `integers` is
        called when they are needed: it gives those of the sides, the first layer and the slope's numerator and
        denominator, and has the other layers complete. If `spreads` are given, bounds on the norms of the layers' weights
        from l2 to l2, faces may be split many at once, and integers are needed only where doubles leave a sign open.
        """
        cdef plane *s = &self.state
        cdef int64_t n
        self.owners = given
        self.output, self.take_integers, self.layers = output, integers, layers
        s.hidden, s.unit, s.at_once = len(layers) + 1, unit, 0 if spreads is None else MOST_SPLIT
        s.given = &given[0, 0]
        s.sides, s.slope = sides, slope
        s.layers = <layer *>calloc(s.hidden, sizeof(layer))
        if s.layers == NULL:
            raise MemoryError
        s.layers.neurons = neurons
        s.layers.padded = (neurons + LANES - 1) // LANES * LANES
        s.layers.first = given.shape[1] - s.layers.padded
        for n in range(1, s.hidden):
            s.layers[n] = (<Layer?>layers[n - 1]).view
            if spreads is not None:
                s.layers[n].spread = spreads[n - 1]
        if output is not None:
            output.attach(s)
        self.memory = <char *>calloc(furnish(s, NULL) + 64, 1)
        if self.memory == NULL:
            raise MemoryError
        furnish(s, self.memory + 64 - <uintptr_t>self.memory % 64)
        if has_blocks(s):
            self.blocks = <char *>malloc(furnish_blocks(s, NULL) + 64)
            if self.blocks == NULL:
                raise MemoryError
            furnish_blocks(s, self.blocks + 64 - <uintptr_t>self.blocks % 64)
        else:
            self._take_integers()
        choose_loops(s, isa)
        start(s)

    def __dealloc__(self):
        global spare, spare_words
        free(self.state.layers)
        free(self.memory)
        free(self.blocks)
        free(self.integers)
        if spare_words < self.state.arena_words <= MOST_SPARE:
            spare, self.state.arena = self.state.arena, spare
            spare_words = self.state.arena_words
        free(self.state.arena)

    def run(self, int64_t work) -> bool:
        """Go on for about so many nanoseconds; returns whether there is more to do."""
        cdef int status = NEEDS_ROOM
        self.state.printed = self.state.listed = self.state.labelled = 0
        while status == NEEDS_ROOM or status == NEEDS_INTEGERS:
            with nogil:
                status = run(&self.state, work)
            if status == NEEDS_ROOM:
                self._grow()
            if status == NEEDS_INTEGERS:
                self._take_integers()
        return status == PAUSED

    def fingerprints(self):
        """Those of the regions that the last run found, as an array that the next run overwrites."""
        return self.output.prints[: self.state.printed]

    def cells(self):
        """The regions that the last run listed: patterns, offsets and labels, which the next run overwrites."""
        return (
            self.output.patterns[: self.state.listed],
            self.output.offsets[: self.state.listed + 1],
            self.output.labels[: self.state.labelled],
        )

    cdef _take_integers(self):
        cdef plane *s = &self.state
        cdef layer *view
        cdef const limb[:, :, ::1] sides
        cdef limb[:, :, ::1] first
        cdef const limb[:, ::1] slope_parts
        cdef int64_t n
        sides, first, slope_parts = self.take_integers()
        self.owners = (self.owners, sides, first, slope_parts)
        s.side_words, s.side_exact = sides.shape[2], &sides[0, 0, 0]
        s.layers.exact_words, s.layers.exact = first.shape[2], &first[0, 0, 0]
        s.slope_words, s.numerator, s.denominator = slope_parts.shape[1], &slope_parts[0, 0], &slope_parts[1, 0]
        for n in range(1, s.hidden):
            view = &(<Layer>self.layers[n - 1]).view
            s.layers[n].row, s.layers[n].column = view.row, view.column
            s.layers[n].entries, s.layers[n].entry_words = view.entries, view.entry_words
            s.layers[n].exact_words = view.exact_words
        self.integers = <char *>calloc(furnish_integers(s, NULL) + 64, 1)
        if self.integers == NULL:
            raise MemoryError
        furnish_integers(s, self.integers + 64 - <uintptr_t>self.integers % 64)

    cdef _grow(self):
        global spare, spare_words
        if self.state.arena == NULL and spare != NULL:
            self.state.arena, self.state.arena_words = spare, spare_words
            spare, spare_words = NULL, 0
            return
        cdef int64_t words = 2 * self.state.arena_words + 8192
        cdef void *larger = realloc(self.state.arena, words * sizeof(int64_t))
        if larger == NULL:
            raise MemoryError
        self.state.arena = <int64_t *>larger
        self.state.arena_words = words

    @property
    def regions(self) -> int:
        """Regions found up to now."""
        return self.state.regions

    @property
    def predicates(self) -> int:
        """Decisions taken up to now."""
        return self.state.predicates

    @property
    def exact_decisions(self) -> int:
        """Those of them that took integers."""
        return self.state.exact_decisions

    @property
    def share(self) -> float:
        """About how much of the domain is done, from 0 to 1."""
        return share_done(&self.state)
