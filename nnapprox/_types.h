/* Both number types for one instruction set: included by _simd.h, which has defined ISA and the vector sizes. */

#define T float
#define NAME(name) CAT(CAT(name, _float_), ISA)
#define EXP_COEFFICIENT EXP_FLOAT
#define EXP_TERMS 7
#define EXP_MIN (-87.f)
#define EXP_MAX 88.f
#define EXP_ROUND 12582912.f
#define EXP_BIAS 127
#define EXP_SHIFT 23
#define EXP_INTEGER int32_t
#define LN2_HIGH 0.693359375f
#define LN2_LOW (-2.12194440e-4f)
#define LOG logf
#if WIDE_BYTES == 64
#define COMPRESS compress
#define COMPRESS_LANES 16
#endif
#include "_steps.h"
#undef COMPRESS
#undef T
#undef NAME
#undef EXP_COEFFICIENT
#undef EXP_TERMS
#undef EXP_MIN
#undef EXP_MAX
#undef EXP_ROUND
#undef EXP_BIAS
#undef EXP_SHIFT
#undef EXP_INTEGER
#undef LN2_HIGH
#undef LN2_LOW
#undef LOG

#define T double
#define NAME(name) CAT(CAT(name, _double_), ISA)
#define EXP_COEFFICIENT EXP_DOUBLE
#define EXP_TERMS 13
#define EXP_MIN (-708.)
#define EXP_MAX 709.
#define EXP_ROUND 6755399441055744.
#define EXP_BIAS 1023
#define EXP_SHIFT 52
#define EXP_INTEGER int64_t
#define LN2_HIGH 6.93147180369123816490e-01
#define LN2_LOW 1.90821492927058770002e-10
#define LOG log
#include "_steps.h"
#undef T
#undef NAME
#undef EXP_COEFFICIENT
#undef EXP_TERMS
#undef EXP_MIN
#undef EXP_MAX
#undef EXP_ROUND
#undef EXP_BIAS
#undef EXP_SHIFT
#undef EXP_INTEGER
#undef LN2_HIGH
#undef LN2_LOW
#undef LOG
