/* Steps of a network whose layers are narrow, for one number type T and one instruction set.
 *
 * Included by _steps.h where narrow vectors have 32 bytes. They do what sparse_steps does, to the same bits, with H
 * vectors a row in all layers but the last, which has O: constants, so that whole rows stay in registers. Rows above the
 * first layer are met one after the other, so that no list of them is read, and while a step waits for each layer in
 * turn, the next sample is unpacked.
 */

/* out = bias + sum_k x[k] row[k], of rows that the bias follows. */
INLINE void NAME(sum_rows)(const T *rows, const T *x, int64_t count, T *out, const int NV)
{
    const int sets = NV <= 3 ? 4 : 2, width = NV * NARROW_LANES;
    NARROW sums[4][4];
    int64_t k = 0;
    UNROLL for (int v = 0; v < NV; v++) sums[0][v] = AT(rows, count * width + v * NARROW_LANES);
    UNROLL for (int s = 1; s < sets; s++)
        UNROLL for (int v = 0; v < NV; v++) sums[s][v] = sums[0][v] - sums[0][v];
    for (; k + sets <= count; k += sets)
        UNROLL for (int s = 0; s < sets; s++)
            UNROLL for (int v = 0; v < NV; v++)
                sums[s][v] += x[k + s] * AT(rows, (k + s) * width + v * NARROW_LANES);
    for (int s = 0; s < sets - 1; s++)
        if (k + s < count)
            UNROLL for (int v = 0; v < NV; v++)
                sums[s][v] += x[k + s] * AT(rows, (k + s) * width + v * NARROW_LANES);
    UNROLL for (int s = 1; s < sets; s++)
        UNROLL for (int v = 0; v < NV; v++) sums[0][v] += sums[s][v];
    UNROLL for (int v = 0; v < NV; v++) AT(out, v * NARROW_LANES) = sums[0][v];
}

INLINE void NAME(activate_row)(const network_plan *net, const layer_plan *layer, const NAME(values) *v, const int NV)
{
    if (net->activation != RELU)
        NAME(activate)(net->activation, (T)net->leak, v->h, v->slope, layer->outputs, layer->stride);
    else
        UNROLL for (int i = 0; i < NV * NARROW_LANES; i += NARROW_LANES)
            AT(v->h, i) = POSITIVE_PART(AT(v->h, i), AT(v->h, i));
}

/* The signal of the layer below; this layer moves by its own. */
INLINE void NAME(step_back)(const network_plan *net, T *theta, const layer_plan *layer, const NAME(values) *v,
                            const NAME(values) *below, const int NV)
{
    const int width = NV * NARROW_LANES;
    const int64_t count = layer->inputs;
    T *rows = theta + layer->weights;
    NARROW signal[4];
    UNROLL for (int i = 0; i < NV; i++) signal[i] = AT(v->signal, i * NARROW_LANES);
    for (int64_t k = 0; k < count; k += NARROW_LANES) {
        NARROW sums[NARROW_LANES];
        UNROLL for (int i = 0; i < NARROW_LANES; i++) {
            if (k + i < count)
                sums[i] = CAT(NAME(dot_row), _narrow)(&AT(rows, (k + i) * width), below->h[k + i], signal, NV, 1);
            else sums[i] = signal[0] - signal[0];
        }
        const NARROW products = NAME(totals)(sums);
        AT(below->signal, k) = net->activation == RELU ? POSITIVE_PART(AT(below->h, k), products)
                                                       : products * AT(below->slope, k);
    }
    UNROLL for (int i = 0; i < NV; i++) AT(rows, count * width + i * NARROW_LANES) += signal[i];
}

INLINE double NAME(steps_of)(NAME(run) *run, const int64_t *order, const double *steps, const double *weights,
                             int64_t count, const int H, const int O)
{
    const network_plan *net = run->net;
    const layer_plan *first = run->first, *last = run->last;
    const records *data = run->data;
    T *theta = run->theta;
    NAME(inputs) in[2] = {run->in, run->in};
    in[1].x += run->in.room;
    in[0].offsets = (uint32_t *)(in[1].x + run->in.room);
    in[1].offsets = in[0].offsets + run->in.room;
    const record_head *head = NAME(record)(data, order[0]);
    double total = 0;
    NAME(fetch_sparse)(data, head, H * NARROW_BYTES, &in[0]);
    for (int64_t n = 0; n < count; n++) {
        const NAME(inputs) *now = &in[n % 2];
        if (n + AHEAD < count) NAME(prefetch_record)(data, order[n + AHEAD], 0, data->lines);
        if (n + 2 * AHEAD < count) PREFETCH(data->where + order[n + 2 * AHEAD]);
        NAME(start_first)(net, theta, NAME(shift)(data, head), run->bottom.h);
        CAT(NAME(accumulate_columns), _narrow)((const char *)(theta + first->weights), now->offsets, now->x, now->count,
                                               run->bottom.h, run->bottom.h, H);
        NAME(values) below = run->bottom;
        NAME(activate_row)(net, first, &below, H);
        for (const layer_plan *layer = first + 1; layer < last; layer++) {
            const NAME(values) v = NAME(values_of)(layer, run->scratch);
            NAME(sum_rows)(theta + layer->weights, below.h, layer->inputs, v.h, H);
            NAME(activate_row)(net, layer, &v, H);
            below = v;
        }
        NAME(sum_rows)(theta + last->weights, below.h, last->inputs, run->top.h, O);
        total += NAME(loss)(run, head, (T)steps[n], O * NARROW_LANES);
        const record_head *next = NAME(record)(data, order[n + 1 < count ? n + 1 : n]);
        NAME(fetch_sparse)(data, next, H * NARROW_BYTES, &in[(n + 1) % 2]);
        NAME(step_back)(net, theta, last, &run->top, &below, O);
        for (const layer_plan *layer = last - 1; layer > first; layer--) {
            const NAME(values) v = below;
            below = NAME(values_of)(layer - 1, run->scratch);
            NAME(step_back)(net, theta, layer, &v, &below, H);
        }
        NAME(move_bias)(first, theta, data->centred, NAME(share)(data, head), run->bottom.signal);
        CAT(NAME(update_columns), _narrow)((char *)(theta + first->weights), now->offsets, now->x, now->count,
                                           run->bottom.signal, H);
        if (run->average) {
            NAME(average_above)(run, head, (T)weights[n]);
            CAT(NAME(update), _narrow)(run->average + first->weights, now->offsets, now->x, now->count, run->bottom.h,
                                       first->stride);
        }
        head = next;
    }
    return total;
}

#define NARROW_STEPS(H, O)                                                                                          \
    static double CAT(NAME(narrow_steps), _##H##O)(NAME(run) *run, const int64_t *order, const double *steps,        \
                                                   const double *weights, int64_t count)                             \
    {                                                                                                                \
        return NAME(steps_of)(run, order, steps, weights, count, H, O);                                              \
    }
NARROW_STEPS(1, 1)
NARROW_STEPS(1, 2)
NARROW_STEPS(2, 1)
NARROW_STEPS(2, 2)
NARROW_STEPS(3, 1)
NARROW_STEPS(3, 2)
NARROW_STEPS(4, 1)
NARROW_STEPS(4, 2)
#undef NARROW_STEPS

/* What takes the steps of this network; NULL where it is not narrow. */
static NAME(take_steps) *NAME(narrow_steps)(const network_plan *net)
{
    static NAME(take_steps) *const all[4][2] = {
#define WITH(H) {CAT(NAME(narrow_steps), _##H##1), CAT(NAME(narrow_steps), _##H##2)}
        WITH(1), WITH(2), WITH(3), WITH(4)
#undef WITH
    };
    const layer_plan *first = net->layers, *last = first + net->depth - 1;
    const int64_t h = first->stride / NARROW_LANES, o = last->stride / NARROW_LANES;
    if (net->depth == 1 || h > 4 || o > 2) return NULL;
    for (const layer_plan *layer = first; layer < last; layer++)
        if (layer->stride != first->stride) return NULL;
    return all[h - 1][o - 1];
}
