/* The loops over the neurons of a layer, which take most of the time, compiled once for every instruction set: see
 * _plane.h, which says by VECTOR how many numbers a register has. */

#if VECTOR > 1
typedef double CAT(vector_, ISA) __attribute__((vector_size(8 * VECTOR), aligned(8), may_alias));
typedef int64_t CAT(integers_, ISA) __attribute__((vector_size(8 * VECTOR)));
#define SIZE(w) ((CAT(vector_, ISA))((CAT(integers_, ISA))(w) & INT64_MAX))
#else
typedef double CAT(vector_, ISA);
#define SIZE(w) fabs(w)
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

/* Add terms: a form of the layer below, times a factor and the weights of an input; and a bound on its error times
 * |weight|. If there are no factors, they are 1. */
static void CAT(accumulate_, ISA)(const double *weights, int64_t padded, const int32_t *inputs, const double *factors,
                                  int64_t count, const double *below_a, const double *below_b, const double *below_c,
                                  const double *passed, double *a, double *b, double *c, double *error)
{
    typedef CAT(vector_, ISA) vector;
    for (int64_t block = 0; block < padded; block += LANES) {
        vector *const pa = (vector *)(a + block), *const pb = (vector *)(b + block), *const pc = (vector *)(c + block);
        vector *const pe = (vector *)(error + block);
        for (int half = 0; half < LANES / VECTOR; half += TOGETHER) {
            vector p[TOGETHER], q[TOGETHER], r[TOGETHER], e[TOGETHER];
            for (int k = 0; k < TOGETHER; k++) p[k] = pa[half + k], q[k] = pb[half + k], r[k] = pc[half + k], e[k] = pe[half + k];
            for (int64_t n = 0; n < count; n++) {
                const int64_t j = inputs[n];
                const vector *const weight = (const vector *)(weights + padded * j + block) + half;
                const double factor = factors ? factors[n] : 1;
                const double u = factor * below_a[j], v = factor * below_b[j], w = factor * below_c[j];
                for (int k = 0; k < TOGETHER; k++) {
                    p[k] += weight[k] * u, q[k] += weight[k] * v, r[k] += weight[k] * w;
                    e[k] += SIZE(weight[k]) * passed[j];
                }
            }
            for (int k = 0; k < TOGETHER; k++) pa[half + k] = p[k], pb[half + k] = q[k], pc[half + k] = r[k], pe[half + k] = e[k];
        }
    }
}

/* Finish the bounds of forms: on the errors of their values, and on what they pass on to the next layer's. */
static void CAT(bound_, ISA)(const double *restrict a, const double *restrict b, const double *restrict c,
                             const double *restrict summed, int64_t padded, double carry, double rounding,
                             double *restrict error, double *restrict passed)
{
    for (int64_t k = 0; k < padded; k++) {
        const double size = fabs(a[k]) + fabs(b[k]) + fabs(c[k]);
        error[k] = size < LARGEST ? 1.001 * summed[k] + 8 * DBL_EPSILON * size : HUGE_VAL;
        passed[k] = carry * (error[k] + rounding * size);
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

#undef SIZE
#undef LEAST
#undef MOST
#undef ABOVE
