/* The kernels' inner loops, compiled once for every instruction set this machine's kind may have.
 *
 * Nothing here is told to the compiler by flags: each copy of _steps.h stands under a target pragma with vectors of
 * the size that matches (wider ones are lowered badly), and the copy to run is chosen when it runs.
 */
#ifndef NNAPPROX_SIMD_H
#define NNAPPROX_SIMD_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "_targets.h"

#if defined(__GNUC__)
#define PREFETCH(address) __builtin_prefetch(address)
#define PREFETCH_FAR(address) __builtin_prefetch(address, 0, 2)
/* One addition gives a row's address; without this the compiler indexes every access anew, which costs more. */
#define KEEP_ADDRESS(pointer) __asm__("" : "+r"(pointer))
#define BASE_BYTES 16
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#pragma clang diagnostic ignored "-Wpass-failed"
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
#if defined(__clang__) || __GNUC__ >= 12
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (__typeof__((a) < (b))){__VA_ARGS__})
#endif
#else
#define PREFETCH(address) ((void)(address))
#define PREFETCH_FAR(address) ((void)(address))
#define KEEP_ADDRESS(pointer) ((void)0)
#define BASE_BYTES 0
#define UNROLL
#endif

#ifdef NNAPPROX_DEBUG
#define CHECK(condition)                                                              \
    do {                                                                              \
        if (!(condition)) {                                                           \
            fprintf(stderr, "nnapprox: kernel check failed: %s\n", #condition);       \
            abort();                                                                  \
        }                                                                             \
    } while (0)
#else
#define CHECK(condition) ((void)0)
#endif

enum { IDENTITY, RELU, LEAKY_RELU, SIGMOID, TANH };
enum { SQUARED, CROSS_ENTROPY };

/* Samples are drawn at random from more memory than caches hold: fetch this many ahead. */
#define AHEAD 3

/* Samples that go through a first layer together. */
#define GROUP 4

/* Samples whose steps are taken together: two groups. */
#define TOGETHER (2 * GROUP)

/* Columns where samples of two groups are not zero: of the first group alone, of the second alone, of both. */
enum { FIRST_ONLY, SECOND_ONLY, SHARED, PARTS };

/* Lists are padded to whole groups of this many. */
#define WHOLE(n) (((n) + 7) & ~(int64_t)7)

/* So many samples are worth packing weights anew, where no layer is wider than that. */
#define MANY_SAMPLES 64
#define NARROW_WIDTH 32

/* Active neurons are listed in layers wider than this. */
#define LISTED_ABOVE 32

/* Elements set aside for n numbers, so that whatever follows is aligned and vectors may overhang. */
#define PADDED(n) (((n) + 15) / 16 * 16 + 16)

/* One affine map: weights at theta + weights, (inputs + 1) rows of stride numbers, the last being the bias; the
 * first layer has one row more, the weights of the centring shift. Workspace at scratch + scratch. */
typedef struct {
    int64_t inputs, outputs, stride, weights, scratch;
} layer_plan;

typedef struct {
    int64_t depth, signals; /* two groups' signals of the first layer are at scratch + signals, then their sums */
    const layer_plan *layers;
    int64_t *active; /* how many rows of the layer above each layer touches at this sample */
    int activation;
    double leak;
} network_plan;

/* Rows of an array of bytes or numbers, times scale. */
typedef struct {
    int64_t count, inputs, item; /* bytes a value has */
    const void *values;
    double scale;
} samples;

/* A training sample in one piece of memory: this, then its values as bytes or numbers, then, where records are
 * sparse, their columns as 16-bit integers; both padded with zeros to multiples of 16. */
typedef struct {
    uint32_t count, target;
    double mean_product; /* <mean, sample> */
} record_head;

/* Training samples, times scale: record n is at start + where[n]; most of them end within so many cache lines. */
typedef struct {
    int64_t count, lines;
    const uint8_t *start;
    const int64_t *where;
    int are_bytes, sparse, centred;
    double scale, mean_square; /* <mean, mean> */
} records;

static const float EXP_FLOAT[] = {1.f, 1.f, 1.f / 2, 1.f / 6, 1.f / 24, 1.f / 120, 1.f / 720, 1.f / 5040};
static const double EXP_DOUBLE[] = {1.,        1.,         1. / 2,      1. / 6,       1. / 24,       1. / 120,
                                    1. / 720,  1. / 5040,  1. / 40320,  1. / 362880,  1. / 3628800,  1. / 39916800,
                                    1. / 479001600, 1. / 6227020800.};

#define ISA baseline
#define NARROW_BYTES BASE_BYTES
#define WIDE_BYTES BASE_BYTES
#include "_types.h"
#undef ISA
#undef NARROW_BYTES
#undef WIDE_BYTES

#ifdef HAS_TARGETS
BEGIN_TARGET("avx2,fma", 256)
/* Bytes and columns of a sparse record, a whole number of 16, to values times scale and offsets of rows. */
static inline void unpack(const uint8_t *bytes, const uint16_t *columns, int64_t count, float scale, uint32_t row_bytes,
                          float *x, uint32_t *offsets)
{
    for (int64_t k = 0; k < count; k += 8) {
        const __m256i integers = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)(bytes + k)));
        const __m256i rows = _mm256_cvtepu16_epi32(_mm_loadu_si128((const void *)(columns + k)));
        _mm256_storeu_ps(x + k, _mm256_mul_ps(_mm256_cvtepi32_ps(integers), _mm256_set1_ps(scale)));
        _mm256_storeu_si256((void *)(offsets + k), _mm256_mullo_epi32(rows, _mm256_set1_epi32((int)row_bytes)));
    }
}
/* Where a byte's bits are 1, one byte a place. */
static uint64_t places[256];
__attribute__((constructor)) static void fill_places(void)
{
    for (int byte = 0; byte < 256; byte++)
        for (int bit = 7; bit >= 0; bit--)
            if (byte >> bit & 1) places[byte] = places[byte] << 8 | (uint64_t)bit;
}
/* A sample's first values, a whole number of 8, times scale, and the columns of those that are not zero; how many. */
INLINE int64_t list_eight_by_eight(const char *row, int are_bytes, int64_t count, float scale, float *x,
                                   uint32_t *columns)
{
    int64_t kept = 0;
    for (int64_t k = 0; k < count; k += 8) {
        const __m256 v = are_bytes ? _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)(row + k))))
                                   : _mm256_loadu_ps((const float *)row + k);
        const int mask = _mm256_movemask_ps(_mm256_cmp_ps(v, _mm256_setzero_ps(), _CMP_NEQ_UQ));
        const __m256i at = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)&places[mask]));
        _mm256_storeu_ps(x + k, _mm256_mul_ps(v, _mm256_set1_ps(scale)));
        _mm256_storeu_si256((void *)(columns + kept), _mm256_add_epi32(at, _mm256_set1_epi32((int)k)));
        kept += __builtin_popcount((unsigned)mask);
    }
    return kept;
}
#define ISA avx2
#define NARROW_BYTES 32
#define WIDE_BYTES 32
#include "_types.h"
#undef ISA
#undef NARROW_BYTES
#undef WIDE_BYTES
END_TARGET
BEGIN_TARGET("avx2,fma,bmi2,avx512f,avx512vl,avx512bw,avx512dq", 256)
/* Offsets of 16 rows, one after the other. */
static inline __m512i sixteen_rows(uint32_t offset, uint32_t row_bytes)
{
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    return _mm512_add_epi32(_mm512_set1_epi32((int)offset),
                            _mm512_mullo_epi32(lanes, _mm512_set1_epi32((int)row_bytes)));
}
/* Those of 16 columns where one of some samples is not zero, times scale, with the offsets of their rows; how many.
 * Sets *strange where a value is not finite. */
INLINE int64_t compress_columns(const char *const *rows, int are_bytes, int64_t first, float scale, uint32_t offset,
                                uint32_t row_bytes, float *x, int64_t room, uint32_t *offsets, int *strange)
{
    __m512 v[GROUP];
    __mmask16 kept = 0;
    for (int g = 0; g < GROUP; g++) {
        v[g] = are_bytes ? _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const void *)(rows[g] + first))))
                         : _mm512_loadu_ps((const float *)rows[g] + first);
        kept |= _mm512_cmp_ps_mask(v[g], _mm512_setzero_ps(), _CMP_NEQ_UQ);
    }
    if (!kept) return 0;
    for (int g = 0; g < GROUP; g++) {
        *strange |= _mm512_fpclass_ps_mask(v[g], 0x99); /* both NaNs and both infinities */
        _mm512_storeu_ps(x + g * room, _mm512_maskz_compress_ps(kept, _mm512_mul_ps(v[g], _mm512_set1_ps(scale))));
    }
    _mm512_storeu_si512(offsets, _mm512_maskz_compress_epi32(kept, sixteen_rows(offset, row_bytes)));
    return __builtin_popcount(kept);
}
/* Where 16 columns stand on the lists of two groups (see _samples.h), which are not zero in the first, the second. */
static inline void split_columns(__mmask16 first, __mmask16 second, __mmask16 *parts)
{
    parts[FIRST_ONLY] = first & (__mmask16)~second;
    parts[SECOND_ONLY] = second & (__mmask16)~first;
    parts[SHARED] = first & second;
}
/* A group's bytes at 16 columns, one column a lane. */
static inline __m512i four_bytes(const char *const *rows, int64_t first)
{
    __m512i all = _mm512_setzero_si512();
    for (int g = 0; g < GROUP; g++) {
        const __m512i v = _mm512_cvtepu8_epi32(_mm_loadu_si128((const void *)(rows[g] + first)));
        all = _mm512_or_si512(all, _mm512_slli_epi32(v, 8 * (unsigned)g));
    }
    return all;
}
/* Count lanes of four_bytes, at the fourth of a group's rows, to its values times scale. */
static inline void spread_bytes(float *x, int64_t room, int64_t count, float scale)
{
    for (int64_t k = 0; k < count; k += 16) {
        const __m512i all = _mm512_loadu_si512(x + 3 * room + k), low = _mm512_set1_epi32(255);
        for (int g = 0; g < GROUP; g++) {
            const __m512i byte = _mm512_and_si512(_mm512_srli_epi32(all, 8 * (unsigned)g), low);
            _mm512_storeu_ps(x + g * room + k, _mm512_mul_ps(_mm512_cvtepi32_ps(byte), _mm512_set1_ps(scale)));
        }
    }
}
/* The lists of two groups' first columns, a whole number of 16 of them, from bytes. */
static inline void list_parts_of_bytes(const char *const *rows, int64_t count, float scale, uint32_t row_bytes,
                                       float *const *x, int64_t room, uint32_t *const *offsets, int64_t *counts)
{
    for (int64_t k = 0; k < count; k += 16) {
        const __m512i first = four_bytes(rows, k), second = four_bytes(rows + GROUP, k);
        __mmask16 parts[PARTS];
        split_columns(_mm512_test_epi32_mask(first, first), _mm512_test_epi32_mask(second, second), parts);
        const __m512i named = sixteen_rows((uint32_t)k * row_bytes, row_bytes);
        for (int p = 0; p < PARTS; p++) {
            float *at = x[p] + counts[p];
            if (p != SECOND_ONLY)
                _mm512_storeu_si512(at + 3 * room, _mm512_maskz_compress_epi32(parts[p], first));
            if (p != FIRST_ONLY)
                _mm512_storeu_si512(at + 7 * room, _mm512_maskz_compress_epi32(parts[p], second));
            _mm512_storeu_si512(offsets[p] + counts[p], _mm512_maskz_compress_epi32(parts[p], named));
            counts[p] += __builtin_popcount(parts[p]);
        }
    }
    spread_bytes(x[FIRST_ONLY], room, counts[FIRST_ONLY], scale);
    spread_bytes(x[SECOND_ONLY] + GROUP * room, room, counts[SECOND_ONLY], scale);
    spread_bytes(x[SHARED], room, counts[SHARED], scale);
    spread_bytes(x[SHARED] + GROUP * room, room, counts[SHARED], scale);
}
/* The same from numbers. */
static inline void list_parts_of_numbers(const char *const *rows, int64_t count, float scale, uint32_t row_bytes,
                                         float *const *x, int64_t room, uint32_t *const *offsets, int64_t *counts)
{
    for (int64_t k = 0; k < count; k += 16) {
        __m512 v[TOGETHER];
        __mmask16 kept[2] = {0}, parts[PARTS];
        for (int g = 0; g < TOGETHER; g++) {
            v[g] = _mm512_loadu_ps((const float *)rows[g] + k);
            kept[g / GROUP] |= _mm512_cmp_ps_mask(v[g], _mm512_setzero_ps(), _CMP_NEQ_UQ);
            v[g] = _mm512_mul_ps(v[g], _mm512_set1_ps(scale));
        }
        split_columns(kept[0], kept[1], parts);
        const __m512i named = sixteen_rows((uint32_t)k * row_bytes, row_bytes);
        for (int p = 0; p < PARTS; p++) {
            for (int g = 0; g < TOGETHER; g++)
                _mm512_storeu_ps(x[p] + g * room + counts[p], _mm512_maskz_compress_ps(parts[p], v[g]));
            _mm512_storeu_si512(offsets[p] + counts[p], _mm512_maskz_compress_epi32(parts[p], named));
            counts[p] += __builtin_popcount(parts[p]);
        }
    }
}
/* As list_eight_by_eight, of a whole number of 16. */
INLINE int64_t list_sixteen_by_sixteen(const char *row, int are_bytes, int64_t count, float scale, float *x,
                                       uint32_t *columns)
{
    __m512i at = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    int64_t kept = 0;
    for (int64_t k = 0; k < count; k += 16) {
        const __m512 v = are_bytes ? _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const void *)(row + k))))
                                   : _mm512_loadu_ps((const float *)row + k);
        const __mmask16 mask = _mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_NEQ_UQ);
        _mm512_storeu_ps(x + k, _mm512_mul_ps(v, _mm512_set1_ps(scale)));
        _mm512_storeu_si512(columns + kept, _mm512_maskz_compress_epi32(mask, at));
        at = _mm512_add_epi32(at, _mm512_set1_epi32(16));
        kept += __builtin_popcount(mask);
    }
    return kept;
}
/* The positive ones of 16 values, with the offsets of their rows; how many. */
static inline int64_t compress_positive(const float *values, uint32_t offset, uint32_t row_bytes, float *x,
                                        uint32_t *offsets)
{
    const __m512 v = _mm512_loadu_ps(values);
    const __mmask16 kept = _mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_GT_OQ);
    _mm512_storeu_ps(x, _mm512_maskz_compress_ps(kept, v));
    _mm512_storeu_si512(offsets, _mm512_maskz_compress_epi32(kept, sixteen_rows(offset, row_bytes)));
    return __builtin_popcount(kept);
}
/* Where the 16 values are positive the next ones of listed, else 0; how many. */
static inline int64_t spread_positive(const float *values, const float *listed, float *out)
{
    const __mmask16 kept = _mm512_cmp_ps_mask(_mm512_loadu_ps(values), _mm512_setzero_ps(), _CMP_GT_OQ);
    _mm512_storeu_ps(out, _mm512_maskz_expand_ps(kept, _mm512_loadu_ps(listed)));
    return __builtin_popcount(kept);
}
#include "_fours.h"
#define ISA avx512
#define NARROW_BYTES 32
#define WIDE_BYTES 64
#include "_types.h"
#undef ISA
#undef NARROW_BYTES
#undef WIDE_BYTES
END_TARGET
#endif

static int best_instruction_set(void)
{
#ifdef HAS_TARGETS
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("bmi2"))
        return AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return AVX2;
#endif
    return BASELINE;
}

#ifdef HAS_TARGETS
#define DISPATCH(function, T, ...)                                          \
    (isa == AVX512   ? CAT(CAT(function##_, T), _avx512)(__VA_ARGS__)       \
     : isa == AVX2   ? CAT(CAT(function##_, T), _avx2)(__VA_ARGS__)         \
                     : CAT(CAT(function##_, T), _baseline)(__VA_ARGS__))
#else
#define DISPATCH(function, T, ...) ((void)isa, CAT(CAT(function##_, T), _baseline)(__VA_ARGS__))
#endif

/* All numbers are doubles where is_double, else floats. */
static double run_sgd(int isa, int is_double, const network_plan *net, void *theta, void *average, const records *data,
                      const void *targets, int loss, const int64_t *order, const double *steps, const double *weights,
                      int64_t count, void *scratch)
{
    return is_double ? DISPATCH(sgd, double, net, theta, average, data, targets, loss, order, steps, weights, count,
                                scratch)
                     : DISPATCH(sgd, float, net, theta, average, data, targets, loss, order, steps, weights, count,
                                scratch);
}

static int run_forward(int isa, int is_double, const network_plan *net, const void *theta, const samples *data,
                        void *out, void *scratch)
{
    return is_double ? DISPATCH(forward, double, net, theta, data, out, scratch)
                     : DISPATCH(forward, float, net, theta, data, out, scratch);
}

static void run_gradients(int isa, int is_double, const network_plan *net, void *theta, const samples *data,
                          const void *cotangents, void *by_parameters, void *by_inputs, void *scratch)
{
    if (is_double) DISPATCH(gradients, double, net, theta, data, cotangents, by_parameters, by_inputs, scratch);
    else DISPATCH(gradients, float, net, theta, data, cotangents, by_parameters, by_inputs, scratch);
}

#endif
