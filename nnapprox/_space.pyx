"""The regions of a network on a convex polytope: polytope splitting. Arithmetic only.

`nnapprox.regions.space` prepares everything before it calls in here; the work is done in ``_space.h``.
"""

from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport calloc, free, realloc

import numpy as np

cdef extern from "_space.h" nogil:
    ctypedef unsigned long long limb
    ctypedef struct layer:
        int64_t inputs, neurons, padded, first, entry_words, exact_words, source
        const double *weights
        const double *bias
        const double *bias_error
        double rounding
        const int64_t *row
        const int32_t *column
        const limb *entries
        limb *exact
        const uint64_t *residue_weights
        const uint64_t *residue_bias
        uint64_t *residues
    ctypedef struct space
    ctypedef int run_loop(space *, int64_t) noexcept
    ctypedef struct space:
        int64_t numbers, hidden, sides, unit, padded_sides, corners, side_words, slope_words, with_cells, room, found
        int64_t wanted_count, pattern_words, label_room, planes, arena_words
        int64_t regions, predicates, exact_decisions
        layer *layers
        const double *given
        const limb *side_exact
        double slope
        const limb *numerator
        const limb *denominator
        const double *corner
        const uint64_t *corner_facets
        uint64_t slope_residue, output_bias
        const uint64_t *output_weights
        const uint64_t *wanted
        uint64_t *fingerprints
        uint64_t *patterns
        int64_t *offsets
        int32_t *labels
        int64_t *arena
        double done
        run_loop *run
    const int MOST_FLIPS, NEEDS_ROOM, PAUSED
    run_loop *loop_for(int) noexcept
    size_t furnish(space *, char *) noexcept
    void start(space *) noexcept

FLIPS = MOST_FLIPS

include "_layer.pxi"


cdef class Counter:
    """A count on its way."""

    cdef space state
    cdef char *memory
    cdef list owners
    cdef object blocks

    def __init__(self, int isa, const double[:, ::1] given, int64_t sides, int64_t neurons, list layers, int64_t unit,
                 double slope, tuple integers, const double[:, ::1] corners, const uint64_t[:, ::1] corner_facets):
        """Take the sides of the domain and the first layer as padded columns (form, error).

        The layers' constants are multiples of the coordinate `unit`, where d stands for the constant 1. `integers` are
        those of the sides, the first layer and the slope's numerator and denominator.
        """
        cdef space *s = &self.state
        cdef const limb[:, :, ::1] side_forms
        cdef limb[:, :, ::1] first
        cdef const limb[:, ::1] slope_parts
        cdef int64_t n, block = given.shape[1]
        side_forms, first, slope_parts = integers
        self.owners = [given, side_forms, first, layers, slope_parts, corners, corner_facets]
        s.numbers, s.hidden = given.shape[0] - 1, len(layers) + 1
        s.given, s.unit = &given[0, 0], unit
        s.sides, s.side_words, s.side_exact = sides, side_forms.shape[2], &side_forms[0, 0, 0]
        s.slope, s.slope_words = slope, slope_parts.shape[1]
        s.numerator, s.denominator = &slope_parts[0, 0], &slope_parts[1, 0]
        s.corners, s.corner, s.corner_facets = corners.shape[0], &corners[0, 0], &corner_facets[0, 0]
        s.layers = <layer *>calloc(s.hidden, sizeof(layer))
        if s.layers == NULL:
            raise MemoryError
        s.layers.neurons = neurons
        s.layers.padded = (neurons + 15) // 16 * 16
        s.padded_sides = block - s.layers.padded
        s.layers.exact, s.layers.exact_words = &first[0, 0, 0], first.shape[2]
        for n in range(1, s.hidden):
            s.layers[n] = (<Layer?>layers[n - 1]).view
        self.memory = <char *>calloc(furnish(s, NULL), 1)
        if self.memory == NULL:
            raise MemoryError
        furnish(s, self.memory)
        s.run = loop_for(isa)
        self._grow(16384 + s.corners * (s.numbers + corner_facets.shape[1] + 8))
        start(s)

    def give_cells(self, const uint64_t[::1] first, tuple layers, uint64_t slope, int64_t room,
                   const uint64_t[::1] wanted):
        """Have cells made: give the fingerprints of all, or the patterns and facets of those with wanted ones."""
        cdef space *s = &self.state
        cdef const uint64_t[:, ::1] weight
        cdef const uint64_t[::1] bias
        cdef uint64_t[::1] fingerprints
        cdef uint64_t[:, ::1] patterns
        cdef int64_t[::1] offsets
        cdef int32_t[::1] labels
        cdef int64_t n, neurons = 0
        s.with_cells, s.slope_residue, s.room = 1, slope, room
        for n in range(s.layers.neurons):
            s.layers.residues[n] = first[n]
        for n in range(s.hidden):
            weight, bias = layers[n]
            neurons += s.layers[n].neurons
            self.owners += [weight, bias]
            if n + 1 < s.hidden:
                s.layers[n + 1].residue_weights, s.layers[n + 1].residue_bias = &weight[0, 0], &bias[0]
            else:
                s.output_weights, s.output_bias = &weight[0, 0], bias[0]
        s.pattern_words = (neurons + 63) // 64
        s.label_room = 16 * room + s.planes
        self.blocks = (np.empty(room, np.uint64), np.empty((room, s.pattern_words), np.uint64),
                       np.zeros(room + 1, np.int64), np.empty(s.label_room, np.int32))
        fingerprints, patterns, offsets, labels = self.blocks
        s.fingerprints, s.patterns, s.offsets, s.labels = &fingerprints[0], &patterns[0, 0], &offsets[0], &labels[0]
        s.wanted_count = wanted.shape[0]
        if s.wanted_count:
            s.wanted = &wanted[0]
        self.owners.append(wanted)

    def __dealloc__(self):
        free(self.state.layers)
        free(self.memory)
        free(self.state.arena)

    def run(self, int64_t work) -> bool:
        """Go on for about so many nanoseconds; returns whether there is more to do."""
        cdef int status = NEEDS_ROOM
        self.state.found = 0
        while status == NEEDS_ROOM:
            with nogil:
                status = self.state.run(&self.state, work)
            if status == NEEDS_ROOM:
                self._grow(2 * self.state.arena_words)
        return status == PAUSED

    cdef _grow(self, int64_t words):
        cdef void *larger = realloc(self.state.arena, words * sizeof(int64_t))
        if larger == NULL:
            raise MemoryError
        self.state.arena = <int64_t *>larger
        self.state.arena_words = words

    def fingerprints(self):
        """Those of the cells that the last run gave."""
        return self.blocks[0][: self.state.found].copy()

    def cells(self):
        """Patterns, offsets and facet labels of the cells that the last run gave."""
        cdef int64_t found = self.state.found
        _, patterns, offsets, labels = self.blocks
        return patterns[:found].copy(), offsets[: found + 1].copy(), labels[: offsets[found]].copy()

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
        return min(1.0, self.state.done)
