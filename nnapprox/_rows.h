/* Rows of a packed weight matrix: the inner loops, for one number type T and one vector size VECTOR_BYTES.
 *
 * Included several times by _steps.h. A matrix is input-major: one row an input, padded with zeros to a whole number
 * of vectors. Rows are named by byte offsets, so that a list of nonzero inputs, a list of active neurons and all
 * rows of a dense layer are one and the same thing.
 *
 * Loops over NV have a constant bound wherever it matters: BY_WIDTH unrolls them, and accumulators stay in registers.
 */

#if VECTOR_BYTES
typedef T ROWS(vector) __attribute__((vector_size(VECTOR_BYTES), aligned(VECTOR_BYTES)));
#define LANES (VECTOR_BYTES / (int)sizeof(T))
#else
typedef T ROWS(vector); /* a compiler without vector extensions */
#define LANES 1
#endif
#define VECTOR ROWS(vector)

/* More than one set of accumulators hides the latency of the additions where rows are narrow. */
#define SETS(nv) ((nv) <= 2 ? 4 : (nv) == 3 ? 3 : (nv) <= 5 ? 2 : 1)

#define BY_WIDTH(nv, CALL) \
    switch (nv) {          \
    case 1: CALL(1) break; \
    case 2: CALL(2) break; \
    case 3: CALL(3) break; \
    case 4: CALL(4) break; \
    case 5: CALL(5) break; \
    case 6: CALL(6) break; \
    case 7: CALL(7) break; \
    case 8: CALL(8) break; \
    default: break;        \
    }

/* out += sum_k x[k] row[k], for NV vectors of every row. */
INLINE void ROWS(accumulate_columns)(const char *rows, const uint32_t *offsets, const T *x, int64_t count, T *out,
                                     const int NV)
{
    VECTOR sums[4][8];
    const int sets = SETS(NV);
    int64_t k = 0;
    UNROLL for (int v = 0; v < NV; v++) sums[0][v] = ((const VECTOR *)out)[v];
    UNROLL for (int s = 1; s < sets; s++)
        UNROLL for (int v = 0; v < NV; v++) sums[s][v] = sums[0][v] - sums[0][v];
    for (; k + sets <= count; k += sets) {
        UNROLL for (int s = 0; s < sets; s++) {
            const T value = x[k + s];
            const VECTOR *row = (const VECTOR *)(rows + offsets[k + s]);
            KEEP_ADDRESS(row);
            UNROLL for (int v = 0; v < NV; v++) sums[s][v] += value * row[v];
        }
    }
    for (; k < count; k++) {
        const T value = x[k];
        const VECTOR *row = (const VECTOR *)(rows + offsets[k]);
        UNROLL for (int v = 0; v < NV; v++) sums[0][v] += value * row[v];
    }
    UNROLL for (int s = 1; s < sets; s++)
        UNROLL for (int v = 0; v < NV; v++) sums[0][v] += sums[s][v];
    UNROLL for (int v = 0; v < NV; v++) ((VECTOR *)out)[v] = sums[0][v];
}

static void ROWS(accumulate)(const T *rows, const uint32_t *offsets, const T *x, int64_t count, T *out, int64_t stride)
{
    for (int64_t done = 0; done < stride;) {
        const int64_t left = (stride - done) / LANES, nv = left < 8 ? left : 8;
#define CALL(n) ROWS(accumulate_columns)((const char *)(rows + done), offsets, x, count, out + done, n);
        BY_WIDTH(nv, CALL)
#undef CALL
        done += nv * LANES;
    }
}

/* row[k] += x[k] signal, for NV vectors of every row. */
INLINE void ROWS(update_columns)(char *rows, const uint32_t *offsets, const T *x, int64_t count, const T *signal,
                                 const int NV)
{
    VECTOR s[8];
    UNROLL for (int v = 0; v < NV; v++) s[v] = ((const VECTOR *)signal)[v];
    for (int64_t k = 0; k < count; k++) {
        const T value = x[k];
        VECTOR *row = (VECTOR *)(rows + offsets[k]);
        KEEP_ADDRESS(row);
        UNROLL for (int v = 0; v < NV; v++) row[v] += value * s[v];
    }
}

static void ROWS(update)(T *rows, const uint32_t *offsets, const T *x, int64_t count, const T *signal, int64_t stride)
{
    for (int64_t done = 0; done < stride;) {
        const int64_t left = (stride - done) / LANES, nv = left < 8 ? left : 8;
#define CALL(n) ROWS(update_columns)((char *)(rows + done), offsets, x, count, signal + done, n);
        BY_WIDTH(nv, CALL)
#undef CALL
        done += nv * LANES;
    }
}

INLINE T ROWS(total)(VECTOR v)
{
#if VECTOR_BYTES
    typedef T piece __attribute__((vector_size(16)));
    piece pieces[VECTOR_BYTES / 16];
    memcpy(pieces, &v, sizeof v);
    UNROLL for (int width = VECTOR_BYTES / 32; width; width /= 2)
        UNROLL for (int i = 0; i < width; i++) pieces[i] += pieces[i + width];
    T lanes[16 / sizeof(T)];
    memcpy(lanes, pieces, 16);
    return sizeof(T) == 8 ? lanes[0] + lanes[1] : (lanes[0] + lanes[1]) + (lanes[16 / sizeof(T) - 2] + lanes[16 / sizeof(T) - 1]);
#else
    return v;
#endif
}

/* products[k] = <row[k], signal>; with UPDATE also row[k] += x[k] signal, while the row is at hand. */
INLINE void ROWS(dot_rows)(char *rows, const uint32_t *offsets, const T *x, int64_t count, const T *signal,
                           T *products, const int64_t NV, const int UPDATE)
{
    const VECTOR *s = (const VECTOR *)signal;
    for (int64_t k = 0; k < count; k++) {
        VECTOR *row = (VECTOR *)(rows + offsets[k]), sum = row[0] * s[0], other = sum - sum;
        if (UPDATE) row[0] += x[k] * s[0];
        int64_t v = 1;
        UNROLL for (; v + 1 < NV; v += 2) {
            const VECTOR w = row[v], next = row[v + 1];
            other += w * s[v];
            sum += next * s[v + 1];
            if (UPDATE) {
                row[v] = w + x[k] * s[v];
                row[v + 1] = next + x[k] * s[v + 1];
            }
        }
        if (v < NV) {
            const VECTOR w = row[v];
            other += w * s[v];
            if (UPDATE) row[v] = w + x[k] * s[v];
        }
        products[k] = ROWS(total)(sum + other);
    }
}

static void ROWS(dot)(T *rows, const uint32_t *offsets, const T *x, int64_t count, const T *signal, T *products,
                      int64_t stride, int update)
{
    const int64_t nv = stride / LANES;
#define CALL(n)                                                                                      \
    if (update) ROWS(dot_rows)((char *)rows, offsets, x, count, signal, products, n, 1);             \
    else ROWS(dot_rows)((char *)rows, offsets, x, count, signal, products, n, 0);
    if (nv > 8) { CALL(nv) }
    else BY_WIDTH(nv, CALL)
#undef CALL
}

#undef BY_WIDTH
#undef SETS
#undef VECTOR
#undef LANES
