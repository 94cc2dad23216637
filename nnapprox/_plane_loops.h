/* The loops over the neurons of a layer, which take most of the time, compiled once for every instruction set: see
 * _plane.h, which says by VECTOR how many numbers a register has. */

#if VECTOR > 1
typedef double CAT(vector_, ISA) __attribute__((vector_size(8 * VECTOR), aligned(8), may_alias));
typedef int64_t CAT(integers_, ISA) __attribute__((vector_size(8 * VECTOR), aligned(8), may_alias));
#define IF_NEGATIVE(n, w) (((n) < 0) & (w))
#define SIZE(w) ((CAT(vector_, ISA))((CAT(integers_, ISA))(w) & INT64_MAX))
/* Infinite, but 0 where a number is below another. */
#define UNLESS_BELOW(v, most) ((CAT(vector_, ISA))(~((v) < (most)) & INFINITE))
#else
typedef double CAT(vector_, ISA);
typedef int64_t CAT(integers_, ISA);
#define IF_NEGATIVE(n, w) ((n) < 0 ? (w) : 0)
#define SIZE(w) fabs(w)
#define UNLESS_BELOW(v, most) ((v) < (most) ? 0 : HUGE_VAL)
#endif

/* The smaller and the larger of numbers, and a bit where one is above the other. */
#if VECTOR == 8
#define LEAST(v, w) ((CAT(vector_, ISA))_mm512_min_pd((__m512d)(v), (__m512d)(w)))
#define MOST(v, w) ((CAT(vector_, ISA))_mm512_max_pd((__m512d)(v), (__m512d)(w)))
#define ABOVE(v, w) ((uint64_t)_mm512_cmp_pd_mask((__m512d)(v), (__m512d)(w), _CMP_GT_OQ))
#elif VECTOR == 4
#define LEAST(v, w) ((CAT(vector_, ISA))_mm256_min_pd((__m256d)(v), (__m256d)(w)))
#define MOST(v, w) ((CAT(vector_, ISA))_mm256_max_pd((__m256d)(v), (__m256d)(w)))
#define ABOVE(v, w) ((uint64_t)_mm256_movemask_pd(_mm256_cmp_pd((__m256d)(v), (__m256d)(w), _CMP_GT_OQ)))
#elif VECTOR == 2 && defined(__SSE2__)
#define LEAST(v, w) ((CAT(vector_, ISA))_mm_min_pd((__m128d)(v), (__m128d)(w)))
#define MOST(v, w) ((CAT(vector_, ISA))_mm_max_pd((__m128d)(v), (__m128d)(w)))
#define ABOVE(v, w) ((uint64_t)_mm_movemask_pd(_mm_cmpgt_pd((__m128d)(v), (__m128d)(w))))
#elif VECTOR == 2
#define LEAST(v, w) ((CAT(vector_, ISA)){fmin((v)[0], (w)[0]), fmin((v)[1], (w)[1])})
#define MOST(v, w) ((CAT(vector_, ISA)){fmax((v)[0], (w)[0]), fmax((v)[1], (w)[1])})
#define ABOVE(v, w) ((uint64_t)((v)[0] > (w)[0]) | (uint64_t)((v)[1] > (w)[1]) << 1)
#else
#define LEAST(v, w) ((v) < (w) ? (v) : (w))
#define MOST(v, w) ((v) > (w) ? (v) : (w))
#define ABOVE(v, w) ((uint64_t)((v) > (w)))
#endif

/* Add terms to the forms of `count` registers of neurons: see accumulate. */
INLINE void CAT(add_terms_, ISA)(const double *weights, int64_t padded, const int32_t *inputs, const double *factors,
                                 int64_t terms, const double *below_a, const double *below_b, const double *below_c,
                                 double *a, double *b, double *c, const int count, const int scaled)
{
    typedef CAT(vector_, ISA) vector;
    vector p[MOST_TOGETHER], q[MOST_TOGETHER], r[MOST_TOGETHER];
    for (int k = 0; k < count; k++) p[k] = ((vector *)a)[k], q[k] = ((vector *)b)[k], r[k] = ((vector *)c)[k];
    for (int64_t n = 0; n < terms; n++) {
        const int64_t j = inputs[n];
        const vector *const weight = (const vector *)(weights + padded * j);
        const double factor = scaled ? factors[n] : 1;
        const double u = factor * below_a[j], v = factor * below_b[j], w = factor * below_c[j];
        for (int k = 0; k < count; k++) {
            const vector t = weight[k];
            p[k] += t * u, q[k] += t * v, r[k] += t * w;
        }
    }
    for (int k = 0; k < count; k++) ((vector *)a)[k] = p[k], ((vector *)b)[k] = q[k], ((vector *)c)[k] = r[k];
}

/* Add terms: a form of the layer below, times a factor and the weights of an input. If there are no factors, they are
 * 1. */
static void CAT(accumulate_, ISA)(const double *weights, int64_t padded, const int32_t *inputs, const double *factors,
                                  int64_t terms, const double *below_a, const double *below_b, const double *below_c,
                                  double *a, double *b, double *c)
{
#define ADD(count, scaled)                                                                                              \
    CAT(add_terms_, ISA)(weights + k, padded, inputs, factors, terms, below_a, below_b, below_c, a + k, b + k, c + k,    \
                         count, scaled)
    const int64_t together = MOST_TOGETHER * VECTOR;
    int64_t k = 0;
    for (; k + together <= padded; k += together) {
        if (factors) ADD(MOST_TOGETHER, 1);
        else ADD(MOST_TOGETHER, 0);
    }
    if (k < padded) ADD(MOST_TOGETHER / 2, factors != NULL);
#undef ADD
}

/* Bound the errors of forms, which are at most a base and a norm times `gathered`, with what evaluation adds, and what
 * they pass on to the next layer's. */
static void CAT(bound_, ISA)(const double *a, const double *b, const double *c, const double *base, const double *norm,
                             double gathered, int64_t padded, double carry, double rounding, double *error, double *passed)
{
    typedef CAT(vector_, ISA) vector;
    for (int64_t k = 0; k < padded; k += VECTOR) {
        const vector size = SIZE(*(const vector *)(a + k)) + SIZE(*(const vector *)(b + k)) + SIZE(*(const vector *)(c + k));
        const vector summed = *(const vector *)(base + k) + *(const vector *)(norm + k) * gathered;
        const vector bound = summed * 1.001 + size * (8 * DBL_EPSILON) + UNLESS_BELOW(size, LARGEST);
        *(vector *)(error + k) = bound;
        *(vector *)(passed + k) = (bound + size * rounding) * carry;
    }
}

/* What is sure of every form on a piece from its signs at the vertices, each off by at most `off`: where it is positive
 * throughout, where it takes both signs, and where none of this is sure, and that it is negative is not. */
static void CAT(judge_, ISA)(const double *a, const double *b, const double *c, const double *error, int64_t padded,
                             const double *x, const double *y, int64_t points, double off, uint64_t *on,
                             uint64_t *crossing, uint64_t *unsure)
{
    typedef CAT(vector_, ISA) vector;
    for (int64_t block = 0; block < padded; block += LANES) {
        if (block % 64 == 0) on[block / 64] = crossing[block / 64] = unsure[block / 64] = 0;
        for (int64_t k = block; k < block + LANES; k += VECTOR) {
            const vector p = *(const vector *)(a + k), q = *(const vector *)(b + k), r = *(const vector *)(c + k);
            vector low = p * x[0] + (q * y[0] + r), high = low;
            for (int64_t i = 1; i < points; i++) {
                const vector value = p * x[i] + (q * y[i] + r);
                low = LEAST(value, low);
                high = MOST(value, high);
            }
            const vector bound = *(const vector *)(error + k) + (SIZE(p) + SIZE(q)) * off, below = -bound;
            const uint64_t positive = ABOVE(low, bound), negative = ABOVE(below, high);
            const uint64_t both = ABOVE(below, low) & ABOVE(high, bound);
            on[block / 64] |= positive << k % 64;
            crossing[block / 64] |= both << k % 64;
            unsure[block / 64] |= (~(positive | negative | both) & (((uint64_t)1 << VECTOR) - 1)) << k % 64;
        }
    }
}

/* Replace what a layer's neurons are at a vertex by what the next layer's are; gives the sum of the squares of these.
 * There is room for what the activation makes of the former, and for a mask of those that are not 0. */
static double CAT(evaluate_, ISA)(const double *weights, const double *bias, int64_t padded, int64_t inputs, double slope,
                                  double unit, double *values, double *activated, uint64_t *active)
{
    typedef CAT(vector_, ISA) vector;
    enum { REGISTERS = LANES / VECTOR < 8 ? LANES / VECTOR : 8 };
    const vector none = {0};
    for (int64_t k = 0; k < inputs; k += VECTOR) {
        const vector value = *(const vector *)(values + k), made = MOST(value, none) + LEAST(value, none) * slope;
        *(vector *)(activated + k) = made;
        if (k % 64 == 0) active[k / 64] = 0;
        active[k / 64] |= (ABOVE(made, none) | ABOVE(none, made)) << k % 64;
    }
    vector squares = {0};
    int64_t k = 0;
#define SUM(count)                                                                                                      \
    for (; k + (count)*VECTOR <= padded; k += (count)*VECTOR) {                                                         \
        vector sum[count];                                                                                              \
        for (int i = 0; i < (count); i++) sum[i] = ((const vector *)(bias + k))[i] * unit;                              \
        for (int64_t w = 0; 64 * w < inputs; w++) {                                                                     \
            for (uint64_t left = active[w]; left; left &= left - 1) {                                                   \
                const int64_t j = 64 * w + lowest_bit(left);                                                            \
                const vector *weight = (const vector *)(weights + padded * j + k);                                      \
                IN_REGISTER(weight);                                                                                    \
                for (int i = 0; i < (count); i++) sum[i] += weight[i] * activated[j];                                   \
            }                                                                                                           \
        }                                                                                                               \
        for (int i = 0; i < (count); i++) {                                                                             \
            ((vector *)(values + k))[i] = sum[i];                                                                       \
            squares += sum[i] * sum[i];                                                                                 \
        }                                                                                                               \
    }
    SUM(8)
    SUM(REGISTERS)
#undef SUM
    double total = 0;
    for (int i = 0; i < VECTOR; i++) total += ((const double *)&squares)[i];
    return total;
}

/* Values between those at the ends of an edge; gives the sum of squares of the ends' differences. */
static double CAT(between_, ISA)(const double *from, const double *to, double where, int64_t padded, double *values)
{
    typedef CAT(vector_, ISA) vector;
    const vector none = {0};
    vector squares[2] = {none, none};
    for (int64_t k = 0; k < padded; k += 2 * VECTOR) {
        for (int i = 0; i < 2; i++) {
            const vector start = ((const vector *)(from + k))[i], difference = ((const vector *)(to + k))[i] - start;
            ((vector *)(values + k))[i] = start + difference * where;
            squares[i] += difference * difference;
        }
    }
    double total = 0;
    for (int i = 0; i < 2 * VECTOR; i++) total += ((const double *)squares)[i];
    return total;
}

/* The inner products of what values change by from one vertex to two others: of the first with itself, of both, and of
 * the second with itself. */
static void CAT(products_, ISA)(const double *start, const double *one, const double *other, int64_t padded,
                                double products[3])
{
    typedef CAT(vector_, ISA) vector;
    const vector none = {0};
    vector sums[3] = {none, none, none};
    for (int64_t k = 0; k < padded; k += VECTOR) {
        const vector from = *(const vector *)(start + k);
        const vector u = *(const vector *)(one + k) - from, v = *(const vector *)(other + k) - from;
        sums[0] += u * u, sums[1] += u * v, sums[2] += v * v;
    }
    for (int i = 0; i < 3; i++) {
        products[i] = 0;
        for (int n = 0; n < VECTOR; n++) products[i] += ((const double *)(sums + i))[n];
    }
}

/* Which of so many neurons are surely positive at vertices, and which negative. */
static void CAT(mark_, ISA)(const double *values, int64_t stride, const corner *corners, int64_t vertices, int64_t neurons,
                            states *signs)
{
    typedef CAT(vector_, ISA) vector;
    for (; vertices--; values += stride, corners++) {
        const vector bound = (vector){0} + corners->doubt;
        for (int64_t start = 0; start < neurons; start += 64) {
            const int64_t end = start + 64 < neurons ? start + 64 : neurons;
            const uint64_t all = end == start + 64 ? ~(uint64_t)0 : ((uint64_t)1 << (end - start)) - 1;
            uint64_t on = 0, off = 0;
            for (int64_t k = start; k < end; k += VECTOR) {
                const vector value = *(const vector *)(values + k);
                on |= ABOVE(value, bound) << (k - start);
                off |= ABOVE(-bound, value) << (k - start);
            }
            *signs++ = (states){on & all, off & all};
        }
    }
}

/* Add a row of residues to others, or subtract it. */
static void CAT(add_row_, ISA)(uint64_t *sums, const uint64_t *row, int64_t padded, int subtracted)
{
    typedef CAT(integers_, ISA) vector;
    const int64_t prime = PRIME;
    for (int64_t k = 0; k < padded; k += VECTOR) {
        vector *const sum = (vector *)(sums + k);
        const vector term = *(const vector *)(row + k), made = subtracted ? *sum - term : *sum + term - prime;
        *sum = made + IF_NEGATIVE(made, prime);
    }
}

#undef IF_NEGATIVE
#undef SIZE
#undef UNLESS_BELOW
#undef LEAST
#undef MOST
#undef ABOVE
