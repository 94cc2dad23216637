/* Code that is compiled once for every instruction set, and chosen when it runs. */
#ifndef NNAPPROX_TARGETS_H
#define NNAPPROX_TARGETS_H

#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)

#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
/* Have an address in a register of its own: sums of addresses in every instruction of a loop would take longer. */
#define IN_REGISTER(address) __asm__("" : "+r"(address))
#else
#define INLINE static __forceinline
#define IN_REGISTER(address) ((void)(address))
#define restrict __restrict
#endif

enum { BASELINE, AVX2, AVX512 };

/* What stands between these two is compiled for a machine with such features, in vectors of so many bits. */
#if defined(__x86_64__) && defined(__GNUC__)
#define HAS_TARGETS 1
#include <immintrin.h>
#define TOLD(text) _Pragma(#text)
#if defined(__clang__)
#define BEGIN_TARGET(features, bits) TOLD(clang attribute push(__attribute__((target(features))), apply_to = function))
#define END_TARGET TOLD(clang attribute pop)
#else
#define BEGIN_TARGET(features, bits) TOLD(GCC push_options) TOLD(GCC target(features, "prefer-vector-width=" #bits))
#define END_TARGET TOLD(GCC pop_options)
#endif
#endif

#endif
