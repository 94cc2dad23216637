/* Choosing the entries of a row together, by what errors and bits cost: trellis-coded quantisation (Marcellin and
 * Fischer 1990) whose every path has its own contexts, and its own errors for later entries to make up for. */
#ifndef NNAPPROX_TRELLIS_H
#define NNAPPROX_TRELLIS_H

#include <math.h>

#include "_coder.h"

enum {
    LARGEST = 1 << 30, /* of an entry */
    LAG = 128,         /* columns after which paths are taken to have met */
    BLOCK = 32         /* columns that are decided at once */
};

static float BITS[4097]; /* of a decision whose probability is k / 4096 */

static void make_bits(void)
{
    for (int k = 0; k <= 4096; k++) BITS[k] = (float)(12 - log2(k ? k : 0.5));
}

/* Bits that entries would take at one place, as far as they are known: others are not numbers. Those of mantissas are
 * known for one exponent and sign, `mantissa`. */
typedef struct {
    float zero[2], sign[2], larger[2][MOST_EXPONENT + 1][2], smaller[2][MOST_EXPONENT + 1][2], first[2], second[2][2];
    int mantissa;
} prices;

static inline void begin_prices(prices *p) { memset(p, 0xff, sizeof *p); }

static inline float price_bit(model *m, int bin, const uint8_t *context, int set, float *bits, int bit)
{
    if (!(bits[0] >= 0)) {
        decision d;
        predict(m, &d, bin, context, set);
        bits[1] = BITS[d.mixed >> 4];
        bits[0] = BITS[(65536 - d.mixed) >> 4];
    }
    return bits[bit];
}

static double price(model *m, const scan *s, prices *p, int32_t index)
{
    if (!index) return price_bit(m, zero_bin(s), s->size, s->set, p->zero, 0);
    const uint32_t size = (uint32_t)(index < 0 ? -index : index);
    const int exponent = length_of(size) - 1, n = index < 0;
    const uint8_t *const context = s->larger[n];
    double bits = price_bit(m, zero_bin(s), s->size, s->set, p->zero, 1)
        + price_bit(m, SIGN, s->sign, s->set, p->sign, n);
    for (int e = s->expected; e < MOST_EXPONENT; e++) {
        bits += price_bit(m, larger_bin(s, e), context, s->set, p->larger[n][e], exponent > e);
        if (exponent <= e) break;
    }
    for (int e = s->expected; e > 0 && exponent <= s->expected; e--) {
        bits += price_bit(m, smaller_bin(s, e), context, s->set, p->smaller[n][e], exponent < e);
        if (exponent >= e) break;
    }
    if (exponent > 0) {
        if (p->mantissa != 2 * exponent + n) {
            memset(p->first, 0xff, sizeof p->first), memset(p->second, 0xff, sizeof p->second);
            p->mantissa = 2 * exponent + n;
        }
        const int first = (int)(size >> (exponent - 1) & 1);
        bits += price_bit(m, FIRST + mantissa_bin(exponent), context, s->set, p->first, first);
        if (exponent > 1)
            bits += price_bit(m, SECOND + 2 * mantissa_bin(exponent) + first, context, s->set, p->second[first],
                              size >> (exponent - 2) & 1) + exponent - 2;
    }
    return bits;
}

/* What a row should be. All arrays have an element for each of its columns. */
typedef struct {
    const double *wanted, *steps;
    const double *couplings; /* columns x columns: what an error at i < j adds to what is wanted at j */
    const double *weights;   /* of squared errors, in steps */
    double rate;             /* of a bit */
    double slack;            /* by which a path that is followed may cost more than the cheapest */
} goal;

/* A path that survives: the cheapest into its state. */
typedef struct {
    scan place;
    double cost;     /* INFINITY where there is none */
    int32_t *row;    /* right as far to the left as contexts look */
    double *errors;  /* wanted minus chosen, right from the first column that is not decided */
} path;

typedef struct { double cost; int32_t entry, from; } arrival;

/* Prices are the same where all contexts are. */
typedef struct {
    uint8_t size[INPUTS], sign[INPUTS];
    int set, expected, odd;
    prices found;
} known_prices;

typedef struct {
    path paths[2][STATES]; /* those of one column, and of the next */
    arrival *arrivals;     /* columns x STATES */
    int32_t *rows;
    double *errors;        /* first those of the decided entries */
    known_prices known[STATES];
    int count;             /* of them, at this column */
} paths;

static int reserve_paths(paths *p, int64_t columns)
{
    p->arrivals = malloc((size_t)columns * STATES * sizeof *p->arrivals);
    p->rows = malloc((size_t)columns * 2 * STATES * sizeof *p->rows);
    p->errors = malloc((size_t)columns * (2 * STATES + 1) * sizeof *p->errors);
    if (!p->arrivals || !p->rows || !p->errors) return 0;
    for (int k = 0; k < 2 * STATES; k++) {
        p->paths[k / STATES][k % STATES].row = p->rows + k * columns;
        p->paths[k / STATES][k % STATES].errors = p->errors + (k + 1) * columns;
    }
    return 1;
}

static void free_paths(paths *p) { free(p->arrivals), free(p->rows), free(p->errors); }

static inline double dot(const double *a, const double *b, int64_t n)
{
    double sums[8] = {0, 0, 0, 0, 0, 0, 0, 0}, sum = 0;
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++) sums[k] += a[i + k] * b[i + k];
    for (; i < n; i++) sum += a[i] * b[i];
    return sum + (((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7])));
}

static inline prices *prices_at(paths *p, const scan *s)
{
    const int odd = s->state & 1;
    for (int k = 0; k < p->count; k++) {
        known_prices *const known = &p->known[k];
        if (!memcmp(known->size, s->size, sizeof s->size) && !memcmp(known->sign, s->sign, sizeof s->sign)
            && known->set == s->set && known->expected == s->expected && known->odd == odd)
            return &known->found;
    }
    known_prices *const known = &p->known[p->count++];
    memcpy(known->size, s->size, sizeof s->size), memcpy(known->sign, s->sign, sizeof s->sign);
    known->set = s->set, known->expected = s->expected, known->odd = odd;
    begin_prices(&known->found);
    return &known->found;
}

static inline void offer(model *m, const path *from, prices *known, int32_t entry, double target, double weight,
                         double rate, arrival *arrivals)
{
    if (entry > LARGEST || entry < -LARGEST) return;
    const scan *const s = &from->place;
    const int32_t index = index_of(s, entry);
    arrival *const at = &arrivals[next_state(s->state, index)];
    const double cost = from->cost + weight * (entry - target) * (entry - target);
    if (cost >= at->cost) return;
    const double whole = cost + rate * price(m, s, known, index);
    if (whole < at->cost) *at = (arrival){whole, entry, s->state};
}

/* Offer the entries that may be worth it: those around the target, the next one towards 0, and 0. */
static inline void go_on(model *m, paths *all, path *p, const scan *above, const goal *g, int64_t j, double target,
                         arrival *arrivals)
{
    memcpy(p->place.around + UP, above->around + UP, sizeof above->around - UP * sizeof *above->around);
    p->place.across = above->across, p->place.in_column = above->in_column, p->place.sign[3] = above->sign[3];
    look_back(&p->place, j);
    prices *const known = prices_at(all, &p->place);
    target = fmax(fmin(target, LARGEST), -LARGEST);
    if (g->weights[j] > 0) {
        const int odd = p->place.state & 1;
        const int32_t low = 2 * (int32_t)floor((target - odd) / 2) + odd;
        offer(m, p, known, low, target, g->weights[j], g->rate, arrivals);
        offer(m, p, known, low + 2, target, g->weights[j], g->rate, arrivals);
        offer(m, p, known, target > 0 ? low - 2 : low + 4, target, g->weights[j], g->rate, arrivals);
    }
    offer(m, p, known, 0, target, g->weights[j], g->rate, arrivals);
}

/* The path that goes on from another by an arrival at column j. */
static inline void arrive(path *p, const path *from, const arrival *at, const goal *g, int64_t decided, int64_t j)
{
    const int64_t seen = from->place.image ? 2 * from->place.image + 1 : 2, first = j > seen ? j - seen : 0;
    p->place = from->place, p->place.row = p->row, p->cost = at->cost;
    memcpy(p->row + first, from->row + first, (size_t)(j - first) * sizeof *p->row);
    memcpy(p->errors + decided, from->errors + decided, (size_t)(j - decided) * sizeof *p->errors);
    p->row[j] = at->entry;
    p->errors[j] = g->wanted[j] - at->entry * g->steps[j];
    pass_in_row(&p->place, j, at->entry);
}

static inline int32_t state_before(const arrival *arrivals, int64_t first, int64_t end, int32_t state)
{
    for (int64_t j = end - 1; j >= first; j--) state = arrivals[j * STATES + state].from;
    return state;
}

static inline int cheapest(const path *now)
{
    int best = 0;
    for (int k = 1; k < STATES; k++)
        if (now[k].cost < now[best].cost) best = k;
    return best;
}

/* Decide the entries before column `until` as the cheapest of the paths to column `end` has them, and end others. */
static void decide(paths *p, path *now, int32_t *q, const goal *g, int64_t decided, int64_t until, int64_t end)
{
    int32_t state = state_before(p->arrivals, until, end, cheapest(now));
    for (int k = 0; k < STATES; k++)
        if (now[k].cost < INFINITY && state_before(p->arrivals, until, end, k) != state) now[k].cost = INFINITY;
    for (int64_t j = until - 1; j >= decided; j--) {
        const arrival *const at = &p->arrivals[j * STATES + state];
        q[j] = at->entry, p->errors[j] = g->wanted[j] - at->entry * g->steps[j], state = at->from;
    }
}

/* Choose row q at the place of `s`, of least cost as far as is seen; the model learns it. */
static void search_row(model *m, scan *s, paths *p, int32_t *q, const goal *g)
{
    path *now = p->paths[0], *next = p->paths[1];
    int64_t decided = 0;
    for (int k = 0; k < STATES; k++) now[k].cost = INFINITY;
    now[0].cost = 0, now[0].place = *s, now[0].place.row = now[0].row;
    for (int64_t j = 0; j < s->columns; j++) {
        const double *const couplings = g->couplings + j * s->columns;
        const double wanted = g->wanted[j] + dot(p->errors, couplings, decided);
        arrival *const arrivals = p->arrivals + j * STATES;
        scan above = *s;
        look_up(&above, j), p->count = 0;
        const double most = now[cheapest(now)].cost + g->slack;
        for (int k = 0; k < STATES; k++) arrivals[k] = (arrival){INFINITY, 0, 0};
        for (int k = 0; k < STATES; k++)
            if (now[k].cost < INFINITY && now[k].cost <= most) {
                const double pull = dot(now[k].errors + decided, couplings + decided, j - decided);
                go_on(m, p, &now[k], &above, g, j, (wanted + pull) / g->steps[j], arrivals);
            }
        for (int k = 0; k < STATES; k++) {
            next[k].cost = INFINITY;
            if (arrivals[k].cost < INFINITY) arrive(&next[k], &now[arrivals[k].from], &arrivals[k], g, decided, j);
        }
        path *const before = now;
        now = next, next = before;

        const int64_t end = j + 1, until = end == s->columns ? end : end - LAG;
        if (until < end && until - decided < BLOCK) continue;
        decide(p, now, q, g, decided, until, end);
        for (; decided < until; decided++) {
            look(s, decided);
            code_integer(m, 0, s, ADAPT, q[decided]);
            pass(s, decided, q[decided]);
        }
    }
    end_row(s);
}

#endif
