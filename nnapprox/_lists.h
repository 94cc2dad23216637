/* The first layer's sums at samples most of whose values are zeros, where its rows are short: each sample by the columns
 * of its other values. Included by _steps.h, for one number type T and one instruction set. */

/* A sample's values times scale, then zeros, and the columns of those that are not zero, padded to whole groups of
 * four by the column after the last. */
INLINE void NAME(list_row)(const char *row, const int are_bytes, T scale, int64_t inputs, NAME(inputs) *in)
{
    T *restrict x = in->x;
    uint32_t *restrict columns = in->offsets;
    int64_t kept = 0, k = 0;
#ifdef LIST_COLUMNS
    k = inputs / LIST_LANES * LIST_LANES;
    kept = LIST_COLUMNS(row, are_bytes, k, scale, x, columns);
#endif
    for (; k < inputs; k++) { /* no branch: too many would be mispredicted */
        x[k] = (are_bytes ? (T)((const uint8_t *)row)[k] : ((const T *)row)[k]) * scale;
        columns[kept] = (uint32_t)k;
        kept += x[k] != 0;
    }
    for (int64_t i = 0; i < 4; i++) {
        x[inputs + i] = 0;
        columns[kept + i] = (uint32_t)inputs;
    }
    in->count = (kept + 3) & ~(int64_t)3;
}

/* The sums at a group, one sample after the other. Returns whether all values are finite. */
static int NAME(sums_by_lists)(const layer_plan *first, const T *theta, const samples *data, const char *const *rows,
                               NAME(inputs) *in, T *sums)
{
    const int64_t inputs = first->inputs, stride = first->stride;
    const T *weights = theta + first->weights, *bias = weights + inputs * stride;
    int finite = 1;
    for (int64_t g = 0; g < GROUP; g++, sums += PADDED(stride)) {
        const char *next = rows[g] + inputs * data->item, *later = next + 2 * inputs * data->item;
        for (int64_t k = 3 * inputs / 4 * data->item; k < inputs * data->item; k += 64) /* what summing rarely reaches */
            PREFETCH_FAR(later - inputs * data->item + k);
        if (data->item == 1) NAME(list_row)(rows[g], 1, (T)data->scale, inputs, in);
        else NAME(list_row)(rows[g], 0, (T)data->scale, inputs, in);
#define CALL(n)                                                                                                   \
    case n:                                                                                                       \
        CAT(NAME(sum_listed), _narrow)(weights + done, NARROW_BYTES ? n * NARROW_LANES : stride, in, next, later, \
                                       data->item, bias + done, sums + done, n);                                              \
        break;
        for (int64_t done = 0; done < stride; done += 8 * NARROW_LANES) switch ((stride - done) / NARROW_LANES) {
                CALL(1) CALL(2) CALL(3) CALL(4) CALL(6)
            default: CALL(8)
            }
#undef CALL
        if (sums[0] * 0 != 0) /* a value that is not finite leaves no sum finite */
            for (int64_t k = 0; k < inputs; k++) finite &= in->x[k] * 0 == 0;
    }
    return finite;
}

/* Whether sums_by_lists is the quicker way: short rows, and most values are zeros, judged by some samples. */
static int NAME(takes_lists)(const layer_plan *first, const samples *data)
{
    const int64_t step = data->count / 8 + 1;
    int64_t nonzeros = 0, seen = 0;
    if (IS_WIDE(first->stride)) return 0;
    for (int64_t n = 0; n < data->count; n += step, seen += data->inputs) {
        const uint8_t *row = (const uint8_t *)data->values + n * data->inputs * data->item;
        for (int64_t k = 0; k < data->inputs; k++)
            nonzeros += data->item == 1 ? row[k] != 0 : ((const T *)row)[k] != 0;
    }
    return 2 * nonzeros < seen;
}
