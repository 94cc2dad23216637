"""Matrices of integers as few bytes: the model and the coder of ``_coder.h``, and the encoder's choices by their bits.

The callers, `nnapprox.files.nnq` and `nnapprox.quantization`, check everything before they call in here.
"""

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
        int trellis, state
        int32_t *column_size
        int32_t *column_sign
    ctypedef struct stream:
        unsigned int low, high, code
        uint8_t *bytes
        int64_t position, length
    const int READ, WRITE, ADAPT
    void make_tables() noexcept
    void start_model(model *) noexcept
    void restart_model(model *) noexcept
    void begin_row(scan *, const int32_t *, const int32_t *, const int32_t *) noexcept
    void look(scan *, int64_t) noexcept
    void pass_ "pass"(scan *, int64_t, int32_t) noexcept
    void end_row(scan *) noexcept
    int may_stand(const scan *, int32_t) noexcept
    int32_t code_integer(model *, stream *, const scan *, int, int32_t) noexcept
    int next_byte(stream *) noexcept
    void finish(stream *) noexcept

cdef extern from "_trellis.h" nogil:
    ctypedef struct goal:
        const double *wanted
        const double *steps
        const double *couplings
        const double *weights
        double rate, slack
    ctypedef struct paths:
        pass
    void make_bits() noexcept
    int reserve_paths(paths *, int64_t) noexcept
    void free_paths(paths *) noexcept
    void search_row(model *, scan *, paths *, int32_t *, const goal *) noexcept

make_tables()
make_bits()

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
              const int8_t[::1] column_shifts=None, bint trellis=False):
        """Begin a matrix of at least one row and column.

        `image` is the number of its columns that make one image row, or 0; shifts say by which powers of two the
        steps of its rows and columns differ; in a trellis an entry's place says whether it is even or odd.
        """
        restart_model(self.state)
        free(self.place.column_size)
        memset(&self.place, 0, sizeof(scan))
        self.place.columns, self.place.image, self.place.trellis = columns, image, trellis
        self.owners = row_shifts, column_shifts
        if row_shifts is not None and column_shifts is not None:
            self.place.row_shifts, self.place.column_shifts = &row_shifts[0], &column_shifts[0]
        self.place.column_size = <int32_t *>calloc(2 * columns + 1, sizeof(int32_t))
        if self.place.column_size == NULL:
            raise MemoryError
        self.place.column_sign = self.place.column_size + columns

    cdef void _row(self, int32_t[:, ::1] q, int64_t i) noexcept nogil:
        begin_row(&self.place, &q[i, 0], &q[i - 1, 0] if i > 0 else NULL, &q[i - 2, 0] if i > 1 else NULL)

    cdef bint _code(self, stream *bytes, int32_t[:, ::1] q, int64_t first, int64_t last, int mode) noexcept nogil:
        """False where an entry to write may not stand where it does."""
        cdef int64_t i, j
        for i in range(first, last):
            self._row(q, i)
            for j in range(q.shape[1]):
                if mode == WRITE and not may_stand(&self.place, q[i, j]):
                    return False
                look(&self.place, j)
                q[i, j] = code_integer(self.state, bytes, &self.place, mode, q[i, j])
                pass_(&self.place, j, q[i, j])
                if mode == READ and bytes.position > bytes.length + 4:
                    return True  # cut: a short file may claim a row of millions
            end_row(&self.place)
        return True

    def adapt(self, int32_t[:, ::1] q, int64_t first, int64_t last):
        """Learn rows first, ..., last - 1 of a matrix of at least one column."""
        with nogil:
            self._code(NULL, q, first, last, ADAPT)

    def search(self, int32_t[:, ::1] q, int64_t i, const double[::1] wanted, const double[::1] steps,
               const double[:, ::1] couplings, const double[::1] weights, double rate, double slack,
               Paths paths):
        """Choose row i of a matrix in a trellis, of little weights * (errors in steps)^2 + rate * bits, and learn it.

        To what is `wanted` at j, the errors (wanted minus chosen) at all k < j add couplings[j, k] times themselves.
        Paths are followed that cost up to `slack` more than the cheapest.
        """
        cdef goal sought
        sought.wanted, sought.steps, sought.weights = &wanted[0], &steps[0], &weights[0]
        sought.couplings, sought.rate, sought.slack = &couplings[0, 0], rate, slack
        with nogil:
            self._row(q, i)
            search_row(self.state, &self.place, &paths.all, &q[i, 0], &sought)


cdef class Paths:
    """Room for the paths of a search through rows of so many columns."""

    cdef paths all

    def __cinit__(self, int64_t columns):
        if not reserve_paths(&self.all, columns):
            free_paths(&self.all)
            raise MemoryError

    def __dealloc__(self):
        free_paths(&self.all)


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
        """Write rows first, ..., last - 1 of the matrix that its coder has begun.

        Raises ValueError where an entry is none that may stand at its place of a trellis.
        """
        cdef bint right
        self._reserve((last - first) * q.shape[1] * MOST_BYTES + 16)
        with nogil:
            right = self.coder._code(&self.out, q, first, last, WRITE)
        if not right:
            raise ValueError("integers do not follow the trellis")

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
