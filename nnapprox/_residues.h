/* Numbers modulo the prime 2^61 - 1, in [0, PRIME): what fingerprints of affine maps are made of. */
#ifndef NNAPPROX_RESIDUES_H
#define NNAPPROX_RESIDUES_H

#include <stdint.h>

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

/* Add to every sum the products of weights, of which each factor has a row, and factors. */
static void add_products(uint64_t *sums, int64_t columns, const uint64_t *const *rows, const uint64_t *factors,
                         int64_t count)
{
#if defined(__SIZEOF_INT128__)
    enum { AT_ONCE = 32 }; /* so many products, each less than 2^122, do not overflow */
    __extension__ typedef unsigned __int128 wide_sum;
    for (int64_t first = 0; first < count; first += AT_ONCE) {
        const int64_t end = first + AT_ONCE < count ? first + AT_ONCE : count;
        for (int64_t k = 0; k < columns; k++) {
            wide_sum sum = sums[k];
            for (int64_t n = first; n < end; n++) sum += (wide_sum)rows[n][k] * factors[n];
            sums[k] = reduced(((uint64_t)sum & PRIME) + ((uint64_t)(sum >> 61) & PRIME) + (uint64_t)(sum >> 122));
        }
    }
#else
    for (int64_t n = 0; n < count; n++)
        for (int64_t k = 0; k < columns; k++) sums[k] = plus(sums[k], times(rows[n][k], factors[n]));
#endif
}

#endif
