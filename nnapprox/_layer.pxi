# What `_plane.pyx` and `_space.pyx` both include; either header has its own struct of this name.

cdef class Layer:
    """A hidden layer after the first: its weights in doubles, a row an input, and in integers, a row a neuron."""

    cdef layer view
    cdef object owners

    def __init__(self, int64_t inputs, int64_t neurons, const double[:, ::1] weights, const double[::1] bias,
                 const double[::1] bias_error, double rounding):
        self.owners = [weights, bias, bias_error]
        view = &self.view
        view.inputs, view.neurons, view.padded, view.source = inputs, neurons, bias.shape[0], -1
        view.weights, view.bias, view.bias_error, view.rounding = &weights[0, 0], &bias[0], &bias_error[0], rounding

    def complete(self, const int64_t[::1] row, const int32_t[::1] column, const limb[:, ::1] entries, int64_t exact_words):
        """Take the integers, once: others may be reading those that are there."""
        view = &self.view
        if view.entries != NULL:
            return
        self.owners += [row, column, entries]
        view.row, view.column = &row[0], &column[0]
        view.entries, view.entry_words, view.exact_words = &entries[0, 0], entries.shape[1], exact_words
