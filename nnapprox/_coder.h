/* Integers of a matrix as bits, and bits as bytes: a context-mixing model before an arithmetic coder.
 *
 * Everything that a decoder does is integer arithmetic of fixed width; docs/format-nnq.md specifies it. Shifts to the
 * right round towards minus infinity, as they do with every compiler that can build CPython. */
#ifndef NNAPPROX_CODER_H
#define NNAPPROX_CODER_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    INPUTS = 8,        /* predictions that are mixed */
    CONTEXTS = 64,     /* values of one context */
    BINS = 67,         /* kinds of decisions */
    SIGN = 1, LARGER = 2, SMALLER = 18, FIRST = 34, SECOND = 44, ODD = 64,
    KINDS = 6,         /* of bins: zero, sign and the four above */
    SETS = 16,         /* values of the neighbourhood */
    MOST_EXPONENT = 30,
    LIMIT = 255,       /* observations after which a probability stops to settle */
    AGED = 4,          /* observations that count in another matrix */
    HEAVIEST = (1 << 20) - 1,
    CAP = 1 << 20,     /* magnitudes count as at most this in averages */
    TAPS = 10,         /* neighbours that a value is guessed from */
    TAP_SPEED = 2500
};

typedef struct { uint16_t probability, seen; } slot;

typedef struct {
    slot slots[INPUTS][BINS][CONTEXTS];
    int32_t weights[BINS + KINDS * SETS][INPUTS];
    uint16_t steps[BINS + KINDS * SETS];
} model;

/* 65536 / (1 + e^-x) at x = -8, -7.875, ..., 8. */
static const int32_t KNOTS[129] = {
    22, 25, 28, 32, 36, 41, 47, 53, 60, 68, 77, 87, 98, 111,
    126, 143, 162, 184, 208, 236, 267, 302, 342, 387, 439, 497, 562, 636,
    720, 815, 922, 1042, 1179, 1333, 1506, 1701, 1921, 2168, 2446, 2758, 3108, 3500,
    3938, 4427, 4971, 5577, 6249, 6992, 7812, 8714, 9702, 10782, 11955, 13226, 14595, 16062,
    17625, 19282, 21025, 22849, 24743, 26695, 28693, 30723, 32768, 34813, 36843, 38841, 40793, 42687,
    44511, 46254, 47911, 49474, 50941, 52310, 53581, 54754, 55834, 56822, 57724, 58544, 59287, 59959,
    60565, 61109, 61598, 62036, 62428, 62778, 63090, 63368, 63615, 63835, 64030, 64203, 64357, 64494,
    64614, 64721, 64816, 64900, 64974, 65039, 65097, 65149, 65194, 65234, 65269, 65300, 65328, 65352,
    65374, 65393, 65410, 65425, 65438, 65449, 65459, 65468, 65476, 65483, 65489, 65495, 65500, 65504,
    65508, 65511, 65514,
};

static inline int clip(int v, int low, int high) { return v < low ? low : v > high ? high : v; }

static int16_t STRETCH[4096];
static int32_t SETTLING[LIMIT + 1], TRUST[LIMIT + 1], SPEED[LIMIT + 1];

/* Probability in 2^-16 of log odds in 2^-8, |x| <= 2047. */
static inline int32_t squash(int32_t x)
{
    x = x > 2047 ? 2047 : x < -2047 ? -2047 : x;
    const int32_t at = (x + 2048) >> 5, part = (x + 2048) & 31;
    return (KNOTS[at] * (32 - part) + KNOTS[at + 1] * part + 16) >> 5;
}

static void make_tables(void)
{
    int32_t x = -2047;
    for (int32_t i = 0; i < 4096; i++) {
        while (x < 2047 && squash(x) < 16 * i + 8) x++;
        STRETCH[i] = (int16_t)x;
    }
    for (int32_t n = 0; n <= LIMIT; n++) {
        SETTLING[n] = 655360 / (10 * n + 16);
        TRUST[n] = 256 * (2 * n + 1) / (2 * n + 8);
        SPEED[n] = 14 + 1600 / (n + 16);
    }
}

static void clear_model(model *m)
{
    for (int i = 0; i < INPUTS; i++)
        for (int b = 0; b < BINS; b++)
            for (int c = 0; c < CONTEXTS; c++) m->slots[i][b][c] = (slot){32768, 0};
    for (int b = 0; b < BINS + KINDS * SETS; b++) {
        for (int i = 0; i < INPUTS; i++) m->weights[b][i] = 16000;
        m->steps[b] = 0;
    }
}

/* Before another matrix: what was seen counts as little, so that probabilities settle anew. */
static void restart_model(model *m)
{
    slot *const all = &m->slots[0][0][0];
    for (int k = 0; k < INPUTS * BINS * CONTEXTS; k++)
        if (all[k].seen > AGED) all[k].seen = AGED;
    memset(m->steps, 0, sizeof m->steps);
}

/* A decision that is about to be taken: two sets of weights, one by the bin, one by its kind and the neighbourhood. */
typedef struct {
    slot *slots[INPUTS];
    int16_t odds[INPUTS];
    int32_t probability[2], mixed;
    int32_t *weights[2];
    uint16_t *steps[2];
} decision;

/* What bins from ODD on stand for where a trellis makes entries odd. */
static const int LIKE[BINS - ODD] = {0, LARGER, SMALLER + 1};

static inline int kind_of(int bin)
{
    if (bin >= ODD) bin = LIKE[bin - ODD];
    return (bin >= SIGN) + (bin >= LARGER) + (bin >= SMALLER) + (bin >= FIRST) + (bin >= SECOND);
}

static inline void predict(model *m, decision *d, int bin, const uint8_t *context, int set)
{
    const int rows[2] = {bin, BINS + kind_of(bin) * SETS + set};
    for (int i = 0; i < INPUTS; i++) {
        slot *const s = &m->slots[i][bin][context[i]];
        d->slots[i] = s;
        d->odds[i] = (int16_t)(STRETCH[s->probability >> 4] * TRUST[s->seen] >> 8);
    }
    int32_t odds[2];
    for (int s = 0; s < 2; s++) {
        int32_t sum = 0;
        d->weights[s] = m->weights[rows[s]], d->steps[s] = &m->steps[rows[s]];
        for (int i = 0; i < INPUTS; i++) sum += (int16_t)(d->weights[s][i] >> 5) * d->odds[i];
        odds[s] = clip(sum >> 11, -2047, 2047);
        d->probability[s] = squash(odds[s]);
    }
    const int32_t p = squash((odds[0] + odds[1]) >> 1);
    d->mixed = p < 24 ? 24 : p > 65536 - 24 ? 65536 - 24 : p;
}

static inline void learn(decision *d, int bit)
{
    for (int s = 0; s < 2; s++) {
        const int32_t error = (((bit << 16) - d->probability[s]) * SPEED[*d->steps[s]] + 128) >> 8;
        for (int i = 0; i < INPUTS; i++)
            d->weights[s][i] = clip(d->weights[s][i] + ((d->odds[i] * error + 2048) >> 12), -HEAVIEST, HEAVIEST);
        *d->steps[s] += *d->steps[s] < LIMIT;
    }
    for (int i = 0; i < INPUTS; i++) {
        slot *const s = d->slots[i];
        const int32_t p = s->probability + (((bit << 15) - (s->probability >> 1)) * SETTLING[s->seen] >> 15);
        s->probability = (uint16_t)(p < 32 ? 32 : p > 65503 ? 65503 : p);
        s->seen += s->seen < LIMIT;
    }
}

/* A trellis of 32 states, of the systematic code with parity checks 45 and 10 (octal; Ungerboeck 1982): the parity of
 * an index k leads from state to state. Entries are 2 k in even states, and in odd ones they are odd, or 0. */
enum { STATES = 32 };

static inline int next_state(int state, int32_t index)
{
    return state >> 1 ^ (state & 1 ? 18 : 0) ^ (index & 1 ? 4 : 0);
}

/* A matrix in raster order, and what the contexts are made of. Steps of its rows and columns are powers of two, and
 * neighbours are told in steps of the entry that they are neighbours of. */
typedef struct {
    int64_t columns, image;      /* image: columns of one image row, 0 where the inputs are no image */
    int trellis, state;          /* whether entries follow one, and where they are in it */
    const int8_t *row_shifts, *column_shifts;  /* 0 where all are */
    const int32_t *above, *above2, *row;
    int32_t *column_size, *column_sign;
    int32_t row_size, all_size, rows_seen, all_seen;
    int32_t taps[TAPS], around[TAPS], across, in_column, guess, usual;
    int64_t i;
    int shift, above_shift, above2_shift;      /* of this row, and of those above against it */
    uint8_t size[INPUTS], sign[INPUTS], larger[2][INPUTS];  /* larger: once the sign is known */
    int set, expected;
} scan;

static inline int32_t size_of(int32_t q) { const int32_t a = q < 0 ? -q : q; return a > CAP ? CAP : a; }
static inline int sign_of(int32_t q) { return (q > 0) - (q < 0); }

static inline int length_of(uint32_t v)
{
#ifdef __GNUC__
    return v ? 32 - __builtin_clz(v) : 0;
#else
    int n = 0;
    while (v) v >>= 1, n++;
    return n;
#endif
}

/* A size in other steps; at most 2^26. */
static inline int32_t shifted(int32_t size, int shift)
{
    const int64_t v = shift < 0 ? size >> clip(-shift, 0, 30) : (int64_t)size << clip(shift, 0, 30);
    return v > CAP << 6 ? CAP << 6 : (int32_t)v;
}

/* Of a size in sixteenths: as it is below 3, then its octaves. */
static inline int few(int32_t size)
{
    const int32_t whole = (size + 8) >> 4;
    const int n = whole < 3 ? whole : length_of((uint32_t)whole - 1) + 1;
    return n > 7 ? 7 : n;
}

/* About 2^fine * log2(v + 1), in steps of an octave's 2^fine parts, and from `from` on; at most 63. */
static inline int level(int32_t size, int fine, int from)
{
    const uint32_t v = (uint32_t)size + 1;
    const int n = length_of(v) - 1;
    const int part = (int)((n >= fine ? v >> (n - fine) : v << (fine - n)) & ((1u << fine) - 1));
    return clip((n << fine) + part - from, 0, 63);
}

static inline void begin_row(scan *s, const int32_t *row, const int32_t *above, const int32_t *above2)
{
    static const int32_t first[TAPS] = {16000, 5000, 8000, 4000, 1000, 2000, 0, 0, 0, 0};
    if (!above)
        for (int k = 0; k < TAPS; k++) s->taps[k] = s->image || k < 2 ? first[k] : 0;
    s->row = row, s->above = above, s->above2 = above2;
    s->row_size = s->all_size;
    s->state = 0;
    s->shift = s->row_shifts ? s->row_shifts[s->i] : 0;
    s->above_shift = s->row_shifts && above ? s->row_shifts[s->i - 1] - s->shift : 0;
    s->above2_shift = s->row_shifts && above2 ? s->row_shifts[s->i - 2] - s->shift : 0;
}

static inline int column_shift(const scan *s, int64_t j) { return s->column_shifts ? s->column_shifts[j] : 0; }

/* What is coded for an entry. */
static inline int32_t index_of(const scan *s, int32_t q)
{
    if (!s->trellis) return q;
    return q < 0 ? -(int32_t)((1 - (int64_t)q) >> 1) : (int32_t)(((int64_t)q + 1) >> 1);
}

static inline int may_stand(const scan *s, int32_t q) { return !s->trellis || !q || (q & 1) == (s->state & 1); }

/* The entry of an index of this size: beyond 2^30 where it is damaged. */
static inline uint32_t entry_of(const scan *s, uint32_t size)
{
    if (!s->trellis) return size;
    return size > 1u << 29 ? (1u << 30) + 1 : 2 * size - (uint32_t)(s->state & 1);
}

/* A neighbour in sixteenths of the distance between entries that may stand at column j. */
static inline int32_t neighbour(const scan *s, const int32_t *row, int64_t at, int64_t j, int row_shift)
{
    if (!row || at < 0 || at >= s->columns || !row[at]) return 0;
    const int32_t size = shifted(size_of(row[at]) << (4 - s->trellis), column_shift(s, at) - column_shift(s, j) + row_shift);
    return row[at] < 0 ? -size : size;
}

static inline int32_t magnitude(int32_t v) { return v < 0 ? -v : v; }

enum { UP = 6 }; /* where around, which begins with the row's own a, b, u, ul, ur, uu, goes on with c, c2, cl, cr */

/* What the rows above tell of the entry at column j. */
static inline void look_up(scan *s, int64_t j)
{
    int32_t *const up = s->around + UP;
    up[0] = neighbour(s, s->above, j, j, s->above_shift), up[1] = neighbour(s, s->above2, j, j, s->above2_shift);
    up[2] = neighbour(s, s->above, j - 1, j, s->above_shift);
    up[3] = neighbour(s, s->above, j + 1, j, s->above_shift);
    s->across = 2 * magnitude(up[0]) + magnitude(up[1]) + magnitude(up[2]) + magnitude(up[3]);
    s->in_column = shifted(s->column_size[j], -s->shift);
    s->sign[3] = (uint8_t)(clip(s->column_sign[j] >> 9, -8, 8) + 8);
}

/* What its own row tells besides. */
static inline void look_back(scan *s, int64_t j)
{
    const int64_t w = s->image;
    const int32_t a = neighbour(s, s->row, j - 1, j, 0), b = neighbour(s, s->row, j - 2, j, 0);
    int32_t u = 0, ul = 0, ur = 0, uu = 0;
    if (w) {
        u = neighbour(s, s->row, j - w, j, 0), ul = neighbour(s, s->row, j - w - 1, j, 0);
        ur = w > 1 ? neighbour(s, s->row, j - w + 1, j, 0) : 0, uu = neighbour(s, s->row, j - 2 * w, j, 0);
    }
    const int32_t A = magnitude(a), B = magnitude(b), U = magnitude(u);
    const int32_t near = w ? 3 * A + B + 3 * U + magnitude(ul) + magnitude(ur) + magnitude(uu) : 6 * A + 4 * B;
    const int32_t row_size = shifted(s->row_size, -column_shift(s, j)), column_size = s->in_column;
    s->usual = shifted(s->all_size, -s->shift - column_shift(s, j));
    /* 32 times the size that is expected, of four means of the sizes around */
    const int32_t scale = near / 10 + s->across / 10 + column_size / 16 + row_size / 16;
    s->expected = clip(length_of((uint32_t)scale >> 5) - 1, 0, MOST_EXPONENT);

    const int32_t own[UP] = {a, b, u, ul, ur, uu};
    int64_t sum = 0;
    memcpy(s->around, own, sizeof own);
    for (int k = 0; k < TAPS; k++) sum += (int64_t)s->taps[k] * s->around[k];
    sum >>= 16;
    s->guess = (int32_t)(sum > CAP << 6 ? CAP << 6 : sum < -(CAP << 6) ? -(CAP << 6) : sum);
    const int guessed = level(magnitude(s->guess), 1, 0) > 31 ? 31 : level(magnitude(s->guess), 1, 0);
    const int sure = clip(guessed - level(scale, 1, 0) + 7, 0, 7) * 4 + clip(level(scale, 0, 3) / 2, 0, 3);
    const int rows = level(row_size, 1, 0), columns = level(column_size, 1, 0);

    uint8_t *const size = s->size, *const sign = s->sign;
    size[0] = (uint8_t)rows;
    size[1] = (uint8_t)columns;
    size[2] = (uint8_t)(few(A) * 8 + few(U));
    size[3] = (uint8_t)level(near, 2, 0);
    size[4] = (uint8_t)clip(level(row_size, 2, 0) + level(column_size, 2, 0) - level(s->usual, 2, 0), 0, 63);
    size[5] = (uint8_t)(clip(level(near, 0, 3), 0, 7) * 8 + clip(columns / 2 - 3, 0, 7));
    size[6] = (uint8_t)guessed;
    size[7] = (uint8_t)sure;
    s->set = clip(level(scale, 0, 0), 0, SETS - 1);

    const int sa = sign_of(a), sb = sign_of(b), su = sign_of(u);
    const int sl = sign_of(ul), sr = sign_of(ur), suu = sign_of(uu);
    sign[0] = (uint8_t)(3 * sa + sb + 4);
    sign[1] = (uint8_t)(3 * sa + su + 4);
    sign[2] = (uint8_t)(2 * sa + sb + 2 * su + sl + sr + suu + 8);
    sign[4] = (uint8_t)(9 * su + 3 * sl + sr + 13);
    sign[5] = (uint8_t)(9 * sa + 3 * su + suu + 13);
    sign[6] = (uint8_t)(s->guess < 0 ? 32 - guessed : 32 + guessed);
    sign[7] = (uint8_t)((s->guess < 0) * 32 + sure);
    for (int negative = 0; negative < 2; negative++) {
        const int agrees = negative == (s->guess < 0);
        memcpy(s->larger[negative], size, 6);
        s->larger[negative][6] = (uint8_t)(agrees ? 32 + guessed : 32 - guessed);
        s->larger[negative][7] = (uint8_t)(agrees * 32 + sure);
    }
}

static inline void look(scan *s, int64_t j) { look_up(s, j), look_back(s, j); }

/* After an entry, what its row tells of the next: all but what its column tells of those below. */
static inline void pass_in_row(scan *s, int64_t j, int32_t q)
{
    const int32_t size = size_of(q) << (6 - s->trellis);
    const int32_t in_row = shifted(size, column_shift(s, j)), in_all = shifted(size, column_shift(s, j) + s->shift);
    if (s->trellis) s->state = next_state(s->state, index_of(s, q));
    s->row_size += (in_row - s->row_size) >> 5;
    s->all_size += (in_all - s->all_size) / (s->all_seen < 1023 ? s->all_seen + 2 : 1024);
    s->all_seen += s->all_seen < 1023;

    /* the taps follow the error of the guess (Nagumo and Noda 1967) */
    int64_t error = (16 >> s->trellis) * (int64_t)q - s->guess, energy = 64 + ((int64_t)s->usual * s->usual >> 2);
    error = error > 1 << 28 ? 1 << 28 : error < -(1 << 28) ? -(1 << 28) : error;
    for (int k = 0; k < TAPS; k++) energy += (int64_t)s->around[k] * s->around[k];
    const int64_t pull = error * (1 << 20) / energy;
    for (int k = 0; k < TAPS; k++) {
        const int64_t tap = s->taps[k] + ((pull * s->around[k] * TAP_SPEED + (1 << 19)) >> 20);
        s->taps[k] = (int32_t)(tap > 1 << 20 ? 1 << 20 : tap < -(1 << 20) ? -(1 << 20) : tap);
    }
}

static inline void pass(scan *s, int64_t j, int32_t q)
{
    const int32_t in_column = shifted(size_of(q) << (6 - s->trellis), s->shift), sign = sign_of(q) * 8192;
    s->column_size[j] += (in_column - s->column_size[j]) / (s->rows_seen < 15 ? s->rows_seen + 2 : 16);
    s->column_sign[j] += (sign - s->column_sign[j]) >> 3;
    pass_in_row(s, j, q);
}

static inline void end_row(scan *s) { s->rows_seen += s->rows_seen < 15, s->i++; }

enum { READ, WRITE, ADAPT };

/* The arithmetic coder (Witten, Neal and Cleary 1987; binary and without carries). */
typedef struct {
    uint32_t low, high, code;
    uint8_t *bytes;
    int64_t position, length;
} stream;

static inline uint32_t middle(const stream *t, int32_t p)
{
    return t->low + (uint32_t)(((uint64_t)(t->high - t->low) * (uint32_t)p) >> 16);
}

static inline int next_byte(stream *t)
{
    const int byte = t->position < t->length ? t->bytes[t->position] : 0;
    t->position++;
    return byte;
}

static inline void narrow(stream *t, uint32_t mid, int bit)
{
    if (bit) t->high = mid;
    else t->low = mid + 1;
}

/* Shift out the bytes that are certain. */
static inline void settle(stream *t, int mode)
{
    while (!((t->low ^ t->high) >> 24)) {
        if (mode == WRITE) t->bytes[t->position++] = (uint8_t)(t->high >> 24);
        else t->code = t->code << 8 | (uint32_t)next_byte(t);
        t->low <<= 8;
        t->high = t->high << 8 | 255;
    }
}

/* A bit whose probability of being 1 is p / 65536: read, or written from `bit`. */
static inline int coded_bit(stream *t, int mode, int32_t p, int bit)
{
    const uint32_t mid = middle(t, p);
    if (mode == READ) bit = t->code <= mid;
    narrow(t, mid, bit);
    settle(t, mode);
    return bit;
}

/* Raw bits: up to eight at once, one at a time where the interval is small. Reads them, or writes those of `value`. */
static inline uint32_t raw_bits(stream *t, int mode, uint32_t value, int count)
{
    uint32_t all = 0;
    while (count > 0) {
        const uint32_t range = t->high - t->low;
        const int now = range < 1u << 24 ? 1 : count < 8 ? count : 8;
        const uint32_t most = (1u << now) - 1, part = (uint32_t)(((uint64_t)range + 1) >> now);
        count -= now;
        uint32_t bits = value >> count & most;
        if (mode == READ) bits = (t->code - t->low) / part < most ? (t->code - t->low) / part : most;
        t->low += bits * part;
        t->high = t->low + part - 1;
        settle(t, mode);
        all = all << now | bits;
    }
    return all;
}

/* The few bytes that tell the last interval from all others; what follows them reads as zeros. */
static void finish(stream *t)
{
    for (int count = 0; count <= 4; count++) {
        const uint32_t mask = count == 4 ? 0 : 0xffffffffu >> (8 * count);
        const uint64_t value = ((uint64_t)t->low + mask) & ~(uint64_t)mask;
        if (value <= t->high) {
            for (int k = 0; k < count; k++) t->bytes[t->position++] = (uint8_t)(value >> (24 - 8 * k));
            return;
        }
    }
}

/* One decision: read into, or written from, `bit`; or only learnt. Returns the bit. */
static int code_bit(model *m, stream *t, int bin, const uint8_t *context, int set, int mode, int bit)
{
    decision d;
    predict(m, &d, bin, context, set);
    if (mode != ADAPT) bit = coded_bit(t, mode, d.mixed, bit);
    learn(&d, bit);
    return bit;
}

/* Bins of an exponent: one for each while it is small, then by how far it is from what was expected. */
static inline int exponent_bin(const scan *s, int exponent)
{
    return exponent < 12 ? exponent : 12 + clip(exponent - s->expected + 1, 0, 3);
}

static inline int mantissa_bin(int exponent) { return exponent < 10 ? exponent : 9; }

/* The bins of the least sizes are others in odd states: 1 is nearer to 0 there than 2 is in even ones. */
static inline int zero_bin(const scan *s) { return s->state & 1 ? ODD : 0; }

static inline int larger_bin(const scan *s, int exponent)
{
    return !exponent && s->state & 1 ? ODD + 1 : LARGER + exponent_bin(s, exponent);
}

static inline int smaller_bin(const scan *s, int exponent)
{
    return exponent == 1 && s->state & 1 ? ODD + 2 : SMALLER + exponent_bin(s, exponent);
}

/* An entry, |q| <= 2^30 (a reader may meet larger ones, below 2^31, in a damaged file). */
static int32_t code_integer(model *m, stream *t, const scan *s, int mode, int32_t q)
{
    const int32_t index = index_of(s, q);
    const uint32_t size = (uint32_t)(index < 0 ? -(int64_t)index : index);
    if (!code_bit(m, t, zero_bin(s), s->size, s->set, mode, size != 0)) return 0;
    const int negative = code_bit(m, t, SIGN, s->sign, s->set, mode, q < 0);
    const uint8_t *const context = s->larger[negative];
    const int wanted = size ? length_of(size) - 1 : 0;
    int e = s->expected;
    if (e < MOST_EXPONENT && code_bit(m, t, larger_bin(s, e), context, s->set, mode, wanted > e)) {
        e++;
        while (e < MOST_EXPONENT && code_bit(m, t, larger_bin(s, e), context, s->set, mode, wanted > e)) e++;
    } else {
        while (e > 0 && code_bit(m, t, smaller_bin(s, e), context, s->set, mode, wanted < e)) e--;
    }
    uint32_t value = 1;
    for (int place = 0; place < 2 && place < e; place++) {
        const int bin = place ? SECOND + 2 * mantissa_bin(e) + (int)(value & 1) : FIRST + mantissa_bin(e);
        const int bit = code_bit(m, t, bin, context, s->set, mode, (int)(size >> (e - 1 - place) & 1));
        value = value << 1 | (uint32_t)bit;
    }
    if (e > 2 && mode != ADAPT) value = value << (e - 2) | raw_bits(t, mode, size, e - 2);
    if (mode != READ) return q;
    value = entry_of(s, value);
    return negative ? -(int32_t)value : (int32_t)value;
}

/* A model starts with what it learns from weights made up: small matrices of several scales, first of no image, then of
 * images whose pixels resemble their neighbours and fade towards the border. */
static void start_model(model *m)
{
    static const int scales[] = {100, 40, 8, 300, 60, 12};
    enum { EDGE = 12, COLUMNS = EDGE * EDGE + 1, ROWS = 6, PLAIN = 3 };
    int32_t rows[3][COLUMNS], values[COLUMNS], column_size[COLUMNS], column_sign[COLUMNS];
    uint32_t seed = 1;
    clear_model(m);
    for (int k = 0; k < (int)(sizeof scales / sizeof *scales); k++) {
        scan s;
        memset(&s, 0, sizeof s);
        memset(column_size, 0, sizeof column_size), memset(column_sign, 0, sizeof column_sign);
        s.columns = COLUMNS, s.image = k < PLAIN ? 0 : EDGE, s.column_size = column_size, s.column_sign = column_sign;
        restart_model(m);
        for (int i = 0; i < ROWS; i++) {
            int32_t *const row = rows[i % 3];
            for (int j = 0; j < COLUMNS; j++) {
                const int y = j / EDGE, x = j % EDGE;
                int fading = EDGE / 2, value = -510;
                if (s.image) {
                    const int low = x < y ? x : y, high = EDGE - 1 - (x > y ? x : y);
                    fading = low < high ? low : high > 0 ? high : 0;
                }
                for (int n = 0; n < 4; n++) seed = seed * 1664525 + 1013904223, value += (int)(seed >> 24);
                if (s.image) value += 3 * ((j ? values[j - 1] : 0) + (j < EDGE ? 0 : values[j - EDGE])) / 8;
                values[j] = value;
                row[j] = value * fading * scales[k] / 4096;
            }
            begin_row(&s, row, i > 0 ? rows[(i + 2) % 3] : 0, i > 1 ? rows[(i + 1) % 3] : 0);
            for (int j = 0; j < COLUMNS; j++) {
                look(&s, j);
                code_integer(m, 0, &s, ADAPT, row[j]);
                pass(&s, j, row[j]);
            }
            end_row(&s);
        }
    }
    for (int b = ODD; b < BINS; b++) {
        for (int i = 0; i < INPUTS; i++)
            memcpy(m->slots[i][b], m->slots[i][LIKE[b - ODD]], sizeof m->slots[i][b]);
        memcpy(m->weights[b], m->weights[LIKE[b - ODD]], sizeof m->weights[b]);
        m->steps[b] = m->steps[LIKE[b - ODD]];
    }
}

#endif
