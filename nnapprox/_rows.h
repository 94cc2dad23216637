/* Rows of a packed weight matrix: the inner loops, for one number type T and one vector size VECTOR_BYTES.
 *
 * Included several times by _steps.h. A matrix is input-major: one row an input, padded with zeros to a whole number
 * of vectors. Rows are named by byte offsets, so that a list of nonzero inputs, a list of active neurons and all
 * rows of a dense layer are one and the same thing. Lists are padded to whole groups of LIST_STEP rows with zeros
 * times row 0, so that no loop has a remainder: on short lists, leaving two loops costs more than the work.
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
#if VECTOR_BYTES < WIDE_BYTES /* then two vectors of a row may be read as one */
#define PAIRED 1
typedef T ROWS(pair) __attribute__((vector_size(2 * VECTOR_BYTES), aligned(VECTOR_BYTES)));
#define PAIR ROWS(pair)
#else
#define PAIRED 0
#define PAIR VECTOR
#endif

/* More than one set of accumulators hides the latency of the additions where rows are narrow. */
#define SETS(nv) ((nv) <= 3 ? 4 : (nv) <= 5 ? 2 : 1)

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

/* out = start + sum_k x[k] row[k], for NV vectors of every row. */
INLINE void ROWS(accumulate_columns)(const char *rows, const uint32_t *offsets, const T *x, int64_t count,
                                     const T *start, T *out, const int NV)
{
    VECTOR sums[4][8];
    const int sets = SETS(NV);
    UNROLL for (int v = 0; v < NV; v++) sums[0][v] = ((const VECTOR *)start)[v];
    UNROLL for (int s = 1; s < sets; s++)
        UNROLL for (int v = 0; v < NV; v++) sums[s][v] = sums[0][v] - sums[0][v];
    for (int64_t k = 0; k < count; k += sets) {
        UNROLL for (int s = 0; s < sets; s++) {
            const T value = x[k + s];
            const VECTOR *row = (const VECTOR *)(rows + offsets[k + s]);
            KEEP_ADDRESS(row);
            UNROLL for (int v = 0; v < NV; v++) sums[s][v] += value * row[v];
        }
    }
    UNROLL for (int s = 1; s < sets; s++)
        UNROLL for (int v = 0; v < NV; v++) sums[0][v] += sums[s][v];
    UNROLL for (int v = 0; v < NV; v++) ((VECTOR *)out)[v] = sums[0][v];
}

static void ROWS(accumulate)(const T *rows, const uint32_t *offsets, const T *x, int64_t count,
                             const T *start, T *out, int64_t stride)
{
    for (int64_t done = 0; done < stride;) {
        const int64_t left = (stride - done) / LANES, nv = left < 8 ? left : 8;
#define CALL(n) ROWS(accumulate_columns)((const char *)(rows + done), offsets, x, count, start + done, out + done, n);
        BY_WIDTH(nv, CALL)
#undef CALL
        done += nv * LANES;
    }
}

/* row[k] += x[k] signal, for NV vectors of every row; last rows first, since those were read last. */
INLINE void ROWS(update_columns)(char *rows, const uint32_t *offsets, const T *x, int64_t count, const T *signal,
                                 const int NV)
{
    VECTOR s[8];
    UNROLL for (int v = 0; v < NV; v++) s[v] = ((const VECTOR *)signal)[v];
    for (int64_t k = count - 1; k >= 0; k--) {
        const T value = x[k];
        VECTOR *row = (VECTOR *)(rows + offsets[k]);
        KEEP_ADDRESS(row);
        UNROLL for (int v = 0; v < NV; v++) row[v] += value * s[v];
    }
}

static void ROWS(update)(T *rows, const uint32_t *offsets, const T *x, int64_t count, const T *signal, int64_t stride)
{
    for (int64_t left = stride / LANES; left;) {
        const int64_t nv = left % 8 ? left % 8 : 8, done = (left - nv) * LANES;
#define CALL(n) ROWS(update_columns)((char *)(rows + done), offsets, x, count, signal + done, n);
        BY_WIDTH(nv, CALL)
#undef CALL
        left -= nv;
    }
}

/* A wide vector folded to a narrow one with the same sum of lanes. */
INLINE NARROW ROWS(fold)(VECTOR v)
{
    NARROW halves[sizeof(VECTOR) / sizeof(NARROW)];
    memcpy(halves, &v, sizeof v);
    return sizeof(VECTOR) == sizeof(NARROW) ? halves[0] : halves[0] + halves[sizeof(VECTOR) / sizeof(NARROW) - 1];
}

/* The fold of <row, signal>, lane by lane; with UPDATE also row += value signal, while the row is at hand. */
INLINE NARROW ROWS(dot_row)(VECTOR *row, T value, const VECTOR *s, const int64_t NV, const int UPDATE)
{
    VECTOR sums[2];
    UNROLL for (int64_t v = 0; v < NV; v++) {
        const VECTOR w = row[v];
        sums[v % 2] = v < 2 ? w * s[v] : sums[v % 2] + w * s[v];
        if (UPDATE) row[v] = w + value * s[v];
    }
    return ROWS(fold)(NV == 1 ? sums[0] : sums[0] + sums[1]);
}

/* products[k] = <row[k], signal>; with UPDATE also row[k] += x[k] signal. */
INLINE void ROWS(dot_rows)(char *rows, const uint32_t *offsets, const T *x, int64_t count, const T *signal,
                           T *products, const int64_t NV, const int UPDATE)
{
    const VECTOR *s = (const VECTOR *)signal;
    for (int64_t k = 0; k < count; k += NARROW_LANES) {
        NARROW sums[NARROW_LANES];
        if (NV <= 3)
            UNROLL for (int i = 0; i < NARROW_LANES; i++)
                sums[i] = ROWS(dot_row)((VECTOR *)(rows + offsets[k + i]), x[k + i], s, NV, UPDATE);
        else
            for (int i = 0; i < NARROW_LANES; i++)
                sums[i] = ROWS(dot_row)((VECTOR *)(rows + offsets[k + i]), x[k + i], s, NV, UPDATE);
        *(NARROW *)(products + k) = NAME(totals)(sums);
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

/* What follows does the same for GROUP samples that share a list: every row that is read serves all of them. x, and
 * what goes out or comes in for a sample, stand room apart. */
#define MOST_COLUMNS (WIDE_BYTES == 64 ? 4 : 3) /* of registers, AVX-512 has twice as many */
#define BY_COLUMNS(nv, CALL) \
    switch (nv) {            \
    case 1: CALL(1) break;   \
    case 2: CALL(2) break;   \
    case 3: CALL(3) break;   \
    default: CALL(4) break;  \
    }

INLINE void ROWS(accumulate_group_columns)(const char *rows, const NAME(inputs) *in, const T *start,
                                           int64_t start_room, T *out, int64_t room, const char *ahead, const int NV)
{
    const int pairs = PAIRED ? NV / 2 : 0, singles = NV - 2 * pairs;
    const T *x = in->x;
    const int64_t x_room = in->room;
    PAIR both[GROUP][2];
    VECTOR sums[GROUP][4];
    UNROLL for (int g = 0; g < GROUP; g++) {
        UNROLL for (int v = 0; v < pairs; v++) both[g][v] = ((const PAIR *)(start + g * start_room))[v];
        UNROLL for (int v = 0; v < singles; v++)
            sums[g][v] = ((const VECTOR *)(start + g * start_room))[2 * pairs + v];
    }
    for (int64_t k = 0; k < in->count; k++) {
        const VECTOR *row = (const VECTOR *)(rows + in->offsets[k]);
        KEEP_ADDRESS(row);
        if (ahead) PREFETCH_FAR(ahead + k * in->pace);
        UNROLL for (int g = 0; g < GROUP; g++) {
            const PAIR values = x[g * x_room + k] - (PAIR){0}; /* read once for both sizes */
            VECTOR value;
            memcpy(&value, &values, sizeof value);
            UNROLL for (int v = 0; v < pairs; v++) both[g][v] += values * ((const PAIR *)row)[v];
            UNROLL for (int v = 0; v < singles; v++) sums[g][v] += value * row[2 * pairs + v];
        }
    }
    UNROLL for (int g = 0; g < GROUP; g++) {
        UNROLL for (int v = 0; v < pairs; v++) ((PAIR *)(out + g * room))[v] = both[g][v];
        UNROLL for (int v = 0; v < singles; v++) ((VECTOR *)(out + g * room))[2 * pairs + v] = sums[g][v];
    }
}

/* Adds to start, whose samples stand start_room apart: 0 where all start from one bias. */
static void ROWS(accumulate_group)(const T *rows, const NAME(inputs) *in, const T *start, int64_t start_room, T *out,
                                   int64_t room, int64_t stride)
{
    for (int64_t done = 0; done < stride;) {
        const int64_t left = (stride - done) / LANES, nv = left < MOST_COLUMNS ? left : MOST_COLUMNS;
#define CALL(n)                                                                                                    \
    ROWS(accumulate_group_columns)((const char *)(rows + done), in, start + done, start_room, out + done, room, \
                                   done ? NULL : in->ahead, n);
        BY_COLUMNS(nv, CALL)
#undef CALL
        done += nv * LANES;
    }
}

INLINE void ROWS(update_samples)(char *rows, const NAME(inputs) *in, const T *signals, int64_t room, const int SAMPLES,
                                 const int NV)
{
    const T *x = in->x;
    const int64_t x_room = in->room;
    VECTOR s[TOGETHER][4];
    UNROLL for (int g = 0; g < SAMPLES; g++)
        UNROLL for (int v = 0; v < NV; v++) s[g][v] = ((const VECTOR *)(signals + g * room))[v];
    for (int64_t k = in->count - 1; k >= 0; k--) {
        VECTOR *row = (VECTOR *)(rows + in->offsets[k]);
        T values[TOGETHER]; /* read before row is written: for all the compiler knows, they overlap */
        const T *sample = x + k;
        KEEP_ADDRESS(row);
        KEEP_ADDRESS(sample);
        UNROLL for (int g = 0; g < SAMPLES; g++) values[g] = sample[g * x_room];
        UNROLL for (int v = 0; v < NV; v++) {
            VECTOR w = row[v];
            UNROLL for (int g = 0; g < SAMPLES; g++) w += values[g] * s[g][v];
            row[v] = w;
        }
    }
}

static void ROWS(update_group)(T *rows, const NAME(inputs) *in, const T *signals, int64_t room, int64_t stride)
{
    for (int64_t done = 0; done < stride;) {
        const int64_t left = (stride - done) / LANES, nv = left < MOST_COLUMNS ? left : MOST_COLUMNS;
#define CALL(n) ROWS(update_samples)((char *)(rows + done), in, signals + done, room, GROUP, n);
        BY_COLUMNS(nv, CALL)
#undef CALL
        done += nv * LANES;
    }
}

/* The same for two groups: their signals are too many for the registers, and are near anyway. */
static void ROWS(update_both)(T *rows, const NAME(inputs) *in, const T *signals, int64_t room, int64_t stride)
{
    for (int64_t done = 0; done < stride;) {
        const int64_t left = (stride - done) / LANES, nv = left < MOST_COLUMNS ? left : MOST_COLUMNS;
#define CALL(n) ROWS(update_samples)((char *)(rows + done), in, signals + done, room, TOGETHER, n);
        BY_COLUMNS(nv, CALL)
#undef CALL
        done += nv * LANES;
    }
}

/* out = start + sum_c x[c] row[c] over the listed columns c, for NV vectors of every row. Meanwhile what is at `next`,
 * item bytes a column, comes to the nearest cache, and what is at `later` to the one after: evenly, since memory that is
 * asked for much at once makes the sums wait. */
INLINE void ROWS(sum_listed)(const T *rows, int64_t stride, const NAME(inputs) *in, const char *next, const char *later,
                             int64_t item, const T *start, T *out, const int NV)
{
    const int pairs = PAIRED ? NV / 2 : 0, singles = NV - 2 * pairs, sets = 4;
    PAIR both[4][4];
    VECTOR sums[4][8];
    UNROLL for (int v = 0; v < pairs; v++) both[0][v] = ((const PAIR *)start)[v];
    UNROLL for (int v = 0; v < singles; v++) sums[0][v] = ((const VECTOR *)start)[2 * pairs + v];
    UNROLL for (int s = 1; s < sets; s++) {
        UNROLL for (int v = 0; v < pairs; v++) both[s][v] = both[0][v] - both[0][v];
        UNROLL for (int v = 0; v < singles; v++) sums[s][v] = sums[0][v] - sums[0][v];
    }
    for (int64_t k = 0; k < in->count; k += sets) {
        PREFETCH(next + sets * item * k);
        PREFETCH_FAR(later + sets * item * k);
        UNROLL for (int s = 0; s < sets; s++) {
            const int64_t column = in->offsets[k + s];
            const PAIR values = in->x[column] - (PAIR){0}; /* read once for both sizes */
            VECTOR value;
            memcpy(&value, &values, sizeof value);
            const VECTOR *row = (const VECTOR *)(rows + column * stride);
            KEEP_ADDRESS(row);
            UNROLL for (int v = 0; v < pairs; v++) both[s][v] += values * ((const PAIR *)row)[v];
            UNROLL for (int v = 0; v < singles; v++) sums[s][v] += value * row[2 * pairs + v];
        }
    }
    UNROLL for (int s = 1; s < sets; s++) {
        UNROLL for (int v = 0; v < pairs; v++) both[0][v] += both[s][v];
        UNROLL for (int v = 0; v < singles; v++) sums[0][v] += sums[s][v];
    }
    UNROLL for (int v = 0; v < pairs; v++) ((PAIR *)out)[v] = both[0][v];
    UNROLL for (int v = 0; v < singles; v++) ((VECTOR *)out)[2 * pairs + v] = sums[0][v];
}

#undef MOST_COLUMNS
#undef BY_COLUMNS
#undef BY_WIDTH
#undef SETS
#undef VECTOR
#undef PAIR
#undef PAIRED
#undef LANES
