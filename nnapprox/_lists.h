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

/* To be asked where a sum is not finite: a value that is not leaves none. */
static int NAME(all_finite)(const T *x, int64_t count)
{
    int finite = 1;
    for (int64_t k = 0; k < count; k++) finite &= x[k] * 0 == 0;
    return finite;
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
        for (int64_t k = 3 * inputs / 4 * data->item; k < inputs * data->item; k += 64)
            PREFETCH_FAR(later - inputs * data->item + k); /* which the sums rarely come to */
        if (data->item == 1) NAME(list_row)(rows[g], 1, (T)data->scale, inputs, in);
        else NAME(list_row)(rows[g], 0, (T)data->scale, inputs, in);
#define CALL(n)                                                                                                    \
    case n:                                                                                                        \
        CAT(NAME(sum_listed), _narrow)(weights + done, NARROW_BYTES ? n * NARROW_LANES : stride, in, next, later,  \
                                       data->item, bias + done, sums + done, n);                                   \
        break;
        for (int64_t done = 0; done < stride; done += 8 * NARROW_LANES) switch ((stride - done) / NARROW_LANES) {
                CALL(1) CALL(2) CALL(3) CALL(4) CALL(6)
            default: CALL(8)
            }
#undef CALL
        if (sums[0] * 0 != 0) finite &= NAME(all_finite)(in->x, inputs);
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

#ifdef BY_FOURS
/* A layer's sums at 16 samples, one a lane. */
static void NAME(sums_of_lanes)(const layer_plan *layer, const T *theta, const T *x, T *sums)
{
    typedef CAT(NAME(vector), _wide) vector;
    const T *rows = theta + layer->weights, *bias = rows + layer->inputs * layer->stride;
    for (int64_t n = 0; n < layer->stride; n += 8) {
        vector s[8];
        UNROLL for (int i = 0; i < 8; i++) s[i] = bias[n + i] - (vector){0};
        for (int64_t k = 0; k < layer->inputs; k++) {
            const vector value = ((const vector *)x)[k];
            const T *row = rows + k * layer->stride + n;
            KEEP_ADDRESS(row);
            UNROLL for (int i = 0; i < 8; i++) s[i] += row[i] * value;
        }
        UNROLL for (int i = 0; i < 8; i++) ((vector *)sums)[n + i] = s[i];
    }
}

/* From the first layer's sums at 16 samples, in rows of NARROW_WIDTH, to the outputs, in their place. */
static void NAME(finish_lanes)(const network_plan *net, const T *theta, T *rows)
{
    T room[2][16 * NARROW_WIDTH] __attribute__((aligned(64))), *h = room[0], *sums = room[1];
    const layer_plan *last = net->layers + net->depth - 1;
    transpose(rows, NARROW_WIDTH, 16, net->layers->stride, h, 16);
    for (const layer_plan *layer = net->layers; layer < last; layer++) {
        NAME(activate)(net->activation, (T)net->leak, h, sums, 16 * layer->outputs, 16 * layer->outputs);
        NAME(sums_of_lanes)(layer + 1, theta, h, sums);
        T *const used = h;
        h = sums;
        sums = used;
    }
    transpose(h, 16, last->stride, 16, rows, NARROW_WIDTH);
}

/* As forward, at many sparse samples, where all layers are narrow. The samples come from four places in turn, since
 * memory is quicker to give from several than from one. */
static int NAME(forward_by_fours)(const network_plan *net, const T *theta, const samples *data, T *out,
                                  NAME(inputs) *in, T *packed)
{
    const layer_plan *first = net->layers, *last = first + net->depth - 1;
    const T *weights = theta + first->weights, *bias = weights + first->inputs * first->stride;
    const int64_t outputs = last->outputs, quarter = (data->count + 15) / 16 * 4;
    T rows[16 * NARROW_WIDTH] __attribute__((aligned(64))) = {0};
    int finite = 1;
    pack_fours(weights, first->inputs, first->outputs, first->stride, packed);
    for (int64_t start = 0; start < quarter; start += 4) {
        for (int64_t i = 0; i < 16; i++) {
            const int64_t n = start + i / 4 + i % 4 * quarter;
            if (n >= data->count) continue;
            const char *row = (const char *)data->values + n * data->inputs * data->item;
            T *sums = rows + i * NARROW_WIDTH;
            const T *x = sums_by_fours(first, packed, bias, row, data->item == 1, (T)data->scale, in->x, in->offsets,
                                       sums);
            if (sums[0] * 0 != 0) finite &= NAME(all_finite)(x, first->inputs);
        }
        NAME(finish_lanes)(net, theta, rows);
        for (int64_t i = 0; i < 16; i++) {
            const int64_t n = start + i / 4 + i % 4 * quarter;
            if (n < data->count) memcpy(out + n * outputs, rows + i * NARROW_WIDTH, (size_t)outputs * sizeof(T));
        }
    }
    return finite;
}

/* Whether forward_by_fours is for this: for fewer samples, packing the weights takes too long. */
static int NAME(takes_fours)(const network_plan *net, const samples *data)
{
    for (int64_t l = 0; l < net->depth; l++)
        if (net->layers[l].stride > NARROW_WIDTH) return 0;
    return data->count >= MANY_SAMPLES;
}
#endif
