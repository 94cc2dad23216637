/* Numbers modulo the prime 2^61 - 1, in [0, PRIME): what fingerprints of affine maps are made of. */
#ifndef NNAPPROX_RESIDUES_H
#define NNAPPROX_RESIDUES_H

#include <stdint.h>

#include "_targets.h"

#define PRIME (((uint64_t)1 << 61) - 1)

static inline uint64_t reduced(uint64_t n)
{
    n = (n & PRIME) + (n >> 61);
    return n >= PRIME ? n - PRIME : n;
}

static inline uint64_t plus(uint64_t a, uint64_t b) { return a + b >= PRIME ? a + b - PRIME : a + b; }

static inline uint64_t minus(uint64_t a, uint64_t b) { return a >= b ? a - b : a + PRIME - b; }

static inline uint64_t times(uint64_t a, uint64_t b)
{
#if defined(__SIZEOF_INT128__)
    __extension__ const unsigned __int128 product = (unsigned __int128)a * b;
    return reduced(((uint64_t)product & PRIME) + (uint64_t)(product >> 61));
#else
    const uint64_t half = 0xffffffffu, a0 = a & half, a1 = a >> 32, b0 = b & half, b1 = b >> 32;
    const uint64_t low = a0 * b0, middle = a1 * b0 + a0 * b1; /* the product is 2^64 a1 b1 + 2^32 middle + low */
    return reduced(8 * (a1 * b1) + (middle >> 29) + ((middle & (((uint64_t)1 << 29) - 1)) << 32) + (low & PRIME) +
                   (low >> 61));
#endif
}

#if defined(__SIZEOF_INT128__)
__extension__ typedef unsigned __int128 wide_sum;

/* Add products to so many sums, side by side: a factor is read once for all. At most 32 of them, each less than 2^122, do
 * not overflow. */
INLINE void add_products_to(uint64_t *sums, int64_t first, const int together, const uint64_t *const *rows,
                            const uint64_t *factors, int64_t count)
{
    wide_sum sum[4];
    for (int k = 0; k < together; k++) sum[k] = sums[first + k];
    for (int64_t n = 0; n < count; n++) {
        const uint64_t *const row = rows[n] + first, factor = factors[n];
        for (int k = 0; k < together; k++) sum[k] += (wide_sum)row[k] * factor;
    }
    for (int k = 0; k < together; k++)
        sums[first + k] = reduced(((uint64_t)sum[k] & PRIME) + ((uint64_t)(sum[k] >> 61) & PRIME) + (uint64_t)(sum[k] >> 122));
}
#endif

/* Add to every sum the products of weights, of which each factor has a row, and factors. */
static void add_products(uint64_t *sums, int64_t columns, const uint64_t *const *rows, const uint64_t *factors,
                         int64_t count)
{
#if defined(__SIZEOF_INT128__)
    for (int64_t done = 0; done < count; done += 32) {
        const int64_t terms = done + 32 < count ? 32 : count - done;
        int64_t k = 0;
        for (; k + 4 <= columns; k += 4) add_products_to(sums, k, 4, rows + done, factors + done, terms);
        for (; k < columns; k++) add_products_to(sums, k, 1, rows + done, factors + done, terms);
    }
#else
    for (int64_t n = 0; n < count; n++)
        for (int64_t k = 0; k < columns; k++) sums[k] = plus(sums[k], times(rows[n][k], factors[n]));
#endif
}

#endif
