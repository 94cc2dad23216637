/* Integers of any size in slots that the caller provides: a word with the number of limbs, negative for a negative
 * number, then the limbs, least first. The caller makes slots large enough for what is computed. */
#ifndef NNAPPROX_INTEGER_H
#define NNAPPROX_INTEGER_H

#include <stdint.h>
#include <string.h>

#if defined(__SIZEOF_INT128__)
typedef uint64_t limb;
typedef int64_t signed_limb;
__extension__ typedef unsigned __int128 wide;
#else
typedef uint32_t limb;
typedef int32_t signed_limb;
typedef uint64_t wide;
#endif

#define LIMB_BITS ((int)(8 * sizeof(limb)))

static inline signed_limb length_of(const limb *n) { return (signed_limb)n[0]; }

static inline signed_limb limbs_of(const limb *n) { return length_of(n) < 0 ? -length_of(n) : length_of(n); }

static inline int sign_of(const limb *n) { return (length_of(n) > 0) - (length_of(n) < 0); }

static inline void set_length(limb *n, signed_limb count, int negative)
{
    n[0] = (limb)(negative ? -count : count);
}

/* r = mantissa 2^shift. */
static inline void set_shifted(limb *r, int64_t mantissa, int64_t shift)
{
    const int64_t offset = shift % LIMB_BITS;
    signed_limb count = (signed_limb)(shift / LIMB_BITS);
    limb carry = 0;
    memset(r + 1, 0, (size_t)count * sizeof *r);
    for (uint64_t left = mantissa < 0 ? -(uint64_t)mantissa : (uint64_t)mantissa; left; left = left >> (LIMB_BITS - 1) >> 1) {
        const wide part = ((wide)(limb)left << offset) | carry;
        r[++count] = (limb)part;
        carry = (limb)(part >> LIMB_BITS);
    }
    if (carry) r[++count] = carry;
    set_length(r, mantissa ? count : 0, mantissa < 0);
}

/* r = a b; r is neither a nor b. */
static inline void multiply(limb *r, const limb *a, const limb *b)
{
    const signed_limb m = limbs_of(a), n = limbs_of(b);
    if (!m || !n) {
        r[0] = 0;
        return;
    }
    for (signed_limb j = 1; j <= n; j++) {
        wide carry = 0;
        for (signed_limb i = 1; i <= m; i++) {
            carry += (wide)a[i] * b[j] + (j > 1 ? r[i + j - 1] : 0);
            r[i + j - 1] = (limb)carry;
            carry >>= LIMB_BITS;
        }
        r[m + j] = (limb)carry;
    }
    set_length(r, m + n - !r[m + n], (length_of(a) ^ length_of(b)) < 0);
}

static inline int is_smaller(const limb *a, const limb *b, signed_limb count)
{
    while (count && a[count] == b[count]) count--;
    return count && a[count] < b[count];
}

/* r = a + b, or a - b where `negated`; r may be a or b. */
static inline void add(limb *r, const limb *a, const limb *b, int negated)
{
    signed_limb m = limbs_of(a), n = limbs_of(b);
    int negative = length_of(a) < 0, other = (length_of(b) < 0) ^ negated;
    if (m < n || (m == n && negative != other && is_smaller(a, b, m))) {
        const limb *const larger = b;
        const signed_limb count = n;
        const int sign = other;
        b = a, n = m, other = negative;
        a = larger, m = count, negative = sign;
    }
    wide carry = 0;
    if (negative == other) {
        for (signed_limb i = 1; i <= m; i++) {
            carry += (wide)a[i] + (i <= n ? b[i] : 0);
            r[i] = (limb)carry;
            carry >>= LIMB_BITS;
        }
        if (carry) r[++m] = (limb)carry;
    } else {
        for (signed_limb i = 1; i <= m; i++) {
            const wide difference = (wide)a[i] - (i <= n ? b[i] : 0) - carry;
            r[i] = (limb)difference;
            carry = difference >> LIMB_BITS & 1;
        }
        while (m && !r[m]) m--;
    }
    set_length(r, m, negative);
}

#endif
