"""Dense networks on packed parameters: evaluation, gradients and per-sample SGD. Arithmetic only.

`nnapprox.dense` checks everything before it calls in here; the inner loops are in ``_simd.h``.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t

ctypedef fused real:
    float
    double

ctypedef fused entry:
    uint8_t
    float
    double

cdef extern from "_simd.h" nogil:
    ctypedef struct layer_plan:
        pass
    ctypedef struct network_plan:
        int64_t depth, signals
        const layer_plan *layers
        int64_t *active
        int activation
        double leak
    ctypedef struct samples:
        int64_t count, inputs, item
        const void *values
        double scale
    ctypedef struct record_head:
        uint32_t count, target
        double mean_product
    ctypedef struct records:
        int64_t count, lines
        const uint8_t *start
        const int64_t *where
        bint are_bytes, sparse, centred
        double scale, mean_square
    int best_instruction_set() noexcept
    double run_sgd(int, int, const network_plan *, void *, void *, const records *, const void *, int, const int64_t *,
                   const double *, const double *, int64_t, void *) noexcept
    bint run_forward(int, int, const network_plan *, const void *, const samples *, void *, void *) noexcept
    void run_gradients(int, int, const network_plan *, void *, const samples *, const void *, void *, void *,
                       void *) noexcept


def best() -> int:
    """Code of the widest instruction set that this machine has."""
    return best_instruction_set()


def count_nonzeros(const entry[:, ::1] x, int64_t[::1] counts):
    """Write how many entries of every sample are not zero."""
    cdef int64_t i, j, count
    with nogil:
        for i in range(x.shape[0]):
            count = 0
            for j in range(x.shape[1]):
                count += x[i, j] != 0
            counts[i] = count


def write_records(const entry[:, ::1] x, const int64_t[::1] counts, const int64_t[::1] targets, const double[::1] mean,
                  double scale, const int64_t[::1] where, uint8_t[::1] out, bint sparse):
    """Write every sample as a record (see _simd.h) at out[where[i]:], into zeros; `mean` may be None."""
    cdef int64_t i, j, k, stored
    cdef double product
    cdef record_head *head
    cdef entry *values
    cdef uint16_t *columns = NULL
    with nogil:
        for i in range(x.shape[0]):
            stored = (counts[i] + 15) & ~15
            head = <record_head *>&out[where[i]]
            head.count = <uint32_t>counts[i]
            head.target = <uint32_t>targets[i]
            values = <entry *>(head + 1)
            if not sparse:
                for j in range(x.shape[1]):
                    values[j] = x[i, j]
            else:  # what is written past the end is a zero, then what the next pass or record overwrites
                k = 0
                for j in range(x.shape[1]):
                    values[k] = x[i, j]
                    k += x[i, j] != 0
                columns = <uint16_t *>(values + stored)
                k = 0
                for j in range(x.shape[1]):
                    columns[k] = <uint16_t>j
                    k += x[i, j] != 0
            if mean is not None:
                product = 0
                for k in range(counts[i]):
                    product += <double>values[k] * mean[columns[k] if sparse else k]
                head.mean_product = product * scale


cdef class Network:
    """A plan of packed layers, with its activation and instruction set."""

    cdef network_plan plan
    cdef int isa
    cdef object owners

    def __init__(self, int isa, const int64_t[:, ::1] layers, int64_t[::1] active, int64_t signals, int activation,
                 double leak):
        self.isa = isa
        self.plan.depth = layers.shape[0]
        self.plan.signals = signals
        self.plan.layers = <const layer_plan *>&layers[0, 0]
        self.plan.active = &active[0]
        self.plan.activation = activation
        self.plan.leak = leak
        self.owners = (layers, active)

    def sgd(self, real[::1] theta, real[::1] average, Records data, const real[:, ::1] targets, int loss,
            const int64_t[::1] order, const double[::1] steps, const double[::1] weights, real[::1] scratch):
        """Take one step a sample of `order`, in place; `average` may be None. Returns the summed loss."""
        cdef double total
        cdef void *mean = NULL if average is None else <void *>&average[0]
        with nogil:
            total = run_sgd(self.isa, sizeof(real) == 8, &self.plan, &theta[0], mean, &data.view, &targets[0, 0], loss,
                            &order[0], &steps[0], &weights[0], order.shape[0], &scratch[0])
        return total

    def forward(self, const real[::1] theta, Samples data, real[:, ::1] out, real[::1] scratch):
        """Write the outputs at every sample; returns whether all values of dense samples were finite."""
        cdef bint finite
        with nogil:
            finite = run_forward(self.isa, sizeof(real) == 8, &self.plan, &theta[0], &data.view, &out[0, 0], &scratch[0])
        return finite

    def gradients(self, real[::1] theta, Samples data, const real[:, ::1] cotangents, real[::1] by_parameters,
                  real[:, ::1] by_inputs, real[::1] scratch):
        """Add the gradient with respect to theta to `by_parameters`, write those with respect to the inputs."""
        with nogil:
            run_gradients(self.isa, sizeof(real) == 8, &self.plan, &theta[0], &data.view, &cotangents[0, 0],
                          &by_parameters[0], &by_inputs[0, 0], &scratch[0])


cdef class Samples:
    """A view on rows of bytes or numbers, as raw bytes."""

    cdef samples view
    cdef object owner

    def __init__(self, int64_t count, int64_t inputs, const uint8_t[::1] values, int64_t item, double scale):
        self.view.count = count
        self.view.inputs = inputs
        self.view.values = <const void *>&values[0]
        self.view.item = item
        self.view.scale = scale
        self.owner = values


cdef class Records:
    """A view on what `write_records` wrote."""

    cdef records view
    cdef object owners

    def __init__(self, const uint8_t[::1] written, const int64_t[::1] where, bint are_bytes, bint sparse, bint centred,
                 double scale, double mean_square):
        self.view.count = where.shape[0] - 1
        self.view.lines = written.shape[0] // self.view.count // 64 + 1
        self.view.start = &written[0]
        self.view.where = &where[0]
        self.view.are_bytes = are_bytes
        self.view.sparse = sparse
        self.view.centred = centred
        self.view.scale = scale
        self.view.mean_square = mean_square
        self.owners = (written, where)
