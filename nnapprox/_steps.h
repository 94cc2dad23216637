/* Evaluation, gradients and per-sample SGD of a dense network, for one number type T and one instruction set.
 *
 * Included by _simd.h once for every pair of them, after it has defined T, NAME(x), NARROW_BYTES, WIDE_BYTES and the
 * constants of the exponential.
 *
 * The signal of a layer is the gradient of the loss with respect to what the layer gives before its activation,
 * times a factor that the caller chooses (minus the step size, in SGD): the chain rule is linear in it.
 */

#if NARROW_BYTES
typedef T NAME(narrow) __attribute__((vector_size(NARROW_BYTES), aligned(NARROW_BYTES)));
#define NARROW_LANES (NARROW_BYTES / (int)sizeof(T))
#else
typedef T NAME(narrow);
#define NARROW_LANES 1
#endif
#define NARROW NAME(narrow)

#define FOR_VECTORS(i, stride) for (int64_t i = 0; i < (stride); i += NARROW_LANES)
#define AT(array, i) (*(NARROW *)((array) + (i)))
#if NARROW_BYTES
/* value where sign is positive, else 0. */
#define POSITIVE_PART(sign, value) ((NARROW)(((sign) > 0) & (__typeof__((sign) > 0))(value)))
#else
#define POSITIVE_PART(sign, value) ((sign) > 0 ? (value) : 0)
#endif

/* Lane i of the result is the sum of the lanes of v[i]; v is used up. */
INLINE NARROW NAME(totals)(NARROW *v)
{
#if NARROW_BYTES
    int left = NARROW_LANES / 2;
    UNROLL for (unsigned size = 16 / sizeof(T); size > 1; size /= 2) {
        UNROLL for (int i = 0; i < left; i++)
            v[i] = SHUFFLE(v[2 * i], v[2 * i + 1], EVENS) + SHUFFLE(v[2 * i], v[2 * i + 1], ODDS);
        left /= 2;
    }
#if NARROW_BYTES == 32
    v[0] = SHUFFLE(v[0], v[1], LOW) + SHUFFLE(v[0], v[1], HIGH);
#endif
#endif
    return v[0];
}

/* The sum of the lanes, the first one first. */
INLINE T NAME(lane_sum)(NARROW v)
{
    T lanes[NARROW_LANES], sum = 0;
    memcpy(lanes, &v, sizeof lanes);
    for (int i = 0; i < NARROW_LANES; i++) sum += lanes[i];
    return sum;
}

/* Values of one sample or of a group, and the byte offsets of the rows that they meet; in _lists.h, columns. */
typedef struct {
    T *x;
    uint32_t *offsets;
    int64_t count, room; /* a group's samples stand room apart in x, and share offsets */
    const char *ahead;   /* memory that comes to the second cache while a group is summed, or NULL */
    int64_t pace;        /* at so many bytes an offset */
} NAME(inputs);

#define ROWS(name) CAT(NAME(name), _narrow)
#define VECTOR_BYTES NARROW_BYTES
#include "_rows.h"
#undef VECTOR_BYTES
#undef ROWS

#define ROWS(name) CAT(NAME(name), _wide)
#define VECTOR_BYTES WIDE_BYTES
#include "_rows.h"
#undef VECTOR_BYTES
#undef ROWS

/* Short rows take narrow vectors: they are padded less, and added up across lanes more quickly. */
#define IS_WIDE(stride) ((stride) * (int64_t)sizeof(T) > 128)
#define ON_ROWS(stride, name, ...)                              \
    do {                                                        \
        if (IS_WIDE(stride)) CAT(NAME(name), _wide)(__VA_ARGS__); \
        else CAT(NAME(name), _narrow)(__VA_ARGS__);             \
    } while (0)

#include "_samples.h"

INLINE T NAME(exponential)(T x, T *minus_one)
{
    x = x < EXP_MIN ? EXP_MIN : x > EXP_MAX ? EXP_MAX : x;
    const T n = (x * (T)1.4426950408889634 + EXP_ROUND) - EXP_ROUND;
    const T r = (x - n * LN2_HIGH) - n * LN2_LOW;
    T p = 0;
    UNROLL for (int k = EXP_TERMS; k > 1; k--) p = (p + EXP_COEFFICIENT[k]) * r;
    p = p * r + r;
    const EXP_INTEGER bits = ((EXP_INTEGER)n + EXP_BIAS) << EXP_SHIFT;
    T power;
    memcpy(&power, &bits, sizeof power);
    *minus_one = power * p + (power - 1);
    return power * p + power;
}

/* h becomes activation(h), and slope the derivative there, but for the ReLU, whose values tell it; both zero in the
 * padding. */
static void NAME(activate)(int kind, T leak, T *restrict h, T *restrict slope, int64_t count, int64_t stride)
{
    T minus_one;
    switch (kind) {
    case IDENTITY:
        for (int64_t i = 0; i < count; i++) slope[i] = 1;
        break;
    case RELU:
        FOR_VECTORS(i, stride) AT(h, i) = POSITIVE_PART(AT(h, i), AT(h, i));
        return;
    case LEAKY_RELU:
        for (int64_t i = 0; i < count; i++) {
            slope[i] = h[i] > 0 ? (T)1 : leak;
            h[i] *= slope[i];
        }
        break;
    case SIGMOID:
        for (int64_t i = 0; i < count; i++) {
            const T e = NAME(exponential)(-h[i], &minus_one);
            h[i] = 1 / (1 + e);
            slope[i] = h[i] * h[i] * e;
        }
        break;
    case TANH:
        for (int64_t i = 0; i < count; i++) {
            (void)NAME(exponential)(-2 * (h[i] < 0 ? -h[i] : h[i]), &minus_one);
            const T size = -minus_one / (minus_one + 2);
            h[i] = h[i] < 0 ? -size : size;
            slope[i] = (1 - size) * (1 + size);
        }
        break;
    }
    for (int64_t i = count; i < stride; i++) h[i] = slope[i] = 0;
}

INLINE void NAME(add)(T *out, const T *x, int64_t stride)
{
    FOR_VECTORS(i, stride) AT(out, i) += AT(x, i);
}

INLINE void NAME(add_multiple)(T *out, T factor, const T *x, int64_t stride)
{
    FOR_VECTORS(i, stride) AT(out, i) += factor * AT(x, i);
}

INLINE void NAME(set_multiple)(T *out, T factor, const T *x, int64_t stride)
{
    FOR_VECTORS(i, stride) AT(out, i) = factor * AT(x, i);
}

/* What a layer hands on, in scratch memory that the caller allocated. Its outputs are inputs of the layer above: all
 * of them, or a list of the active ones. */
typedef struct {
    T *h, *slope, *signal, *products, *active;
    uint32_t *offsets;
} NAME(values);

static NAME(values) NAME(values_of)(const layer_plan *layer, T *scratch)
{
    const int64_t room = PADDED(layer->stride);
    T *start = scratch + layer->scratch + GROUP * room; /* before it, a group's outputs */
    NAME(values) v = {start, start + room, start + 2 * room, start + 3 * room, start + 4 * room,
                      (uint32_t *)(start + 5 * room)};
    return v;
}

/* In wide layers the ReLU neurons that are not active are left out; in narrow ones a list costs more than it saves. */
#define IS_LISTED(net, layer) ((net)->activation == RELU && (layer)->outputs > LISTED_ABOVE)

/* List what is positive; returns how many. */
static int64_t NAME(list_active)(const layer_plan *layer, const NAME(values) *v)
{
    const uint32_t row_bytes = (uint32_t)(layer[1].stride * (int64_t)sizeof(T));
    int64_t count = 0;
    uint32_t offset = 0;
#ifdef COMPRESS_POSITIVE
    for (int64_t i = 0; i < layer->stride; i += COMPRESS_LANES, offset += COMPRESS_LANES * row_bytes)
        count += COMPRESS_POSITIVE(v->h + i, offset, row_bytes, v->active + count, v->offsets + count);
#else
    for (int64_t i = 0; i < layer->outputs; i++, offset += row_bytes) {
        v->offsets[count] = offset;
        v->active[count] = v->h[i];
        count += v->h[i] > 0;
    }
#endif
    for (int64_t k = count; k < WHOLE(count); k++) {
        v->offsets[k] = 0;
        v->active[k] = 0;
    }
    return count;
}

/* The products of active neurons, in the order of `list_active`, become their signals; the others have none. */
static void NAME(spread)(const layer_plan *layer, const NAME(values) *v)
{
    int64_t k = 0;
#ifdef COMPRESS_POSITIVE
    for (int64_t i = 0; i < layer->stride; i += COMPRESS_LANES)
        k += SPREAD_POSITIVE(v->h + i, v->products + k, v->signal + i);
#else
    for (int64_t i = 0; i < layer->outputs; i++) {
        v->signal[i] = v->h[i] > 0 ? v->products[k] : 0;
        k += v->h[i] > 0;
    }
#endif
}

/* Point every layer that hands on all of its outputs to all rows of the next. */
static void NAME(prepare)(const network_plan *net, T *scratch)
{
    for (int64_t l = 0; l + 1 < net->depth; l++) {
        const NAME(values) v = NAME(values_of)(net->layers + l, scratch);
        NAME(name_all_rows)(net->layers + l + 1, v.offsets);
        net->active[l] = net->layers[l].outputs;
        memset(v.signal, 0, (size_t)PADDED(net->layers[l].stride) * sizeof(T));
        memset(v.products, 0, (size_t)PADDED(net->layers[l].stride) * sizeof(T));
    }
}

/* The bias of the first layer, where samples are centred with shift times its centring row. */
INLINE void NAME(start_first)(const network_plan *net, const T *theta, T shift, T *h)
{
    const layer_plan *first = net->layers;
    const T *bias = theta + first->weights + first->inputs * first->stride;
    memcpy(h, bias, (size_t)first->stride * sizeof(T));
    if (shift != 0) NAME(add_multiple)(h, shift, bias + first->stride, first->stride);
}

/* The network from the first layer's sums on; the values of every layer keep what the gradient needs. */
static void NAME(finish_forward)(const network_plan *net, const T *theta, T *scratch)
{
    for (int64_t l = 0; l + 1 < net->depth; l++) {
        const layer_plan *layer = net->layers + l, *above = layer + 1;
        const NAME(values) v = NAME(values_of)(layer, scratch);
        const int listed = IS_LISTED(net, layer);
        if (listed) net->active[l] = NAME(list_active)(layer, &v);
        else NAME(activate)(net->activation, (T)net->leak, v.h, v.slope, layer->outputs, layer->stride);
        const T *rows = theta + above->weights;
        T *h = NAME(values_of)(above, scratch).h;
        ON_ROWS(above->stride, accumulate, rows, v.offsets, listed ? v.active : v.h, WHOLE(net->active[l]),
                rows + above->inputs * above->stride, h, above->stride);
    }
}

/* Gradient of <signal of the last layer, outputs>: hands signals down to the first layer. With step, every later
 * layer moves by x signal while its rows are read. */
static void NAME(backward_one)(const network_plan *net, T *theta, int step, T *scratch)
{
    for (int64_t l = net->depth - 1; l > 0; l--) {
        const layer_plan *layer = net->layers + l, *lower = layer - 1;
        const int64_t stride = layer->stride;
        const int listed = IS_LISTED(net, lower);
        const NAME(values) v = NAME(values_of)(layer, scratch), below = NAME(values_of)(lower, scratch);
        T *rows = theta + layer->weights;
        ON_ROWS(stride, dot, rows, below.offsets, listed ? below.active : below.h, WHOLE(net->active[l - 1]), v.signal,
                below.products, stride, step);
        if (step) NAME(add)(rows + layer->inputs * stride, v.signal, stride);
        if (listed) NAME(spread)(lower, &below);
        else if (net->activation == RELU)
            FOR_VECTORS(i, lower->stride) AT(below.signal, i) = POSITIVE_PART(AT(below.h, i), AT(below.products, i));
        else
            FOR_VECTORS(i, lower->stride) AT(below.signal, i) = AT(below.products, i) * AT(below.slope, i);
    }
}

/* After backward_one: all but the first layer of extra move by weight x signal; their sums h are used up. */
static void NAME(add_gradient)(const network_plan *net, T *extra, T weight, T *scratch)
{
    for (int64_t l = net->depth - 1; l > 0; l--) {
        const layer_plan *layer = net->layers + l, *lower = layer - 1;
        const NAME(values) v = NAME(values_of)(layer, scratch), below = NAME(values_of)(lower, scratch);
        T *rows = extra + layer->weights;
        NAME(set_multiple)(v.h, weight, v.signal, layer->stride);
        ON_ROWS(layer->stride, update, rows, below.offsets, IS_LISTED(net, lower) ? below.active : below.h,
                WHOLE(net->active[l - 1]), v.h, layer->stride);
        NAME(add)(rows + layer->inputs * layer->stride, v.h, layer->stride);
    }
}

/* The first layer's bias moves by share times signal, its centring row by -signal. */
INLINE void NAME(move_bias)(const layer_plan *first, T *theta, int centred, T share, const T *signal)
{
    T *bias = theta + first->weights + first->inputs * first->stride;
    NAME(add_multiple)(bias, share, signal, first->stride);
    if (centred) NAME(add_multiple)(bias + first->stride, -1, signal, first->stride);
}

/* |f - target|^2, both padded with zeros to stride; signal = factor * gradient. */
INLINE double NAME(squared_loss)(const T *f, const T *target, int64_t stride, T factor, T *signal)
{
    NARROW sums = AT(f, 0) - AT(f, 0);
    FOR_VECTORS(i, stride) {
        const NARROW error = AT(f, i) - AT(target, i);
        sums += error * error;
        AT(signal, i) = 2 * factor * error;
    }
    return NAME(lane_sum)(sums);
}

/* As squared_loss, the cross-entropy of the softmax. */
static double NAME(cross_entropy)(const T *f, const T *target, int64_t count, T factor, T *signal)
{
    T largest = f[0], total = 0, minus_one, fit = 0, mass = 0;
    for (int64_t i = 1; i < count; i++) largest = f[i] > largest ? f[i] : largest;
    for (int64_t i = 0; i < count; i++) signal[i] = NAME(exponential)(f[i] - largest, &minus_one);
    for (int64_t i = 0; i < count; i++) total += signal[i];
    for (int64_t i = 0; i < count; i++) {
        fit += target[i] * (f[i] - largest);
        mass += target[i];
    }
    for (int64_t i = 0; i < count; i++) signal[i] = factor * (mass * signal[i] / total - target[i]);
    return mass * LOG(total) - fit;
}

/* What every step of one call has in common. */
typedef struct {
    const network_plan *net;
    const layer_plan *first, *last;
    T *theta, *average;
    const records *data;
    const T *targets;
    int loss;
    T *scratch;
    NAME(inputs) in, parts[PARTS];
    NAME(values) bottom, top;
} NAME(run);

/* Steps at order[0..count): the sum of the losses. */
typedef double NAME(take_steps)(NAME(run) *run, const int64_t *order, const double *steps, const double *weights,
                                int64_t count);

/* Loss of what the last layer gives at a sample, and the layer's signal; stride is the last layer's. */
INLINE double NAME(loss)(const NAME(run) *run, const record_head *head, T step, int64_t stride)
{
    const T *f = run->top.h, *target = run->targets + head->target * stride;
    return run->loss == SQUARED
               ? NAME(squared_loss)(f, target, stride, -step, run->top.signal)
               : NAME(cross_entropy)(f, target, run->last->outputs, -step, run->top.signal);
}

/* How much the first layer's bias moves by its signal: what centring adds to every sample is -mean. */
INLINE T NAME(share)(const records *data, const record_head *head)
{
    return data->centred ? (T)(1 - head->mean_product) : 1;
}

/* The average of all parameters but the first layer's rows moves by weight; bottom.h becomes weight times the first
 * layer's signal. */
static void NAME(average_above)(NAME(run) *run, const record_head *head, T weight)
{
    NAME(add_gradient)(run->net, run->average, weight, run->scratch);
    NAME(set_multiple)(run->bottom.h, weight, run->bottom.signal, run->first->stride);
    NAME(move_bias)(run->first, run->average, run->data->centred, NAME(share)(run->data, head), run->bottom.h);
}

/* From the first layer's sums in bottom.h to its signal in bottom.signal; all but the first layer's rows move, and
 * their average by weight. Returns the loss. */
static double NAME(step_above)(NAME(run) *run, const record_head *head, T step, T weight)
{
    NAME(finish_forward)(run->net, run->theta, run->scratch);
    const double loss = NAME(loss)(run, head, step, run->last->stride);
    NAME(backward_one)(run->net, run->theta, 1, run->scratch);
    NAME(move_bias)(run->first, run->theta, run->data->centred, NAME(share)(run->data, head), run->bottom.signal);
    if (run->average) NAME(average_above)(run, head, weight);
    return loss;
}

static T NAME(shift)(const records *data, const record_head *head)
{
    return data->centred ? (T)(head->mean_product - data->mean_square) : 0;
}

/* A step at a sample that is a list of nonzero values. */
static double NAME(sparse_step)(NAME(run) *run, int64_t sample, T step, T weight)
{
    const layer_plan *first = run->first;
    const int64_t stride = first->stride;
    NAME(inputs) *in = &run->in;
    const record_head *head = NAME(record)(run->data, sample);
    NAME(fetch_sparse)(run->data, head, stride * (int64_t)sizeof(T), in);
    NAME(start_first)(run->net, run->theta, NAME(shift)(run->data, head), run->bottom.h);
    ON_ROWS(stride, accumulate, run->theta + first->weights, in->offsets, in->x, in->count, run->bottom.h,
            run->bottom.h, stride);
    const double loss = NAME(step_above)(run, head, step, weight);
    ON_ROWS(stride, update, run->theta + first->weights, in->offsets, in->x, in->count, run->bottom.signal, stride);
    if (run->average)
        ON_ROWS(stride, update, run->average + first->weights, in->offsets, in->x, in->count, run->bottom.h, stride);
    return loss;
}

/* sums[i][j] gains <x_i, x_j>, lane by lane, for samples i of one group and j of another; of one, for i < j. */
INLINE void NAME(add_products)(const NAME(inputs) *one, const NAME(inputs) *other, NARROW (*sums)[GROUP])
{
    FOR_VECTORS(k, one->count)
        UNROLL for (int j = 0; j < GROUP; j++)
            UNROLL for (int i = 0; i < GROUP; i++)
                if (i < j || one != other)
                    sums[i][j] += AT(one->x + i * one->room, k) * AT(other->x + j * other->room, k);
}

/* A group's products with another, from sums, which are used up. */
INLINE void NAME(fill_gram)(T *gram, NARROW *sums)
{
    NARROW products[GROUP * GROUP / NARROW_LANES];
    for (int n = 0; n < GROUP * GROUP / NARROW_LANES; n++) products[n] = NAME(totals)(sums + n * NARROW_LANES);
    for (int i = 0; i < GROUP; i++) memcpy(gram + i * TOGETHER, (const T *)products + i * GROUP, GROUP * sizeof(T));
}

/* gram[i * TOGETHER + j] = <x_i, x_j> for i < j in two groups. */
static void NAME(gram_of)(const NAME(inputs) parts[PARTS], T *gram)
{
    const NAME(inputs) shared[2] = {NAME(of_group)(parts + SHARED, 0), NAME(of_group)(parts + SHARED, 1)};
    for (int group = 0; group < 2; group++) {
        const NAME(inputs) alone = NAME(of_group)(parts + FIRST_ONLY + group, group);
        NARROW sums[GROUP][GROUP] = {0};
        NAME(add_products)(&alone, &alone, sums);
        NAME(add_products)(&shared[group], &shared[group], sums);
        NAME(fill_gram)(gram + group * GROUP * (TOGETHER + 1), sums[0]);
    }
    NARROW sums[GROUP][GROUP] = {0};
    NAME(add_products)(&shared[0], &shared[1], sums);
    NAME(fill_gram)(gram + GROUP, sums[0]);
}

/* sums = what the first layer's rows give of two groups' samples, room apart. */
static void NAME(sums_of_parts)(const NAME(run) *run, T *sums, int64_t room)
{
    const T *rows = run->theta + run->first->weights;
    const int64_t stride = run->first->stride;
    memset(sums, 0, (size_t)(TOGETHER * room) * sizeof(T));
    for (int group = 0; group < 2; group++, sums += GROUP * room)
        for (int p = 0; p < 2; p++) {
            const NAME(inputs) in = NAME(of_group)(run->parts + (p ? SHARED : FIRST_ONLY + group), group);
            ON_ROWS(stride, accumulate_group, rows, &in, sums, room, sums, room, stride);
        }
}

/* rows += what two groups' samples and signals give. */
static void NAME(move_parts)(const NAME(run) *run, T *rows, const T *signals, int64_t room)
{
    const int64_t stride = run->first->stride;
    ON_ROWS(stride, update_both, rows, run->parts + SHARED, signals, room, stride);
    for (int group = 0; group < 2; group++) {
        const NAME(inputs) in = NAME(of_group)(run->parts + FIRST_ONLY + group, group);
        ON_ROWS(stride, update_group, rows, &in, signals + group * GROUP * room, room, stride);
    }
}

/* Steps at count <= TOGETHER samples in turn, whose first layer's rows are written once, and read once a group. With
 * signals s_i, the steps before step j have added sum_i x_i s_i^T to the weights, so that its sums are those of the
 * weights as they stand, plus sum_i <x_i, x_j> s_i: the same steps, in another order of additions. */
static double NAME(group_step)(NAME(run) *run, const int64_t *order, const double *steps, const double *weights,
                               int64_t left)
{
    const layer_plan *first = run->first;
    const records *data = run->data;
    const int64_t stride = first->stride, room = PADDED(stride), count = left < TOGETHER ? left : TOGETHER;
    T *signals = run->scratch + run->net->signals, *sums = signals + TOGETHER * room, gram[TOGETHER * TOGETHER];
    const record_head *heads[TOGETHER];
    const char *rows[TOGETHER];
    double loss = 0;
    for (int64_t g = 0; g < TOGETHER; g++) {
        heads[g] = NAME(record)(data, order[g < count ? g : 0]);
        rows[g] = (const char *)(heads[g] + 1);
    }
    NAME(fetch_parts)(rows, data->are_bytes, (T)data->scale, first->inputs, stride * (int64_t)sizeof(T), run->parts);
    NAME(gram_of)(run->parts, gram);
    memset(signals + count * room, 0, (size_t)((TOGETHER - count) * room) * sizeof(T));
    NAME(sums_of_parts)(run, sums, room);
    for (int64_t j = 0; j < count; j++) {
        if (j + TOGETHER < left) NAME(prefetch_record)(data, order[j + TOGETHER], 0, data->lines / 2);
        if (j + 2 * TOGETHER < left) PREFETCH(data->where + order[j + 2 * TOGETHER]);
        NAME(start_first)(run->net, run->theta, NAME(shift)(data, heads[j]), run->bottom.h);
        FOR_VECTORS(v, stride) {
            NARROW h = AT(run->bottom.h, v) + AT(sums + j * room, v);
            for (int64_t i = 0; i < j; i++) h += gram[i * TOGETHER + j] * AT(signals + i * room, v);
            AT(run->bottom.h, v) = h;
        }
        loss += NAME(step_above)(run, heads[j], (T)steps[j], (T)weights[j]);
        if (j + TOGETHER < left) NAME(prefetch_record)(data, order[j + TOGETHER], data->lines / 2, data->lines);
        memcpy(signals + j * room, run->bottom.signal, (size_t)stride * sizeof(T));
    }
    NAME(move_parts)(run, run->theta + first->weights, signals, room);
    if (run->average) {
        for (int64_t j = 0; j < count; j++)
            NAME(set_multiple)(signals + j * room, (T)weights[j], signals + j * room, stride);
        NAME(move_parts)(run, run->average + first->weights, signals, room);
    }
    return loss;
}

static double NAME(group_steps)(NAME(run) *run, const int64_t *order, const double *steps, const double *weights,
                                int64_t count)
{
    double total = 0;
    for (int64_t n = 0; n < count; n += TOGETHER)
        total += NAME(group_step)(run, order + n, steps + n, weights + n, count - n);
    return total;
}

/* Steps at samples that are lists of nonzero values. */
static double NAME(sparse_steps)(NAME(run) *run, const int64_t *order, const double *steps, const double *weights,
                                 int64_t count)
{
    double total = 0;
    for (int64_t n = 0; n < count; n++) {
        if (n + AHEAD < count) NAME(prefetch_record)(run->data, order[n + AHEAD], 0, run->data->lines);
        if (n + 2 * AHEAD < count) PREFETCH(run->data->where + order[n + 2 * AHEAD]);
        total += NAME(sparse_step)(run, order[n], (T)steps[n], (T)weights[n]);
    }
    return total;
}

#if NARROW_BYTES == 32
#include "_narrow.h"
#endif

/* One SGD step for each of order[0..count): returns the sum of the losses met on the way. targets has rows of the
 * last layer's stride. */
static double NAME(sgd)(const network_plan *net, T *theta, T *average, const records *data, const T *targets, int loss,
                        const int64_t *order, const double *steps, const double *weights, int64_t count, T *scratch)
{
    const layer_plan *first = net->layers, *last = net->layers + net->depth - 1;
    NAME(run) run = {net, first, last, theta, average, data, targets, loss, scratch, NAME(input_room)(first, scratch),
                     {{0}}, NAME(values_of)(first, scratch), NAME(values_of)(last, scratch)};
    NAME(parts_room)(first, scratch, run.parts);
    NAME(prepare)(net, scratch);
    memset(run.top.signal, 0, (size_t)last->stride * sizeof(T));
    NAME(take_steps) *take = data->sparse ? NAME(sparse_steps) : NAME(group_steps);
#if NARROW_BYTES == 32
    if (data->sparse && NAME(narrow_steps)(net)) take = NAME(narrow_steps)(net);
#endif
    return take(&run, order, steps, weights, count);
}

#include "_lists.h"

/* A layer's sums at a group whose samples share a list. */
static void NAME(sums_of_group)(const layer_plan *layer, const T *theta, const NAME(inputs) *in, T *sums)
{
    const int64_t stride = layer->stride, room = PADDED(stride);
    const T *weights = theta + layer->weights, *bias = weights + layer->inputs * stride;
    ON_ROWS(stride, accumulate_group, weights, in, bias, 0, sums, room, stride);
}

/* Outputs, shape (samples, outputs), GROUP samples at a time. They share the rows of the first layer that they read,
 * but where these are short and few of each sample's values are not zero. Returns whether all values are finite. */
static int NAME(forward)(const network_plan *net, const T *theta, const samples *data, T *out, T *scratch)
{
    const layer_plan *first = net->layers, *last = net->layers + net->depth - 1;
    const int by_lists = NAME(takes_lists)(first, data);
    NAME(inputs) in = NAME(input_room)(first, scratch);
    const char *rows[GROUP];
    int finite = 1;
#ifdef BY_FOURS
    if (by_lists && NAME(takes_fours)(net, data))
        return NAME(forward_by_fours)(net, theta, data, out, &in, scratch + (GROUP + 1) * in.room);
#endif
    NAME(prepare)(net, scratch);
    for (int64_t n = 0; n < data->count; n += GROUP) {
        for (int64_t g = 0; g < GROUP; g++)
            rows[g] = (const char *)data->values + (n + g < data->count ? n + g : n) * data->inputs * data->item;
        T *h = scratch + first->scratch;
        if (by_lists) finite &= NAME(sums_by_lists)(first, theta, data, rows, &in, h);
        else {
            finite &= NAME(fetch_group)(rows, data->item == 1, (T)data->scale, first->inputs,
                                        first->stride * (int64_t)sizeof(T), &in);
            in.ahead = rows[0] + GROUP * data->inputs * data->item;
            in.pace = 3 * GROUP * data->item; /* of an image's columns, about a third are listed */
            NAME(sums_of_group)(first, theta, &in, h);
        }
        for (const layer_plan *layer = first; layer < last; layer++) {
            const int64_t room = PADDED(layer->stride);
            const NAME(values) v = NAME(values_of)(layer, scratch);
            for (int64_t g = 0; g < GROUP; g++)
                NAME(activate)(net->activation, (T)net->leak, h + g * room, v.slope, layer->outputs, layer->stride);
            const NAME(inputs) values = {h, v.offsets, layer->outputs, room, NULL, 0};
            h = scratch + layer[1].scratch;
            NAME(sums_of_group)(layer + 1, theta, &values, h);
        }
        for (int64_t g = 0; g < GROUP && n + g < data->count; g++)
            memcpy(out + (n + g) * last->outputs, h + g * PADDED(last->stride), (size_t)last->outputs * sizeof(T));
    }
    return finite;
}

/* For cotangents c (samples, outputs): by_parameters += sum_n d<c_n, f(x_n)>/d theta, packed as theta is;
 * by_inputs[n] = d<c_n, f(x_n)>/d x_n. */
static void NAME(gradients)(const network_plan *net, T *theta, const samples *data, const T *cotangents,
                            T *by_parameters, T *by_inputs, T *scratch)
{
    const layer_plan *first = net->layers, *last = net->layers + net->depth - 1;
    const NAME(values) top = NAME(values_of)(last, scratch), bottom = NAME(values_of)(first, scratch);
    NAME(inputs) in = NAME(input_room)(first, scratch);
    T *products = in.x + in.room;
    NAME(prepare)(net, scratch);
    NAME(name_all_rows)(first, in.offsets);
    memset(top.signal, 0, (size_t)last->stride * sizeof(T));
    for (int64_t n = 0; n < data->count; n++) {
        NAME(fetch_row)(data, n, &in);
        NAME(start_first)(net, theta, 0, bottom.h);
        ON_ROWS(first->stride, accumulate, theta + first->weights, in.offsets, in.x, in.count, bottom.h, bottom.h,
                first->stride);
        NAME(finish_forward)(net, theta, scratch);
        memcpy(top.signal, cotangents + n * last->outputs, (size_t)last->outputs * sizeof(T));
        NAME(backward_one)(net, theta, 0, scratch);
        NAME(add_gradient)(net, by_parameters, 1, scratch);
        NAME(move_bias)(first, by_parameters, 0, 1, bottom.signal);
        ON_ROWS(first->stride, update, by_parameters + first->weights, in.offsets, in.x, in.count, bottom.signal,
                first->stride);
        ON_ROWS(first->stride, dot, theta + first->weights, in.offsets, in.x, in.count, bottom.signal, products,
                first->stride, 0);
        memcpy(by_inputs + n * first->inputs, products, (size_t)first->inputs * sizeof(T));
    }
}

#undef AT
#undef POSITIVE_PART
#undef FOR_VECTORS
#undef IS_LISTED
#undef ON_ROWS
#undef IS_WIDE
#undef NARROW
#undef NARROW_LANES
