"""Dense networks on packed parameters: evaluation, gradients and per-sample SGD. Arithmetic only.

`nnapprox.dense` checks everything before it calls in here; the inner loops are in ``_simd.h``.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t

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
        int64_t depth
        const layer_plan *layers
        int64_t *active
        int activation
        double leak
    ctypedef struct samples:
        int64_t count, inputs
        const int64_t *starts
        const uint16_t *columns
        const uint8_t *bytes
        const void *values
        double scale
        const void *mean_product
        double mean_square
    int best_instruction_set() noexcept
    double run_sgd(int, int, const network_plan *, void *, void *, const samples *, const void *, const int64_t *, int,
                   const int64_t *, const double *, const double *, int64_t, void *) noexcept
    bint run_forward(int, int, const network_plan *, const void *, const samples *, void *, void *) noexcept
    void run_gradients(int, int, const network_plan *, void *, const samples *, const void *, void *, void *,
                       void *) noexcept


def best() -> int:
    """Code of the widest instruction set that this machine has."""
    return best_instruction_set()


def count_nonzeros(const entry[:, ::1] x, int64_t[::1] starts):
    """Write where every sample's nonzero entries start, and after the last where they end."""
    cdef int64_t i, j, count = 0
    with nogil:
        for i in range(x.shape[0]):
            starts[i] = count
            for j in range(x.shape[1]):
                count += x[i, j] != 0
        starts[x.shape[0]] = count


def gather_nonzeros(const entry[:, ::1] x, uint16_t[::1] columns, entry[::1] entries):
    """Write the columns and values of the nonzero entries; both have room for one more than there are."""
    cdef int64_t i, j, k = 0
    with nogil:
        for i in range(x.shape[0]):
            for j in range(x.shape[1]):
                columns[k] = <uint16_t>j
                entries[k] = x[i, j]
                k += x[i, j] != 0


def dot_samples(const int64_t[::1] starts, const uint16_t[::1] columns, const entry[::1] entries,
                const double[::1] vector, double[::1] products):
    """Write the inner product of every sparse sample with a vector."""
    cdef int64_t i, k
    cdef double total
    with nogil:
        for i in range(products.shape[0]):
            total = 0
            for k in range(starts[i], starts[i + 1]):
                total += <double>entries[k] * vector[columns[k]]
            products[i] = total


cdef class Network:
    """A plan of packed layers, with its activation and instruction set."""

    cdef network_plan plan
    cdef int isa
    cdef object owners

    def __init__(self, int isa, const int64_t[:, ::1] layers, int64_t[::1] active, int activation, double leak):
        self.isa = isa
        self.plan.depth = layers.shape[0]
        self.plan.layers = <const layer_plan *>&layers[0, 0]
        self.plan.active = &active[0]
        self.plan.activation = activation
        self.plan.leak = leak
        self.owners = (layers, active)

    def sgd(self, real[::1] theta, real[::1] average, Samples data, const real[:, ::1] targets,
            const int64_t[::1] target_of, int loss, const int64_t[::1] order, const double[::1] steps,
            const double[::1] weights, real[::1] scratch):
        """Take one step a sample of `order`, in place; `average` may be None. Returns the summed loss."""
        cdef double total
        cdef void *mean = NULL if average is None else <void *>&average[0]
        with nogil:
            total = run_sgd(self.isa, sizeof(real) == 8, &self.plan, &theta[0], mean, &data.view, &targets[0, 0],
                            &target_of[0], loss, &order[0], &steps[0], &weights[0], order.shape[0], &scratch[0])
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
    """A view on samples: sparse with `starts` and `columns`, else dense; `entries` and `mean_product` as raw bytes."""

    cdef samples view
    cdef object owners

    def __init__(self, int64_t count, int64_t inputs, const int64_t[::1] starts, const uint16_t[::1] columns,
                 const uint8_t[::1] entries, bint are_bytes, double scale, const uint8_t[::1] mean_product,
                 double mean_square):
        self.view.count = count
        self.view.inputs = inputs
        self.view.starts = NULL if starts is None else &starts[0]
        self.view.columns = NULL if columns is None else &columns[0]
        self.view.bytes = &entries[0] if are_bytes else NULL
        self.view.values = NULL if are_bytes else <const void *>&entries[0]
        self.view.scale = scale
        self.view.mean_product = NULL if mean_product is None else <const void *>&mean_product[0]
        self.view.mean_square = mean_square
        self.owners = (starts, columns, entries, mean_product)
