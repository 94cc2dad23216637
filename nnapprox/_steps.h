/* Evaluation, gradients and per-sample SGD of a dense network, for one number type T and one instruction set.
 *
 * Included by _simd.h once for every pair of them, after it has defined T, NAME(x), NARROW_BYTES, WIDE_BYTES and the
 * constants of the exponential.
 *
 * The signal of a layer is the gradient of the loss with respect to what the layer gives before its activation,
 * times a factor that the caller chooses (minus the step size, in SGD): the chain rule is linear in it.
 */

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

/* A row of whole wide vectors takes those; narrower rows are padded less. */
#define IS_WIDE(stride) ((stride) * (int64_t)sizeof(T) % 64 == 0)
#define ON_ROWS(stride, name, ...)                              \
    do {                                                        \
        if (IS_WIDE(stride)) CAT(NAME(name), _wide)(__VA_ARGS__); \
        else CAT(NAME(name), _narrow)(__VA_ARGS__);             \
    } while (0)

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

/* h becomes activation(h); slope[i] becomes the derivative there. */
static void NAME(activate)(int kind, T leak, T *h, T *slope, int64_t count)
{
    T minus_one;
    switch (kind) {
    case IDENTITY:
        for (int64_t i = 0; i < count; i++) slope[i] = 1;
        break;
    case RELU:
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
}

/* What a layer hands on, in scratch memory that the caller allocated. */
typedef struct {
    T *h, *slope, *signal, *active, *products;
    uint32_t *offsets;
    int64_t count;
} NAME(values);

static NAME(values) NAME(values_of)(const layer_plan *layer, T *scratch)
{
    const int64_t room = PADDED(layer->stride);
    T *start = scratch + layer->scratch;
    NAME(values) v = {start, start + room, start + 2 * room, start + 3 * room, start + 4 * room,
                      (uint32_t *)(start + 5 * room), 0};
    return v;
}

/* The inputs of one sample: values and byte offsets of first-layer rows. */
typedef struct {
    T *x;
    const uint32_t *offsets;
    int64_t count, sample;
} NAME(inputs);

static void NAME(fetch)(const samples *data, int64_t sample, int64_t row_bytes, NAME(inputs) *in)
{
    const int64_t first = data->starts ? data->starts[sample] : sample * data->inputs;
    const int64_t count = data->starts ? data->starts[sample + 1] - first : data->inputs;
    const T scale = (T)data->scale;
    uint32_t *restrict offsets = (uint32_t *)in->offsets;
    T *restrict x = in->x;
    CHECK(sample >= 0 && sample < data->count && count <= data->inputs);
    if (data->bytes) {
        const uint8_t *restrict bytes = data->bytes + first;
        for (int64_t k = 0; k < count; k++) x[k] = (T)bytes[k] * scale;
    } else {
        const T *restrict values = (const T *)data->values + first;
        for (int64_t k = 0; k < count; k++) x[k] = values[k] * scale;
    }
    if (data->starts) {
        const uint16_t *restrict columns = data->columns + first;
        for (int64_t k = 0; k < count; k++) offsets[k] = (uint32_t)columns[k] * (uint32_t)row_bytes;
    }
    in->count = count;
    in->sample = sample;
}

static void NAME(prefetch)(const samples *data, int64_t sample)
{
    const int64_t first = data->starts ? data->starts[sample] : sample * data->inputs;
    const int64_t count = data->starts ? data->starts[sample + 1] - first : data->inputs;
    if (data->starts)
        for (int64_t k = 0; k < count; k += 32) PREFETCH(data->columns + first + k);
    if (data->bytes)
        for (int64_t k = 0; k < count; k += 64) PREFETCH(data->bytes + first + k);
    else
        for (int64_t k = 0; k < count; k += 64 / (int64_t)sizeof(T)) PREFETCH((const T *)data->values + first + k);
}

/* Fetch the nonzero values only of a dense sample: most of an image is background. Returns 0 where all are finite. */
static T NAME(fetch_nonzeros)(const samples *data, int64_t sample, int64_t row_bytes, NAME(inputs) *in)
{
    uint32_t *restrict offsets = (uint32_t *)in->offsets;
    T *restrict x = in->x;
    const T *restrict values = (const T *)data->values + sample * data->inputs;
    const T scale = (T)data->scale;
    int64_t kept = 0, k = 0;
    uint32_t offset = 0;
    T poison = 0; /* 0 times anything finite */
#ifdef COMPRESS
    for (; k + COMPRESS_LANES <= data->inputs; k += COMPRESS_LANES) {
        kept += COMPRESS(values + k, scale, offset, (uint32_t)row_bytes, x + kept, offsets + kept, &poison);
        offset += COMPRESS_LANES * (uint32_t)row_bytes;
    }
#endif
    for (; k + 8 <= data->inputs; k += 8) {
        uint64_t words[sizeof(T)], any = 0;
        memcpy(words, values + k, 8 * sizeof(T));
        UNROLL for (unsigned i = 0; i < sizeof(T); i++) any |= words[i];
        if (any) {
            UNROLL for (uint32_t i = 0; i < 8; i++) {
                offsets[kept] = offset + i * (uint32_t)row_bytes;
                x[kept] = values[k + i] * scale;
                poison += values[k + i] * 0;
                kept += values[k + i] != 0;
            }
        }
        offset += 8 * (uint32_t)row_bytes;
    }
    for (; k < data->inputs; k++, offset += (uint32_t)row_bytes) {
        offsets[kept] = offset;
        x[kept] = values[k] * scale;
        poison += values[k] * 0;
        kept += values[k] != 0;
    }
    in->count = kept;
    in->sample = sample;
    return poison;
}

static NAME(inputs) NAME(input_room)(const layer_plan *first, T *scratch, const samples *data)
{
    const int64_t room = PADDED(first->inputs);
    NAME(inputs) in = {scratch, (uint32_t *)(scratch + room), 0, 0};
    if (!data->starts)
        for (int64_t k = 0; k < first->inputs; k++)
            ((uint32_t *)in.offsets)[k] = (uint32_t)(k * first->stride * (int64_t)sizeof(T));
    return in;
}

/* The network at one sample; values[] keep what the gradient needs. Returns the outputs. */
static T *NAME(forward_one)(const network_plan *net, const T *theta, const samples *data, const NAME(inputs) *in,
                            T *scratch)
{
    const T *x = in->x;
    const uint32_t *offsets = in->offsets;
    int64_t count = in->count;
    for (int64_t l = 0;; l++) {
        const layer_plan *layer = net->layers + l;
        const T *rows = theta + layer->weights, *bias = rows + layer->inputs * layer->stride;
        NAME(values) v = NAME(values_of)(layer, scratch);
        const int64_t stride = layer->stride;
        if (l == 0 && data->mean_product) {
            const T shift = ((const T *)data->mean_product)[in->sample] - (T)data->mean_square;
            for (int64_t i = 0; i < stride; i++) v.h[i] = bias[i] + shift * bias[stride + i];
        } else
            for (int64_t i = 0; i < stride; i++) v.h[i] = bias[i];
        ON_ROWS(stride, accumulate, rows, offsets, x, count, v.h, stride);
        if (l + 1 == net->depth) return v.h;

        const int64_t next_bytes = net->layers[l + 1].stride * (int64_t)sizeof(T);
        count = 0;
        if (net->activation == RELU) {
            for (int64_t i = 0; i < layer->outputs; i++) {
                v.offsets[count] = (uint32_t)(i * next_bytes);
                v.active[count] = v.h[i];
                count += v.h[i] > 0;
            }
        } else {
            NAME(activate)(net->activation, (T)net->leak, v.h, v.slope, layer->outputs);
            for (; count < layer->outputs; count++) {
                v.offsets[count] = (uint32_t)(count * next_bytes);
                v.active[count] = v.h[count];
            }
        }
        net->active[l] = count;
        x = v.active;
        offsets = v.offsets;
    }
}

/* Gradient of <signal of the last layer, outputs>: hands signals down to the first layer. With step, every later
 * layer moves by x signal while its rows are read; extra (or NULL) moves by weight x signal likewise. */
static void NAME(backward_one)(const network_plan *net, T *theta, int step, T *extra, T weight, T *scratch)
{
    for (int64_t l = net->depth - 1; l > 0; l--) {
        const layer_plan *layer = net->layers + l;
        const int64_t stride = layer->stride, count = net->active[l - 1];
        NAME(values) v = NAME(values_of)(layer, scratch), below = NAME(values_of)(layer - 1, scratch);
        T *rows = theta + layer->weights, *bias = rows + layer->inputs * stride;
        ON_ROWS(stride, dot, rows, below.offsets, below.active, count, v.signal, below.products, stride, step);
        if (step)
            for (int64_t i = 0; i < stride; i++) bias[i] += v.signal[i];
        if (extra) {
            T *extra_rows = extra + layer->weights, *extra_bias = extra_rows + layer->inputs * stride;
            for (int64_t i = 0; i < stride; i++) v.h[i] = weight * v.signal[i];
            ON_ROWS(stride, update, extra_rows, below.offsets, below.active, count, v.h, stride);
            for (int64_t i = 0; i < stride; i++) extra_bias[i] += v.h[i];
        }
        if (net->activation == RELU) {
            const int64_t row_bytes = stride * (int64_t)sizeof(T);
            for (int64_t i = 0; i < layer[-1].stride; i++) below.signal[i] = 0;
            for (int64_t k = 0; k < count; k++) below.signal[below.offsets[k] / row_bytes] = below.products[k];
        } else
            for (int64_t k = 0; k < count; k++) below.signal[k] = below.products[k] * below.slope[k];
    }
}

/* The first layer's parameters move by weight times (their inputs) x (signal). */
static void NAME(move_first)(const layer_plan *layer, T *theta, const samples *data, const NAME(inputs) *in,
                             const T *signal)
{
    const int64_t stride = layer->stride;
    T *rows = theta + layer->weights, *bias = rows + layer->inputs * stride;
    ON_ROWS(stride, update, rows, in->offsets, in->x, in->count, signal, stride);
    if (data->mean_product) {
        const T share = 1 - ((const T *)data->mean_product)[in->sample];
        for (int64_t i = 0; i < stride; i++) {
            bias[i] += share * signal[i];
            bias[stride + i] -= signal[i];
        }
    } else
        for (int64_t i = 0; i < stride; i++) bias[i] += signal[i];
}

/* Loss at f against target; signal = factor * gradient. */
static double NAME(loss)(int kind, const T *f, const T *target, int64_t count, T factor, T *signal)
{
    T loss = 0;
    if (kind == SQUARED) {
        for (int64_t i = 0; i < count; i++) {
            const T error = f[i] - target[i];
            loss += error * error;
            signal[i] = 2 * factor * error;
        }
        return loss;
    }
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

/* One SGD step for each of order[0..count): returns the sum of the losses met on the way. */
static double NAME(sgd)(const network_plan *net, T *theta, T *average, const samples *data, const T *targets,
                        const int64_t *target_of, int kind, const int64_t *order, const double *steps,
                        const double *weights, int64_t count, T *scratch)
{
    const layer_plan *first = net->layers, *last = net->layers + net->depth - 1;
    NAME(inputs) in = NAME(input_room)(first, scratch, data);
    NAME(values) top = NAME(values_of)(last, scratch), bottom = NAME(values_of)(first, scratch);
    double total = 0;
    for (int64_t i = last->outputs; i < last->stride; i++) top.signal[i] = 0;
    for (int64_t n = 0; n < count; n++) {
        const int64_t sample = order[n];
        if (n + AHEAD < count) NAME(prefetch)(data, order[n + AHEAD]);
        if (n + 2 * AHEAD < count) {
            const int64_t later = order[n + 2 * AHEAD];
            if (data->starts) PREFETCH(data->starts + later);
            PREFETCH(target_of + later);
        }
        NAME(fetch)(data, sample, first->stride * (int64_t)sizeof(T), &in);
        const T *f = NAME(forward_one)(net, theta, data, &in, scratch);
        total += NAME(loss)(kind, f, targets + target_of[sample] * last->outputs, last->outputs, (T)-steps[n], top.signal);
        NAME(backward_one)(net, theta, 1, average, average ? (T)weights[n] : 0, scratch);
        NAME(move_first)(first, theta, data, &in, bottom.signal);
        if (average) {
            for (int64_t i = 0; i < first->stride; i++) bottom.h[i] = (T)weights[n] * bottom.signal[i];
            NAME(move_first)(first, average, data, &in, bottom.h);
        }
    }
    return total;
}

/* Outputs, shape (samples, outputs). Returns whether all values of dense samples are finite. */
static int NAME(forward)(const network_plan *net, const T *theta, const samples *data, T *out, T *scratch)
{
    const layer_plan *first = net->layers, *last = net->layers + net->depth - 1;
    const int64_t row_bytes = first->stride * (int64_t)sizeof(T);
    NAME(inputs) in = NAME(input_room)(first, scratch, data);
    T poison = 0;
    for (int64_t n = 0; n < data->count; n++) {
        if (data->starts && n + AHEAD < data->count) NAME(prefetch)(data, n + AHEAD);
        if (data->starts || data->bytes) NAME(fetch)(data, n, row_bytes, &in);
        else poison += NAME(fetch_nonzeros)(data, n, row_bytes, &in);
        memcpy(out + n * last->outputs, NAME(forward_one)(net, theta, data, &in, scratch),
               (size_t)last->outputs * sizeof(T));
    }
    return poison == 0;
}

/* For cotangents c (samples, outputs): by_parameters += sum_n d<c_n, f(x_n)>/d theta, packed as theta is;
 * by_inputs[n] = d<c_n, f(x_n)>/d x_n. Dense samples only. */
static void NAME(gradients)(const network_plan *net, T *theta, const samples *data, const T *cotangents,
                            T *by_parameters, T *by_inputs, T *scratch)
{
    const layer_plan *first = net->layers, *last = net->layers + net->depth - 1;
    NAME(inputs) in = NAME(input_room)(first, scratch, data);
    NAME(values) top = NAME(values_of)(last, scratch), bottom = NAME(values_of)(first, scratch);
    for (int64_t i = last->outputs; i < last->stride; i++) top.signal[i] = 0;
    for (int64_t n = 0; n < data->count; n++) {
        NAME(fetch)(data, n, 0, &in);
        (void)NAME(forward_one)(net, theta, data, &in, scratch);
        memcpy(top.signal, cotangents + n * last->outputs, (size_t)last->outputs * sizeof(T));
        NAME(backward_one)(net, theta, 0, by_parameters, 1, scratch);
        NAME(move_first)(first, by_parameters, data, &in, bottom.signal);
        ON_ROWS(first->stride, dot, theta + first->weights, in.offsets, in.x, in.count, bottom.signal,
                by_inputs + n * first->inputs, first->stride, 0);
    }
}

#undef ON_ROWS
#undef IS_WIDE
