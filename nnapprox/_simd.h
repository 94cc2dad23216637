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

#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)

#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#define PREFETCH(address) __builtin_prefetch(address)
/* One addition gives a row's address; without this the compiler indexes every access anew, which costs more. */
#define KEEP_ADDRESS(pointer) __asm__("" : "+r"(pointer))
#define BASE_BYTES 16
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#pragma clang diagnostic ignored "-Wpass-failed"
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
#else
#define INLINE static __forceinline
#define PREFETCH(address) ((void)(address))
#define KEEP_ADDRESS(pointer) ((void)0)
#define BASE_BYTES 0
#define UNROLL
#define restrict __restrict
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
enum { BASELINE, AVX2, AVX512 };

/* Samples are drawn at random from more memory than caches hold: fetch this many ahead. */
#ifndef AHEAD
#define AHEAD 2
#endif

/* Elements set aside for n numbers, so that whatever follows is aligned and vectors may overhang. */
#define PADDED(n) (((n) + 15) / 16 * 16 + 16)

/* One affine map: weights at theta + weights, (inputs + 1) rows of stride numbers, the last being the bias; the
 * first layer has one row more, the weights of the centring shift. Workspace at scratch + scratch. */
typedef struct {
    int64_t inputs, outputs, stride, weights, scratch;
} layer_plan;

typedef struct {
    int64_t depth;
    const layer_plan *layers;
    int64_t *active; /* how many rows of the layer above each layer touches at this sample */
    int activation;
    double leak;
} network_plan;

/* Samples, sparse (starts, columns) or dense (starts is NULL), as bytes or numbers, times scale. Centred training
 * has mean_product[n] = <mean, x_n> and mean_square = <mean, mean>; otherwise mean_product is NULL. */
typedef struct {
    int64_t count, inputs;
    const int64_t *starts;
    const uint16_t *columns;
    const uint8_t *bytes;
    const void *values;
    double scale;
    const void *mean_product;
    double mean_square;
} samples;

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

#if defined(__x86_64__) && defined(__GNUC__)
#define HAS_TARGETS 1
#include <immintrin.h>
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
#define ISA avx2
#define NARROW_BYTES 32
#define WIDE_BYTES 32
#include "_types.h"
#undef ISA
#undef NARROW_BYTES
#undef WIDE_BYTES
#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f,avx512vl,avx512bw,avx512dq"))), apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx2,fma,avx512f,avx512vl,avx512bw,avx512dq")
#endif
/* The nonzero ones of 16 values, times scale, with the offsets of their rows; returns how many. */
static inline int64_t compress(const float *values, float scale, uint32_t offset, uint32_t row_bytes, float *x,
                               uint32_t *offsets, float *poison)
{
    const __m512 v = _mm512_loadu_ps(values);
    const __mmask16 kept = _mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_NEQ_UQ);
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i rows = _mm512_add_epi32(_mm512_set1_epi32((int)offset),
                                          _mm512_mullo_epi32(lanes, _mm512_set1_epi32((int)row_bytes)));
    /* the exponent of what is not finite is all ones: imm 0x99 names both NaNs and both infinities */
    if (_mm512_fpclass_ps_mask(v, 0x99)) *poison = NAN;
    _mm512_storeu_ps(x, _mm512_maskz_compress_ps(kept, _mm512_mul_ps(v, _mm512_set1_ps(scale))));
    _mm512_storeu_si512(offsets, _mm512_maskz_compress_epi32(kept, rows));
    return __builtin_popcount(kept);
}
#define ISA avx512
#define NARROW_BYTES 32
#define WIDE_BYTES 64
#include "_types.h"
#undef ISA
#undef NARROW_BYTES
#undef WIDE_BYTES
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

static int best_instruction_set(void)
{
#ifdef HAS_TARGETS
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq"))
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
static double run_sgd(int isa, int is_double, const network_plan *net, void *theta, void *average, const samples *data,
                      const void *targets, const int64_t *target_of, int loss, const int64_t *order,
                      const double *steps, const double *weights, int64_t count, void *scratch)
{
    return is_double ? DISPATCH(sgd, double, net, theta, average, data, targets, target_of, loss, order, steps, weights,
                                count, scratch)
                     : DISPATCH(sgd, float, net, theta, average, data, targets, target_of, loss, order, steps, weights,
                                count, scratch);
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
