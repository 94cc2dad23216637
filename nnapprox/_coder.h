/* Integers of a matrix as bits, and bits as bytes: a context-mixing model before an arithmetic coder.
 *
 * Everything that a decoder does is integer arithmetic of fixed width; docs/format-nnq.md specifies it. Shifts to the
 * right round towards minus infinity, as they do with every compiler that can build CPython. */
#ifndef NNAPPROX_CODER_H
#define NNAPPROX_CODER_H

#include <stdint.h>
#include <string.h>

enum {
    INPUTS = 11,       /* predictions that are mixed */
    CONTEXTS = 128,    /* values of one context */
    BINS = 128,        /* kinds of decisions */
    SIGN = 1, LARGER = 2, FIRST = 32, SECOND = 63,
    MOST_EXPONENT = 30,
    LIMIT = 255,       /* observations after which a probability stops to settle */
    AGED = 2,          /* observations that count in another matrix */
    HEAVIEST = 1 << 24,
    CAP = 1 << 20      /* magnitudes count as at most this in averages */
};

typedef struct { uint16_t probability, seen; } slot;

typedef struct {
    slot slots[INPUTS][BINS][CONTEXTS];
    int32_t weights[2][BINS][INPUTS + 1];
    uint16_t steps[2][BINS];
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

static void start_model(model *m)
{
    for (int i = 0; i < INPUTS; i++)
        for (int b = 0; b < BINS; b++)
            for (int c = 0; c < CONTEXTS; c++) m->slots[i][b][c] = (slot){32768, 0};
    for (int s = 0; s < 2; s++)
        for (int b = 0; b < BINS; b++) {
            for (int i = 0; i <= INPUTS; i++) m->weights[s][b][i] = i < INPUTS ? 16384 : 0;
            m->steps[s][b] = 0;
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

/* A decision that is about to be taken. */
typedef struct {
    slot *slots[INPUTS];
    int32_t odds[INPUTS + 1], probability[2], mixed;
    int32_t *weights[2];
    uint16_t *steps[2];
} decision;

static inline void predict(model *m, decision *d, int bin, const uint8_t *context, int set)
{
    int64_t sums[2] = {0, 0};
    d->weights[0] = m->weights[0][bin], d->steps[0] = &m->steps[0][bin];
    /* the second set of weights goes by how large the neighbourhood is, and its rows beyond the bins in use are free */
    d->weights[1] = m->weights[1][(bin < LARGER + 2 ? bin * 16 : 64 + (bin & 3) * 16) + set];
    d->steps[1] = &m->steps[1][(bin < LARGER + 2 ? bin * 16 : 64 + (bin & 3) * 16) + set];
    for (int i = 0; i < INPUTS; i++) {
        slot *const s = &m->slots[i][bin][context[i]];
        d->slots[i] = s;
        d->odds[i] = STRETCH[s->probability >> 4] * TRUST[s->seen] >> 8;
    }
    d->odds[INPUTS] = 256;
    for (int i = 0; i <= INPUTS; i++) {
        sums[0] += (int64_t)d->weights[0][i] * d->odds[i];
        sums[1] += (int64_t)d->weights[1][i] * d->odds[i];
    }
    int32_t odds[2];
    for (int s = 0; s < 2; s++) {
        const int64_t x = sums[s] >> 16;
        odds[s] = x > 2047 ? 2047 : x < -2047 ? -2047 : (int32_t)x;
        d->probability[s] = squash(odds[s]);
    }
    const int32_t p = squash((odds[0] + odds[1]) >> 1);
    d->mixed = p < 24 ? 24 : p > 65536 - 24 ? 65536 - 24 : p;
}

static inline void learn(decision *d, int bit)
{
    for (int s = 0; s < 2; s++) {
        const int64_t error = (int64_t)((bit << 16) - d->probability[s]) * SPEED[*d->steps[s]];
        for (int i = 0; i <= INPUTS; i++) {
            const int64_t w = d->weights[s][i] + ((d->odds[i] * error + (1 << 19)) >> 20);
            d->weights[s][i] = (int32_t)(w > HEAVIEST ? HEAVIEST : w < -HEAVIEST ? -HEAVIEST : w);
        }
        *d->steps[s] += *d->steps[s] < LIMIT;
    }
    for (int i = 0; i < INPUTS; i++) {
        slot *const s = d->slots[i];
        const int32_t p = s->probability + (((bit << 16) - s->probability) * (int64_t)SETTLING[s->seen] >> 16);
        s->probability = (uint16_t)(p < 32 ? 32 : p > 65503 ? 65503 : p);
        s->seen += s->seen < LIMIT;
    }
}

/* A matrix in raster order, and what the contexts are made of. */
typedef struct {
    int64_t columns, image;  /* image: columns of one image row, 0 where the inputs are no image */
    const int32_t *above, *above2, *row;
    int32_t *column_size, *column_sign;
    int32_t row_size, row_sign, all_size, rows_seen, all_seen;
    uint8_t size[INPUTS], sign[INPUTS];
    int set;
} scan;

static inline int32_t size_of(int32_t q) { const int32_t a = q < 0 ? -q : q; return a > CAP ? CAP : a; }
static inline int sign_of(int32_t q) { return (q > 0) - (q < 0); }
static inline int length_of(uint32_t v) { int n = 0; while (v) v >>= 1, n++; return n; }
static inline int few(int32_t size) { const int n = size < 3 ? size : length_of((uint32_t)size - 1) + 1; return n > 7 ? 7 : n; }

/* About 2^fine * log2(v + 1), in steps of an octave's 2^fine parts. */
static inline int level(uint32_t v, int fine)
{
    const int n = length_of(++v) - 1;
    return (n << fine) + (int)(n >= fine ? (v >> (n - fine)) & ((1u << fine) - 1) : (v << (fine - n)) & ((1u << fine) - 1));
}

static inline int clip(int v, int low, int high) { return v < low ? low : v > high ? high : v; }

static inline int32_t at(const int32_t *row, int64_t j, int64_t columns)
{
    return row && j >= 0 && j < columns ? row[j] : 0;
}

static inline void begin_row(scan *s, const int32_t *row, const int32_t *above, const int32_t *above2)
{
    s->row = row, s->above = above, s->above2 = above2;
    s->row_size = s->all_size, s->row_sign = 0;
}

static inline void look(scan *s, int64_t j)
{
    const int64_t n = s->columns, w = s->image;
    const int32_t a = at(s->row, j - 1, n), b = at(s->row, j - 2, n), c = at(s->above, j, n), c2 = at(s->above2, j, n);
    const int32_t cl = at(s->above, j - 1, n), cr = at(s->above, j + 1, n);
    int32_t u = 0, ul = 0, ur = 0, uu = 0;
    if (w) {
        u = at(s->row, j - w, n), ul = at(s->row, j - w - 1, n), uu = at(s->row, j - 2 * w, n);
        ur = w > 1 ? at(s->row, j - w + 1, n) : 0;
    }
    const int32_t A = size_of(a), B = size_of(b), C = size_of(c), C2 = size_of(c2), U = size_of(u);
    const uint32_t near = (uint32_t)(w ? 3 * A + B + 3 * U + size_of(ul) + size_of(ur) + size_of(uu) : 6 * A + 4 * B) << 4;
    const uint32_t across = (uint32_t)(2 * C + C2 + size_of(cl) + size_of(cr)) << 4;
    const int rows = level((uint32_t)s->row_size, 1), columns = level((uint32_t)s->column_size[j], 1);
    const int product = level((uint32_t)s->row_size, 2) + level((uint32_t)s->column_size[j], 2)
        - level((uint32_t)s->all_size, 2);
    s->size[0] = 0;
    s->size[1] = (uint8_t)rows;
    s->size[2] = (uint8_t)columns;
    s->size[3] = (uint8_t)(few(A) * 8 + few(B));
    s->size[4] = (uint8_t)(few(A) * 8 + few(U));
    s->size[5] = (uint8_t)(few(C) * 8 + few(C2));
    s->size[6] = (uint8_t)level(near, 2);
    s->size[7] = (uint8_t)clip(product, 0, 127);
    s->size[8] = (uint8_t)(clip(level(near, 0) - 3, 0, 7) * 8 + clip(columns / 2 - 3, 0, 7));
    s->size[9] = (uint8_t)level(near / 10 * 8 + across / 5 * 4 + 2 * (uint32_t)s->column_size[j] / 4 + (uint32_t)s->row_size / 4, 2);
    s->size[10] = (uint8_t)(clip(level(across, 0) - 3, 0, 7) * 8 + clip(rows / 2 - 3, 0, 7));
    s->set = clip(level(near / 10 * 8 + (uint32_t)s->column_size[j] / 2 + (uint32_t)s->row_size / 2, 0), 0, 15);

    const int sa = sign_of(a), sb = sign_of(b), su = sign_of(u), sc = sign_of(c), sc2 = sign_of(c2);
    const int sl = sign_of(ul), sr = sign_of(ur), suu = sign_of(uu);
    s->sign[0] = 0;
    s->sign[1] = (uint8_t)(3 * sa + sb + 4);
    s->sign[2] = (uint8_t)(3 * sa + su + 4);
    s->sign[3] = (uint8_t)(3 * sc + sa + 4);
    s->sign[4] = (uint8_t)(2 * sa + sb + 2 * su + sl + sr + suu + 8);
    s->sign[5] = (uint8_t)(clip(s->row_sign >> 9, -8, 8) + 8);
    s->sign[6] = (uint8_t)(clip(s->column_sign[j] >> 9, -8, 8) + 8);
    s->sign[7] = (uint8_t)(9 * su + 3 * sl + sr + 13);
    s->sign[8] = (uint8_t)(9 * sa + 3 * su + suu + 13);
    s->sign[9] = (uint8_t)(3 * sc + sc2 + 4);
    s->sign[10] = (uint8_t)(9 * sa + 3 * sign_of(cl) + sc + 13);
}

static inline void pass(scan *s, int64_t j, int32_t q)
{
    const int32_t size = size_of(q) << 6, sign = sign_of(q) * 8192;
    s->row_size += (size - s->row_size) >> 5;
    s->row_sign += (sign - s->row_sign) >> 5;
    s->column_size[j] += (size - s->column_size[j]) / (s->rows_seen < 15 ? s->rows_seen + 2 : 16);
    s->column_sign[j] += (sign - s->column_sign[j]) >> 3;
    s->all_size += (size - s->all_size) / (s->all_seen < 1023 ? s->all_seen + 2 : 1024);
    s->all_seen += s->all_seen < 1023;
}

static inline void end_row(scan *s) { s->rows_seen += s->rows_seen < 15; }

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

static inline void write_bit(stream *t, int32_t p, int bit)
{
    narrow(t, middle(t, p), bit);
    while (!((t->low ^ t->high) >> 24)) {
        t->bytes[t->position++] = (uint8_t)(t->high >> 24);
        t->low <<= 8;
        t->high = t->high << 8 | 255;
    }
}

static inline int read_bit(stream *t, int32_t p)
{
    const uint32_t mid = middle(t, p);
    const int bit = t->code <= mid;
    narrow(t, mid, bit);
    while (!((t->low ^ t->high) >> 24)) {
        t->low <<= 8;
        t->high = t->high << 8 | 255;
        t->code = t->code << 8 | (uint32_t)next_byte(t);
    }
    return bit;
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

enum { READ, WRITE, ADAPT };

/* One decision: read into, or written from, `bit`; or only learnt. Returns the bit. */
static inline int code_bit(model *m, stream *t, int bin, const uint8_t *context, int set, int mode, int bit)
{
    decision d;
    predict(m, &d, bin, context, set);
    if (mode == READ) bit = read_bit(t, d.mixed);
    else if (mode == WRITE) write_bit(t, d.mixed, bit);
    learn(&d, bit);
    return bit;
}

/* An integer, |q| <= 2^30 (a reader may meet larger ones, below 2^31, in a damaged file). */
static int32_t code_integer(model *m, stream *t, const scan *s, int mode, int32_t q)
{
    const uint8_t *const context = s->size;
    const uint32_t size = (uint32_t)(q < 0 ? -(int64_t)q : q);
    if (!code_bit(m, t, 0, context, s->set, mode, size != 0)) return 0;
    const int negative = code_bit(m, t, SIGN, s->sign, s->set, mode, q < 0);
    const int wanted = size ? length_of(size) - 1 : 0;
    int exponent = 0;
    while (exponent < MOST_EXPONENT && code_bit(m, t, LARGER + exponent, context, s->set, mode, wanted > exponent))
        exponent++;
    uint32_t value = 1;
    for (int left = exponent - 1; left >= 0; left--) {
        int bit = (int)(size >> left & 1);
        const int place = exponent - 1 - left;
        if (place < 2) bit = code_bit(m, t, place ? SECOND + 2 * exponent + (int)(value & 1) : FIRST + exponent, context,
                                      s->set, mode, bit);
        else if (mode == READ) bit = read_bit(t, 32768);
        else if (mode == WRITE) write_bit(t, 32768, bit);
        value = value << 1 | (uint32_t)bit;
    }
    return negative ? -(int32_t)value : (int32_t)value;
}

/* What follows serves the encoder alone. */

static float BITS[4097];

/* Bits that integers would take here: probabilities of the decisions met are kept between candidates. */
typedef struct { float zero[2], sign[2], larger[MOST_EXPONENT][2]; int known; } prices;

static inline void price_bit(model *m, int bin, const uint8_t *context, int set, float *bits)
{
    decision d;
    predict(m, &d, bin, context, set);
    bits[1] = BITS[d.mixed >> 4];
    bits[0] = BITS[(65536 - d.mixed) >> 4];
}

static inline void begin_prices(model *m, const scan *s, prices *p)
{
    price_bit(m, 0, s->size, s->set, p->zero);
    p->sign[0] = -1;
    p->known = 0;
}

static double price(model *m, const scan *s, prices *p, int32_t q)
{
    if (!q) return p->zero[0];
    if (p->sign[0] < 0) price_bit(m, SIGN, s->sign, s->set, p->sign);
    const uint32_t size = (uint32_t)(q < 0 ? -q : q);
    const int exponent = length_of(size) - 1;
    double bits = p->zero[1] + p->sign[q < 0];
    for (int e = 0; e <= exponent && e < MOST_EXPONENT; e++) {
        if (e >= p->known) price_bit(m, LARGER + e, s->size, s->set, p->larger[e]), p->known = e + 1;
        bits += p->larger[e][exponent > e];
    }
    if (exponent > 0) {
        float one[2];
        const int first = (int)(size >> (exponent - 1) & 1);
        price_bit(m, FIRST + exponent, s->size, s->set, one);
        bits += one[first];
        if (exponent > 1) {
            price_bit(m, SECOND + 2 * exponent + first, s->size, s->set, one);
            bits += one[size >> (exponent - 2) & 1] + exponent - 2;
        }
    }
    return bits;
}

/* The integer among those near `target` and 0 (and `given`) of least weight * (q - target)^2 + rate * bits. */
static inline int32_t choose(model *m, const scan *s, double target, double weight, double rate, int32_t given)
{
    prices p;
    begin_prices(m, s, &p);
    const double largest = 1073741824.0;
    target = target > largest ? largest : target < -largest ? -largest : target;
    int32_t low = (int32_t)target;
    low -= low > target;
    const int32_t candidates[5] = {0, low, low < (1 << 30) ? low + 1 : low, target > 0 ? low - 1 : low + 2, given};
    int32_t best = 0;
    double least = weight * target * target + rate * price(m, s, &p, 0);
    for (int k = 1; k < 5; k++) {
        const int32_t q = candidates[k];
        const double distortion = weight * (q - target) * (q - target);
        if (distortion >= least || q > (1 << 30) || q < -(1 << 30)) continue;
        const double cost = distortion + rate * price(m, s, &p, q);
        if (cost < least) least = cost, best = q;
    }
    return best;
}

#endif
