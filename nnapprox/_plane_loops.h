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

/* Add terms: a form times the weights w of an input, and a bound on its error times |w|. */
static void CAT(accumulate_, ISA)(const double *weights, int64_t padded, const term *terms, int64_t count, double *a,
                                  double *b, double *c, double *error)
{
    typedef CAT(vector_, ISA) vector;
    for (int64_t block = 0; block < padded; block += LANES) {
        vector *const pa = (vector *)(a + block), *const pb = (vector *)(b + block), *const pc = (vector *)(c + block);
        vector *const pe = (vector *)(error + block);
        for (int half = 0; half < LANES / VECTOR; half += TOGETHER) {
            vector p[TOGETHER], q[TOGETHER], r[TOGETHER], e[TOGETHER];
            for (int k = 0; k < TOGETHER; k++) p[k] = pa[half + k], q[k] = pb[half + k], r[k] = pc[half + k], e[k] = pe[half + k];
            for (const term *t = terms; t < terms + count; t++) {
                const vector *const weight = (const vector *)(weights + padded * t->input + block) + half;
                for (int k = 0; k < TOGETHER; k++) {
                    const vector w = weight[k];
                    p[k] += w * t->a, q[k] += w * t->b, r[k] += w * t->c, e[k] += SIZE(w) * t->error;
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

/* What the signs of every form at some points say: see ON. There are a multiple of four points, each off by at most
 * `off`; low and high are workspace. */
static void CAT(judge_, ISA)(const double *restrict a, const double *restrict b, const double *restrict c,
                             const double *restrict error, int64_t padded, const double *x, const double *y,
                             int64_t points, double off, double *restrict low, double *restrict high,
                             uint8_t *restrict verdicts)
{
    for (int64_t k = 0; k < padded; k++) low[k] = HUGE_VAL, high[k] = -HUGE_VAL;
    for (int64_t i = 0; i < points; i += 4) {
        for (int64_t k = 0; k < padded; k++) {
            const double p = a[k] * x[i] + (b[k] * y[i] + c[k]), q = a[k] * x[i + 1] + (b[k] * y[i + 1] + c[k]);
            const double r = a[k] * x[i + 2] + (b[k] * y[i + 2] + c[k]), s = a[k] * x[i + 3] + (b[k] * y[i + 3] + c[k]);
            const double p_low = p < q ? p : q, p_high = p < q ? q : p, r_low = r < s ? r : s, r_high = r < s ? s : r;
            const double least = p_low < r_low ? p_low : r_low, most = p_high < r_high ? r_high : p_high;
            low[k] = least < low[k] ? least : low[k];
            high[k] = high[k] < most ? most : high[k];
        }
    }
    for (int64_t k = 0; k < padded; k++) {
        const double bound = error[k] + (fabs(a[k]) + fabs(b[k])) * off;
        verdicts[k] = (uint8_t)((low[k] > bound) * ON + (high[k] < -bound) * OFF +
                                ((low[k] < -bound) & (high[k] > bound)) * CROSSING);
    }
}

#undef SIZE
