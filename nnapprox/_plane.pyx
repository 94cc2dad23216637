"""The regions of a network on a convex polygon: polygon splitting. Arithmetic only.

`nnapprox.regions.plane` prepares everything before it calls in here; the work is done in ``_plane.h``.
"""

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport calloc, free, realloc

cdef extern from "_plane.h" nogil:
    ctypedef unsigned long long limb
    ctypedef struct layer:
        int64_t inputs, neurons, padded, first, entry_words, exact_words, version, source
        const double *weights
        const double *bias
        const double *bias_error
        double rounding
        const int64_t *row
        const int32_t *column
        const limb *entries
        limb *exact
    ctypedef struct plane:
        int64_t hidden, sides, side_words, slope_words, arena_words
        int64_t regions, predicates, exact_decisions
        layer *layers
        const double *given
        const limb *side_exact
        double slope
        const limb *numerator
        const limb *denominator
        int64_t *arena
    const int LANES, NEEDS_ROOM, PAUSED
    void choose_loops(plane *, int) noexcept
    size_t furnish(plane *, char *) noexcept
    void start(plane *) noexcept
    int run(plane *, int64_t) noexcept

LIMB_BYTES = sizeof(limb)
BLOCK = LANES


cdef class Layer:
    """A hidden layer after the first: its weights in doubles, a row an input, and in integers, a row a neuron."""

    cdef layer view
    cdef object owners

    def __init__(self, int64_t inputs, int64_t neurons, const double[:, ::1] weights, const double[::1] bias,
                 const double[::1] bias_error, double rounding, const int64_t[::1] row, const int32_t[::1] column,
                 const limb[:, ::1] entries, int64_t exact_words):
        self.owners = (weights, bias, bias_error, row, column, entries)
        view = &self.view
        view.inputs, view.neurons, view.padded, view.source = inputs, neurons, bias.shape[0], -1
        view.weights, view.bias, view.bias_error, view.rounding = &weights[0, 0], &bias[0], &bias_error[0], rounding
        view.row, view.column = &row[0], &column[0]
        view.entries, view.entry_words, view.exact_words = &entries[0, 0], entries.shape[1], exact_words


cdef class Counter:
    """A count on its way."""

    cdef plane state
    cdef char *memory
    cdef object owners

    def __init__(self, int isa, const double[:, ::1] given, const limb[:, :, ::1] sides, limb[:, :, ::1] first,
                 list layers, double slope, const limb[:, ::1] slope_parts):
        """Take the sides of the domain and the first layer as padded rows (a, b, c, error) and as integers."""
        cdef plane *s = &self.state
        cdef int64_t n
        self.owners = (given, sides, first, layers, slope_parts)
        s.hidden = len(layers) + 1
        s.given = &given[0, 0]
        s.sides, s.side_words, s.side_exact = sides.shape[0], sides.shape[2], &sides[0, 0, 0]
        s.slope, s.slope_words = slope, slope_parts.shape[1]
        s.numerator, s.denominator = &slope_parts[0, 0], &slope_parts[1, 0]
        s.layers = <layer *>calloc(s.hidden, sizeof(layer))
        if s.layers == NULL:
            raise MemoryError
        s.layers.neurons = first.shape[0]
        s.layers.padded = (first.shape[0] + LANES - 1) // LANES * LANES
        s.layers.first = given.shape[1] - s.layers.padded
        s.layers.exact, s.layers.exact_words = &first[0, 0, 0], first.shape[2]
        for n in range(1, s.hidden):
            s.layers[n] = (<Layer?>layers[n - 1]).view
        self.memory = <char *>calloc(furnish(s, NULL), 1)
        if self.memory == NULL:
            raise MemoryError
        furnish(s, self.memory)
        choose_loops(s, isa)
        start(s)

    def __dealloc__(self):
        free(self.state.layers)
        free(self.memory)
        free(self.state.arena)

    def run(self, int64_t work) -> bool:
        """Go on for about so many nanoseconds; returns whether there is more to do."""
        cdef int status = NEEDS_ROOM
        while status == NEEDS_ROOM:
            with nogil:
                status = run(&self.state, work)
            if status == NEEDS_ROOM:
                self._grow()
        return status == PAUSED

    cdef _grow(self):
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
