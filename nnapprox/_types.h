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
#if NARROW_BYTES == 32
#define EVENS 0, 2, 8, 10, 4, 6, 12, 14
#define ODDS 1, 3, 9, 11, 5, 7, 13, 15
#define LOW 0, 1, 2, 3, 8, 9, 10, 11
#define HIGH 4, 5, 6, 7, 12, 13, 14, 15
#define UNPACK unpack
#define LIST_COLUMNS list_eight_by_eight
#define LIST_LANES 8
#else
#define EVENS 0, 2, 4, 6
#define ODDS 1, 3, 5, 7
#endif
#if WIDE_BYTES == 64
#undef LIST_COLUMNS
#undef LIST_LANES
#define LIST_COLUMNS list_sixteen_by_sixteen
#define LIST_LANES 16
#define COMPRESS_COLUMNS compress_columns
#define BY_FOURS 1
#define LIST_PARTS_OF_BYTES list_parts_of_bytes
#define LIST_PARTS_OF_NUMBERS list_parts_of_numbers
#define COMPRESS_POSITIVE compress_positive
#define SPREAD_POSITIVE spread_positive
#define COMPRESS_LANES 16
#endif
#include "_steps.h"
#undef UNPACK
#undef COMPRESS_COLUMNS
#undef BY_FOURS
#undef LIST_PARTS_OF_BYTES
#undef LIST_PARTS_OF_NUMBERS
#undef LIST_COLUMNS
#undef LIST_LANES
#undef COMPRESS_POSITIVE
#undef SPREAD_POSITIVE
#undef COMPRESS_LANES
#undef EVENS
#undef ODDS
#undef LOW
#undef HIGH
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
#if NARROW_BYTES == 32
#define EVENS 0, 4, 2, 6
#define ODDS 1, 5, 3, 7
#define LOW 0, 1, 4, 5
#define HIGH 2, 3, 6, 7
#else
#define EVENS 0, 2
#define ODDS 1, 3
#endif
#include "_steps.h"
#undef EVENS
#undef ODDS
#undef LOW
#undef HIGH
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
