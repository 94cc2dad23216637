"""Matrices of integers as few bytes: the model and the coder of ``_coder.h``, and the encoder's choices by their bits.

The callers, `nnapprox.files.nnq` and `nnapprox.quantization`, check everything before they call in here.
"""

from libc.math cimport log2
from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcpy, memset

cdef extern from "_coder.h" nogil:
    ctypedef struct model:
        pass
    ctypedef struct scan:
        int64_t columns, image
        const int8_t *row_shifts
        const int8_t *column_shifts
        int32_t *column_size
        int32_t *column_sign
    ctypedef struct stream:
        unsigned int low, high, code
        uint8_t *bytes
        int64_t position, length
    const int READ, WRITE, ADAPT
    float *BITS
    void make_tables() noexcept
    void start_model(model *) noexcept
    void restart_model(model *) noexcept
    void begin_row(scan *, const int32_t *, const int32_t *, const int32_t *) noexcept
    void look(scan *, int64_t) noexcept
    void pass_ "pass"(scan *, int64_t, int32_t) noexcept
    void end_row(scan *) noexcept
    int32_t code_integer(model *, stream *, const scan *, int, int32_t) noexcept
    ctypedef struct prices:
        pass
    ctypedef struct pair:
        int64_t other
        int32_t first, second
    void begin_prices(prices *) noexcept
    int answer(model *, const scan *, prices *, const int32_t *, int64_t, int64_t, const double *, const double *, double,
               double, double, const double *, double *, pair *) noexcept
    int32_t choose(model *, const scan *, double, double, double, int32_t) noexcept
    int next_byte(stream *) noexcept
    void finish(stream *) noexcept

make_tables()
cdef int _n
for _n in range(4097):
    BITS[_n] = <float>(12 - log2(_n if _n else 0.5))

MOST_BYTES = 16
"""Bytes that one integer can take at most, with room to spare: 66 decisions, of at most 12 bits where they adapt."""

cdef model PRIMED
start_model(&PRIMED)


cdef class Coder:
    """Matrices in raster order, row by row; the model goes on learning from one matrix to the next."""

    cdef model *state
    cdef scan place
    cdef object owners  # of the shifts

    def __cinit__(self):
        self.state = <model *>malloc(sizeof(model))
        if self.state == NULL:
            raise MemoryError
        self.renew()

    def __dealloc__(self):
        free(self.state)
        free(self.place.column_size)

    def copy(self) -> Coder:
        """A coder that has learnt the same, before its next matrix."""
        cdef Coder other = Coder()
        memcpy(other.state, self.state, sizeof(model))
        return other

    def renew(self):
        """Forget all that was learnt."""
        memcpy(self.state, &PRIMED, sizeof(model))

    def begin(self, int64_t columns, int64_t image, const int8_t[::1] row_shifts=None,
              const int8_t[::1] column_shifts=None):
        """Begin a matrix of at least one row and column.

        `image` is the number of its columns that make one image row, or 0; shifts say by which powers of two the
        steps of its rows and columns differ.
        """
        restart_model(self.state)
        free(self.place.column_size)
        memset(&self.place, 0, sizeof(scan))
        self.place.columns, self.place.image = columns, image
        self.owners = row_shifts, column_shifts
        if row_shifts is not None and column_shifts is not None:
            self.place.row_shifts, self.place.column_shifts = &row_shifts[0], &column_shifts[0]
        self.place.column_size = <int32_t *>calloc(2 * columns + 1, sizeof(int32_t))
        if self.place.column_size == NULL:
            raise MemoryError
        self.place.column_sign = self.place.column_size + columns

    cdef void _row(self, int32_t[:, ::1] q, int64_t i) noexcept nogil:
        begin_row(&self.place, &q[i, 0], &q[i - 1, 0] if i > 0 else NULL, &q[i - 2, 0] if i > 1 else NULL)

    cdef void _code(self, stream *bytes, int32_t[:, ::1] q, int64_t first, int64_t last, int mode) noexcept nogil:
        cdef int64_t i, j
        for i in range(first, last):
            self._row(q, i)
            for j in range(q.shape[1]):
                look(&self.place, j)
                q[i, j] = code_integer(self.state, bytes, &self.place, mode, q[i, j])
                pass_(&self.place, j, q[i, j])
                if mode == READ and bytes.position > bytes.length + 4:
                    return  # cut: a short file may claim a row of millions
            end_row(&self.place)

    def adapt(self, int32_t[:, ::1] q, int64_t first, int64_t last):
        """Learn rows first, ..., last - 1 of a matrix of at least one column."""
        with nogil:
            self._code(NULL, q, first, last, ADAPT)

    def feed_back(self, int32_t[:, ::1] q, int64_t i, const double[::1] wanted, const double[::1] steps,
                  const double[:, ::1] factor, double weight, double rate, double[::1] error, double[::1] carried):
        """Choose row i, each entry so that it makes up for the errors of those before it.

        `wanted` holds the weights plus what is carried over from rows before; `factor` is upper triangular, and the
        distortion of the row is weight * |error @ factor|^2. Writes the row's errors (wanted minus chosen) to `error`;
        `carried` is scratch.
        """
        cdef int64_t j, k, n = q.shape[1]
        cdef double target, scale
        with nogil:
            self._row(q, i)
            for j in range(n):
                carried[j] = 0
            for j in range(n):
                look(&self.place, j)
                target = wanted[j] + carried[j] / factor[j, j]
                scale = factor[j, j] * steps[j]
                q[i, j] = choose(self.state, &self.place, target / steps[j], weight * scale * scale, rate, 0)
                error[j] = wanted[j] - q[i, j] * steps[j]
                for k in range(j + 1, n):
                    carried[k] += error[j] * factor[j, k]
                code_integer(self.state, NULL, &self.place, ADAPT, q[i, j])
                pass_(&self.place, j, q[i, j])
            end_row(&self.place)

    cdef void _move(self, int32_t[:, ::1] q, int64_t i, int64_t j, int32_t chosen, const double[::1] steps,
                    const double[:, ::1] gram, double weight, double[::1] slope) noexcept nogil:
        cdef int64_t k
        cdef double moved = (chosen - q[i, j]) * steps[j] * weight
        q[i, j] = chosen
        for k in range(q.shape[1]):
            slope[k] += moved * gram[j, k]

    def descend(self, int32_t[:, ::1] q, int64_t i, const double[::1] steps, const double[:, ::1] gram, double weight,
                double rate, double[::1] slope, const int32_t[:, ::1] partners) -> int:
        """Choose every entry of row i anew, given all others, alone or together with a partner; returns how many moved.

        `slope` holds half the derivative of the distortion by the row's values, and is kept up to date; the second
        derivative is weight * gram. `partners` has a row for every column: other columns, or -1.
        """
        cdef int64_t j, k, a, changed = 0
        cdef int32_t chosen
        cdef double curvature, least
        cdef bint found
        cdef prices known
        cdef pair best
        with nogil:
            self._row(q, i)
            for j in range(q.shape[1]):
                look(&self.place, j)
                curvature = weight * gram[j, j] * steps[j] * steps[j]
                chosen = 0
                if curvature > 0:
                    chosen = choose(self.state, &self.place, q[i, j] - slope[j] * steps[j] / curvature, curvature, rate,
                                    q[i, j])
                if chosen != q[i, j]:
                    self._move(q, i, j, chosen, steps, gram, weight, slope)
                    changed += 1
                found, least = False, 0
                begin_prices(&known)
                for a in range(partners.shape[1] if curvature > 0 else 0):
                    k = partners[j, a]
                    if k >= 0:
                        found |= answer(self.state, &self.place, &known, &q[i, 0], j, k, &steps[0], &gram[j, 0],
                                        gram[k, k], weight, rate, &slope[0], &least, &best)
                if found:
                    self._move(q, i, j, best.first, steps, gram, weight, slope)
                    self._move(q, i, best.other, best.second, steps, gram, weight, slope)
                    changed += 1
                code_integer(self.state, NULL, &self.place, ADAPT, q[i, j])
                pass_(&self.place, j, q[i, j])
            end_row(&self.place)
        return changed


cdef class Writer:
    """The bytes of matrices."""

    cdef readonly Coder coder
    cdef stream out
    cdef int64_t room

    def __init__(self):
        self.coder = Coder()
        self.out.high = 0xffffffff

    def __dealloc__(self):
        free(self.out.bytes)

    cdef _reserve(self, int64_t more):
        cdef uint8_t *larger
        if self.out.position + more > self.room:
            self.room = 2 * (self.out.position + more)
            larger = <uint8_t *>realloc(self.out.bytes, self.room)
            if larger == NULL:
                raise MemoryError
            self.out.bytes = larger

    def write(self, int32_t[:, ::1] q, int64_t first, int64_t last):
        """Write rows first, ..., last - 1 of the matrix that its coder has begun."""
        self._reserve((last - first) * q.shape[1] * MOST_BYTES + 16)
        with nogil:
            self.coder._code(&self.out, q, first, last, WRITE)

    @property
    def position(self) -> int:
        """Bytes written up to now."""
        return self.out.position

    def finish(self) -> bytes:
        """End the stream; gives its bytes."""
        self._reserve(16)
        finish(&self.out)
        return self.out.bytes[:self.out.position]


cdef class Reader:
    """Matrices from their bytes."""

    cdef readonly Coder coder
    cdef stream source
    cdef object owner

    def __init__(self, const uint8_t[::1] content):
        self.coder = Coder()
        self.owner = content
        self.source.high, self.source.length = 0xffffffff, content.shape[0]
        if content.shape[0]:
            self.source.bytes = <uint8_t *>&content[0]
        for _ in range(4):
            self.source.code = self.source.code << 8 | <unsigned int>next_byte(&self.source)

    def read(self, int32_t[:, ::1] q, int64_t first, int64_t last):
        """Read rows first, ..., last - 1 of the matrix that its coder has begun."""
        with nogil:
            self.coder._code(&self.source, q, first, last, READ)

    @property
    def excess(self) -> int:
        """Bytes read beyond the end; more than 4 mean that the stream was cut."""
        return self.source.position - self.source.length
