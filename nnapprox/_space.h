/* Counts the activation regions of a network on a convex polytope; regions/space.py sets it up.
 *
 * Hyperplanes are affine forms: first the sides of the domain, then the neurons, layer by layer, on the cell that is
 * being split. A polytope is its vertices: coordinates with a bound on their error, the hyperplanes that each lies on,
 * and the signs there of the neurons that are to split it. A sign is decided once a vertex: in doubles if their bounds
 * allow, else in integers, from the hyperplanes that meet in the vertex.
 *
 * The cells that the last layer makes are counted without being made: m neurons that cross a polytope make
 * 1 + sum over them of the regions that those after it make on its section. Where cells are asked for, they are made.
 *
 * The domain lies in the cube [-1, 1]^d. Bounds count twice the unit roundoff for every operation, so that they may be
 * computed in floating point themselves; comparisons are written such that what is not a number decides nothing.
 */
#ifndef NNAPPROX_SPACE_H
#define NNAPPROX_SPACE_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "_integer.h"
#include "_residues.h"

/* The loops that take most of the time are compiled for several instruction sets; contraction is off, so they agree. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__linux__) && \
    !defined(__SANITIZE_ADDRESS__)
#define FOR_EVERY_ISA __attribute__((target_clones("avx512f", "avx2", "default")))
#define INLINE static inline __attribute__((always_inline))
#else
#define FOR_EVERY_ISA
#define INLINE static inline
#endif

#define LANES 8
#define MOST_FLIPS 64
#define MOST_NUMBERS 9
#define LARGEST 1e150
/* Vertices with a larger error are computed anew from their hyperplanes. */
#define TOO_ROUGH 1e-5
#define CACHED 256

enum { DONE, PAUSED, NEEDS_ROOM };

/* A hidden layer, and the neurons of it that cross the cell that it is splitting: those are numbered anew, in order. */
typedef struct {
    int64_t inputs, neurons, padded;
    int64_t first, bit;    /* the place of its first neuron among the forms, and among the hyperplanes */
    const double *weights; /* `inputs` rows */
    const double *bias, *bias_error;
    double rounding;
    const int64_t *row;
    const int32_t *column;
    const limb *entries;
    int64_t entry_words;
    limb *exact;
    int64_t exact_words;
    const uint64_t *residue_weights, *residue_bias;
    uint64_t *residues;
    uint64_t *inputs_on; /* the states of its inputs that its forms hold for */
    double *summed, *passed;
    int64_t flips, version, source;
    int64_t crossing, words;
    double *table; /* forms, errors and reaches of the crossing neurons */
    int64_t *neuron;
    uint64_t *base_on, *on; /* the others' states; all states of the cell that entered the next layer */
} layer;

typedef struct {
    /* given */
    int64_t numbers, hidden, sides, padded_sides, corners;
    int64_t unit; /* the place of the number in a form that constants are added to */
    layer *layers;
    const double *given;
    const limb *side_exact;
    int64_t side_words, slope_words;
    double slope;
    const limb *numerator, *denominator;
    const double *corner;            /* coordinates and error */
    const uint64_t *corner_facets;   /* of as many words as the masks have */
    int64_t with_cells;              /* whether cells are made; else they are counted */
    uint64_t slope_residue;
    const uint64_t *output_weights;
    uint64_t output_bias;
    uint64_t *fingerprints;          /* room for found ones */
    int64_t room, found;
    const uint64_t *wanted;          /* sorted; if there are any, only cells with these are listed */
    int64_t wanted_count;
    uint64_t *patterns;
    int64_t pattern_words;
    int64_t *offsets;
    int32_t *labels;
    int64_t label_room;

    /* furnished */
    int64_t lines, planes, mask_words, most_words;
    double *forms, *error, *reach;
    int64_t *computed, *line_of;
    int64_t *flipped;
    double *term;
    const uint64_t **residue_row;
    uint64_t *residue_factor, *delta;
    uint64_t base;
    limb *scaled, *product, *sum, *minors, *cache;
    int64_t *cached;
    int64_t slot_words;

    int64_t *arena;
    int64_t arena_words, top; /* top: where the current frame begins, or -1 */
    int64_t regions, predicates, exact_decisions, work, next_id;
} space;

INLINE int64_t words_for(int64_t bits) { return bits > 0 ? (bits + 63) / 64 : 1; }
INLINE int has(const uint64_t *mask, int64_t k) { return mask[k / 64] >> (k % 64) & 1; }
INLINE void put(uint64_t *mask, int64_t k) { mask[k / 64] |= (uint64_t)1 << (k % 64); }
INLINE void drop(uint64_t *mask, int64_t k) { mask[k / 64] &= ~((uint64_t)1 << (k % 64)); }

INLINE double larger(double a, double b) { return a > b ? a : b; }

INLINE int lowest(uint64_t word)
{
    int place = 0;
#if defined(__GNUC__)
    place = __builtin_ctzll(word);
#else
    while (!(word >> place & 1)) place++;
#endif
    return place;
}

INLINE int ones(uint64_t word)
{
#if defined(__GNUC__)
    return __builtin_popcountll(word);
#else
    int count = 0;
    for (; word; word &= word - 1) count++;
    return count;
#endif
}

INLINE int64_t first_of(const uint64_t *mask, int64_t words)
{
    for (int64_t w = 0; w < words; w++)
        if (mask[w]) return 64 * w + lowest(mask[w]);
    return -1;
}

/* ---- Forms in doubles ---- */

FOR_EVERY_ISA static void set_bounds(space *s, layer *now)
{
    const double next = now + 1 < s->layers + s->hidden ? now[1].rounding : 0;
    for (int64_t k = 0; k < now->padded; k++) {
        double reach = 0;
        for (int64_t i = 0; i + 1 < s->numbers; i++) reach += fabs(s->forms[i * s->lines + now->first + k]);
        const double size = reach + fabs(s->forms[(s->numbers - 1) * s->lines + now->first + k]);
        const double error = size < LARGEST ? 1.001 * now->summed[k] + 16 * DBL_EPSILON * size : HUGE_VAL;
        s->reach[now->first + k] = 1.001 * reach;
        s->error[now->first + k] = error;
        now->passed[k] = (1 + fabs(s->slope)) * (error + next * size);
    }
}

/* Compute the forms of a layer, and its residues, for these states of its inputs. */
FOR_EVERY_ISA static void set_forms(space *s, layer *now, const uint64_t *states)
{
    layer *const below = now - 1;
    const int64_t words = words_for(now->inputs), numbers = s->numbers;
    int64_t count = 0;
    int changes = now->source == below->version;
    for (int64_t w = 0; changes && w < words; w++) {
        for (uint64_t left = states[w] ^ now->inputs_on[w]; left; left &= left - 1) {
            if (now->flips + count >= MOST_FLIPS) {
                changes = 0;
                break;
            }
            s->flipped[count++] = 64 * w + lowest(left);
        }
    }
    const uint64_t steep = s->with_cells ? minus(1, s->slope_residue) : 0;
    if (changes) {
        if (!count) return;
        now->flips += count;
        for (int64_t n = 0; n < count; n++) s->term[n] = has(states, s->flipped[n]) ? 1 - s->slope : s->slope - 1;
    } else {
        count = 0;
        for (int64_t j = 0; j < now->inputs; j++) {
            const double factor = has(states, j) ? 1 : s->slope;
            if (factor == 0) continue;
            s->flipped[count] = j;
            s->term[count++] = factor;
        }
        for (int64_t i = 0; i < numbers; i++)
            memset(s->forms + i * s->lines + now->first, 0, (size_t)now->padded * sizeof(double));
        memcpy(s->forms + s->unit * s->lines + now->first, now->bias, (size_t)now->padded * sizeof(double));
        memcpy(now->summed, now->bias_error, (size_t)now->padded * sizeof(double));
        now->flips = 0;
        now->source = below->version;
    }
    for (int64_t n = 0; n < count; n++) {
        const int64_t j = s->flipped[n];
        const double *const w = now->weights + now->padded * j;
        for (int64_t i = 0; i < numbers; i++) {
            const double number = s->term[n] * s->forms[i * s->lines + below->first + j];
            double *const form = s->forms + i * s->lines + now->first;
            for (int64_t k = 0; k < now->padded; k++) form[k] += w[k] * number;
        }
        const double passed = below->passed[j];
        for (int64_t k = 0; k < now->padded; k++) now->summed[k] += fabs(w[k]) * passed;
    }
    if (s->with_cells) {
        if (!changes) {
            memcpy(now->residues, now->residue_bias, (size_t)now->neurons * sizeof(uint64_t));
            count = 0;
            for (int64_t j = 0; j < now->inputs; j++) s->flipped[count++] = j;
        }
        for (int64_t n = 0; n < count; n++) {
            const int64_t j = s->flipped[n];
            const int on = has(states, j);
            uint64_t factor = changes ? steep : on ? 1 : s->slope_residue;
            if (changes && !on) factor = minus(0, factor);
            s->residue_row[n] = now->residue_weights + j * now->neurons;
            s->residue_factor[n] = times(factor, below->residues[j]);
        }
        add_products(now->residues, now->neurons, s->residue_row, s->residue_factor, count);
    }
    set_bounds(s, now);
    memcpy(now->inputs_on, states, (size_t)words * sizeof *states);
    now->version++;
    s->work += now->padded * (count + 4);
}

/* ---- Forms and vertices in integers ---- */

static const limb *exact_neuron(space *s, layer *now, int64_t k)
{
    const int64_t words = now->exact_words, numbers = s->numbers;
    limb *const form = now->exact + numbers * words * k;
    if (s->computed[now->first + k] == now->version) return form;
    for (int64_t i = 0; i < numbers; i++) form[i * words] = 0;
    for (int64_t n = now->row[k]; n < now->row[k + 1]; n++) {
        const limb *entry = now->entries + n * now->entry_words;
        const int64_t j = now->column[n];
        if (j == now->inputs) {
            add(form + s->unit * words, form + s->unit * words, entry, 0);
            continue;
        }
        const limb *const factor = has(now->inputs_on, j) ? s->denominator : s->numerator;
        if (!length_of(factor)) continue;
        const limb *const input = exact_neuron(s, now - 1, j);
        if (length_of(factor) != 1 || factor[1] != 1) {
            multiply(s->scaled, entry, factor);
            entry = s->scaled;
        }
        for (int64_t i = 0; i < numbers; i++) {
            multiply(s->product, entry, input + i * now[-1].exact_words);
            add(form + i * words, form + i * words, s->product, 0);
        }
        s->work += 20;
    }
    s->computed[now->first + k] = now->version;
    return form;
}

static const limb *exact_plane(space *s, int64_t plane, int64_t *words)
{
    if (plane < s->sides) {
        *words = s->side_words;
        return s->side_exact + s->numbers * s->side_words * plane;
    }
    int64_t depth = s->hidden - 1;
    while (plane < s->layers[depth].bit) depth--;
    *words = s->layers[depth].exact_words;
    return exact_neuron(s, s->layers + depth, plane - s->layers[depth].bit);
}

/* ---- Vertices: d coordinates, their error, an identity, the hyperplanes, positive and negative neurons ---- */

INLINE double *coordinates(int64_t *v) { return (double *)v; }
INLINE uint64_t *facets_of(const space *s, int64_t *v) { return (uint64_t *)v + s->numbers + 1; }
INLINE uint64_t *positive_of(const space *s, int64_t *v) { return facets_of(s, v) + s->mask_words; }
INLINE double error_of(const space *s, const int64_t *v) { return ((const double *)v)[s->numbers - 1]; }
INLINE int64_t stride_of(const space *s, int64_t words) { return s->numbers + 1 + s->mask_words + 2 * words; }

/* The homogeneous coordinates of a vertex, the last being positive: minors of independent hyperplanes through it. */
static const limb *exact_vertex(space *s, int64_t *v)
{
    const int64_t numbers = s->numbers, id = v[numbers], slot = s->slot_words;
    limb *const point = s->cache + (id % CACHED) * numbers * slot;
    if (s->cached[id % CACHED] == id) return point;
    limb *const minors = s->minors;
    int rank = 0;
    minors[0] = 1, minors[1] = 1;
    for (int64_t plane = 0; plane < s->planes && rank < numbers - 1; plane++) {
        if (!has(facets_of(s, v), plane)) continue;
        int64_t words;
        const limb *const form = exact_plane(s, plane, &words);
        int independent = 0;
        for (int set = 1; set < 1 << numbers; set++) {
            if (ones((uint64_t)set) != rank + 1) continue;
            limb *const minor = minors + set * slot;
            minor[0] = 0;
            for (int i = 0; i < numbers; i++) {
                if (!(set >> i & 1)) continue;
                multiply(s->product, form + i * words, minors + (set & ~(1 << i)) * slot);
                add(minor, minor, s->product, ones((uint64_t)(set >> (i + 1))) & 1);
            }
            independent |= length_of(minor) != 0;
        }
        rank += independent;
        s->work += 400;
    }
    const int all = (1 << numbers) - 1;
    const int turn = length_of(minors + (all & ~(1 << (numbers - 1))) * slot) < 0;
    for (int i = 0; i < numbers; i++) {
        limb *const number = point + i * slot;
        memcpy(number, minors + (all & ~(1 << i)) * slot, (size_t)slot * sizeof(limb));
        if (turn ^ ((numbers - 1 - i) & 1)) number[0] = (limb)-length_of(number);
    }
    s->cached[id % CACHED] = id;
    return point;
}

static int exact_sign(space *s, int64_t *v, int64_t plane)
{
    int64_t words;
    const limb *const point = exact_vertex(s, v), *const form = exact_plane(s, plane, &words);
    s->sum[0] = 0;
    for (int64_t i = 0; i < s->numbers; i++) {
        multiply(s->product, form + i * words, point + i * s->slot_words);
        add(s->sum, s->sum, s->product, 0);
    }
    s->exact_decisions++;
    s->work += 100;
    return sign_of(s->sum);
}

/* The size of an integer that is not 0 as a number times 2^(limbs * LIMB_BITS), to within a few roundings. */
static double leading(const limb *number)
{
    const signed_limb count = limbs_of(number);
    double value = 0;
    for (signed_limb i = count, n = 0; i >= 1 && n < 4; i--, n++)
        value += ldexp((double)number[i], -(int)(n + 1) * LIMB_BITS);
    return length_of(number) < 0 ? -value : value;
}

/* Solve for a vertex on d hyperplanes in doubles. With B next to the inverse of A, and r a bound on |1 - B A|, a point x
 * is off by at most |B| |A x + c| / (1 - r) in the largest coordinate. Gives whether that is good enough. */
FOR_EVERY_ISA static int solve(const space *s, int64_t *v)
{
    const int d = (int)s->numbers - 1;
    double a[MOST_NUMBERS][2 * MOST_NUMBERS] = {{0}}, x[MOST_NUMBERS], worst = 0, apart = 0;
    int64_t line[MOST_NUMBERS];
    int rows = 0;
    for (int64_t w = 0; w < s->mask_words; w++) {
        for (uint64_t left = facets_of(s, v)[w]; left; left &= left - 1) {
            if (rows == d) return 0;
            line[rows++] = s->line_of[64 * w + lowest(left)];
        }
    }
    for (int i = 0; i < rows; i++) {
        for (int k = 0; k < d; k++) a[i][k] = s->forms[k * s->lines + line[i]];
        a[i][d + i] = 1;
    }
    for (int column = 0; column < d; column++) {
        int pivot = column;
        for (int i = column + 1; i < d; i++)
            if (fabs(a[i][column]) > fabs(a[pivot][column])) pivot = i;
        if (!(fabs(a[pivot][column]) > 1e-100)) return 0;
        const double inverse = 1 / a[pivot][column];
        for (int k = 0; k < 2 * d; k++) {
            const double number = a[pivot][k] * inverse;
            a[pivot][k] = a[column][k];
            a[column][k] = number;
        }
        for (int i = 0; i < d; i++) {
            const double factor = a[i][column];
            if (i != column)
                for (int k = column; k < 2 * d; k++) a[i][k] -= factor * a[column][k];
        }
    }
    for (int i = 0; i < d; i++) {
        x[i] = 0;
        for (int j = 0; j < d; j++) x[i] -= a[i][d + j] * s->forms[d * s->lines + line[j]];
        if (!(fabs(x[i]) < 1.01)) return 0;
    }
    double off[MOST_NUMBERS];
    for (int j = 0; j < d; j++) {
        double value = s->forms[d * s->lines + line[j]];
        for (int k = 0; k < d; k++) value += s->forms[k * s->lines + line[j]] * x[k];
        off[j] = fabs(value) + s->error[line[j]];
    }
    for (int i = 0; i < d; i++) {
        double difference = 0, bound = 0;
        for (int k = 0; k < d; k++) {
            double product = i == k ? -1 : 0;
            for (int j = 0; j < d; j++) product += a[i][d + j] * s->forms[k * s->lines + line[j]];
            difference += fabs(product);
        }
        for (int j = 0; j < d; j++) {
            difference += 32 * DBL_EPSILON * fabs(a[i][d + j]) * s->reach[line[j]];
            bound += fabs(a[i][d + j]) * off[j];
        }
        worst = larger(worst, difference);
        apart = larger(apart, bound);
        if (!(difference < 0.5) || !(bound < TOO_ROUGH)) return 0;
    }
    const double error = 1.001 * apart / (1 - worst) + 8 * DBL_EPSILON;
    if (!(error < TOO_ROUGH)) return 0;
    for (int i = 0; i < d; i++) coordinates(v)[i] = x[i];
    coordinates(v)[d] = error;
    return 1;
}

/* Round the exact coordinates of a vertex. */
static void refine(space *s, int64_t *v)
{
    const limb *const point = exact_vertex(s, v), *const weight = point + (s->numbers - 1) * s->slot_words;
    for (int64_t i = 0; i + 1 < s->numbers; i++) {
        const limb *const number = point + i * s->slot_words;
        const long shift = (long)(limbs_of(number) - limbs_of(weight)) * LIMB_BITS;
        coordinates(v)[i] = length_of(number) && shift > -1100 ? ldexp(leading(number) / leading(weight), (int)shift) : 0;
    }
    coordinates(v)[s->numbers - 1] = 16 * DBL_EPSILON;
}

/* The sure signs at a vertex of forms that stand in rows. */
INLINE void judge_in(const double *forms, int64_t stride, const double *error, const double *reach, int64_t count,
                  int64_t numbers, const double *x, uint64_t *positive, uint64_t *negative)
{
    const double off = x[numbers - 1];
    memset(positive, 0, (size_t)words_for(count) * 8);
    memset(negative, 0, (size_t)words_for(count) * 8);
    for (int64_t block = 0; block < count; block += LANES) {
        double value[LANES], bound[LANES];
        uint64_t p = 0, n = 0;
        for (int k = 0; k < LANES; k++) value[k] = forms[(numbers - 1) * stride + block + k];
        for (int64_t i = 0; i + 1 < numbers; i++)
            for (int k = 0; k < LANES; k++) value[k] += forms[i * stride + block + k] * x[i];
        for (int k = 0; k < LANES; k++) bound[k] = error[block + k] + reach[block + k] * off;
        for (int k = 0; k < LANES; k++) {
            p |= (uint64_t)(value[k] > bound[k]) << k;
            n |= (uint64_t)(value[k] < -bound[k]) << k;
        }
        positive[block / 64] |= p << block % 64;
        negative[block / 64] |= n << block % 64;
    }
}

INLINE void judge(const double *forms, int64_t stride, const double *error, const double *reach,
                                int64_t count, int64_t numbers, const double *x, uint64_t *positive, uint64_t *negative)
{
    switch (numbers) {
    case 4: judge_in(forms, stride, error, reach, count, 4, x, positive, negative); break;
    case 5: judge_in(forms, stride, error, reach, count, 5, x, positive, negative); break;
    default: judge_in(forms, stride, error, reach, count, numbers, x, positive, negative);
    }
}

/* ---- Frames: polytopes on a stack, the current one on top ---- */

enum { BELOW, VERTICES, DEPTH, SECTION, HEAD };

INLINE uint64_t *on_of(int64_t *frame) { return (uint64_t *)frame + HEAD; }
INLINE uint64_t *crossing_of(int64_t *frame, int64_t words) { return (uint64_t *)frame + HEAD + words; }
INLINE int64_t *vertex_of(const space *s, int64_t *frame, int64_t words, int64_t i)
{
    return frame + HEAD + 2 * words + i * stride_of(s, words);
}
INLINE int64_t frame_words(const space *s, int64_t words, int64_t vertices)
{
    return HEAD + 2 * words + vertices * stride_of(s, words);
}

/* Decide the signs of these neurons at a new vertex. */
INLINE void decide(space *s, layer *now, int64_t *v, const uint64_t *wanted)
{
    const int64_t words = now->words, n = now->padded;
    uint64_t *const positive = positive_of(s, v), *const negative = positive + words;
    judge(now->table, n, now->table + s->numbers * n, now->table + (s->numbers + 1) * n, now->crossing, s->numbers,
          coordinates(v), positive, negative);
    for (int64_t w = 0; w < words; w++) {
        positive[w] &= wanted[w];
        negative[w] &= wanted[w];
        s->predicates += ones(wanted[w]);
        for (uint64_t left = wanted[w] & ~(positive[w] | negative[w]); left; left &= left - 1) {
            const int64_t c = 64 * w + lowest(left);
            const int sign = exact_sign(s, v, now->bit + now->neuron[c]);
            if (sign > 0) put(positive, c);
            if (sign < 0) put(negative, c);
        }
    }
}

/* Put the vertex where the edge from u to v meets crossing neuron c, which is positive at u. */
FOR_EVERY_ISA static void meet(space *s, layer *now, int64_t *met, int64_t *u, int64_t *v, int64_t c, const uint64_t *wanted)
{
    const int64_t n = now->padded, numbers = s->numbers;
    const double *const x = coordinates(u), *const y = coordinates(v);
    double p = now->table[(numbers - 1) * n + c], q = p, length = 0;
    for (int64_t i = 0; i + 1 < numbers; i++) {
        p += now->table[i * n + c] * x[i];
        q += now->table[i * n + c] * y[i];
        length = larger(length, fabs(x[i] - y[i]));
    }
    /* The line of the edge is off by `e` where it is met; what that and the error of the form do, the slope along the
     * edge turns into a shift on it. */
    const double span = p - q, t = p / span, reach = now->table[(numbers + 1) * n + c], given = now->table[numbers * n + c];
    const double e_u = error_of(s, u), e_v = error_of(s, v), most = larger(e_u, e_v);
    const double e = 1.001 * (e_u + t * (e_v - e_u)) + 8 * DBL_EPSILON;
    const double least = span - 2.002 * (given + reach * most);
    double error = HUGE_VAL;
    if (p >= 0 && q <= 0 && 2 * least > span)
        error = 1.001 * (e + (length + 2 * most) * (given + reach * e + 8 * DBL_EPSILON * span) / least);
    for (int64_t i = 0; i + 1 < numbers; i++) coordinates(met)[i] = x[i] + t * (y[i] - x[i]);
    coordinates(met)[numbers - 1] = error;
    met[numbers] = s->next_id++;
    for (int64_t w = 0; w < s->mask_words; w++) facets_of(s, met)[w] = facets_of(s, u)[w] & facets_of(s, v)[w];
    put(facets_of(s, met), now->bit + now->neuron[c]);
    if (!(error < TOO_ROUGH) && !solve(s, met)) refine(s, met);
    decide(s, now, met, wanted);
}

/* Whether the hyperplanes that two vertices share meet in no third one. */
INLINE int share_face_alone(const space *s, int64_t *frame, int64_t words, int64_t *u, int64_t *v)
{
    const uint64_t *const f = facets_of(s, u), *const g = facets_of(s, v);
    for (int64_t i = 0; i < frame[VERTICES]; i++) {
        int64_t *const third = vertex_of(s, frame, words, i);
        if (third == u || third == v) continue;
        int on_all = 1;
        for (int64_t w = 0; w < s->mask_words && on_all; w++) on_all = !(f[w] & g[w] & ~facets_of(s, third)[w]);
        if (on_all) return 0;
    }
    return 1;
}

/* List the edges that crossing neuron c cuts after the current frame, as places of their positive and negative ends;
 * gives their number, or -1 if there is no room. Two vertices are joined by an edge if they share d - 1 hyperplanes and,
 * unless one of them lies on d only, no third vertex lies on all of those. */
INLINE int64_t list_edges(space *s, int64_t *frame, layer *now, int64_t c, const int64_t masks)
{
    const int64_t count = frame[VERTICES], words = now->words, end = s->top + frame_words(s, words, count);
    const int64_t stride = stride_of(s, words), d = s->numbers - 1;
    int64_t *const vertices = vertex_of(s, frame, words, 0);
    int64_t edges = 0, below = 0;
    if (end + 2 * count > s->arena_words) return -1;
    /* the negative ends, where the last edges could be */
    int64_t *const negative = s->arena + s->arena_words - count;
    for (int64_t j = 0; j < count; j++)
        if (has(positive_of(s, vertices + j * stride) + words, c)) negative[below++] = j;
    for (int64_t i = 0; i < count; i++) {
        int64_t *const u = vertices + i * stride;
        if (!has(positive_of(s, u), c)) continue;
        const uint64_t *const f = facets_of(s, u);
        int through_u = 0;
        for (int64_t w = 0; w < masks; w++) through_u += ones(f[w]);
        if (end + edges + below > s->arena_words - count) return -1;
        for (int64_t n = 0; n < below; n++) {
            int64_t *const v = vertices + negative[n] * stride;
            const uint64_t *const g = facets_of(s, v);
            int common = 0;
            for (int64_t w = 0; w < masks; w++) common += ones(f[w] & g[w]);
            if (common < d - 1) continue;
            if (through_u > d) {
                int through_v = 0;
                for (int64_t w = 0; w < masks; w++) through_v += ones(g[w]);
                if (through_v > d && !share_face_alone(s, frame, words, u, v)) continue;
            }
            s->arena[end + edges++] = i << 32 | negative[n];
        }
        s->work += below * masks;
    }
    return edges;
}

FOR_EVERY_ISA static int64_t find_edges(space *s, int64_t *frame, layer *now, int64_t c)
{
    switch (s->mask_words) {
    case 1: return list_edges(s, frame, now, c, 1);
    case 2: return list_edges(s, frame, now, c, 2);
    case 3: return list_edges(s, frame, now, c, 3);
    default: return list_edges(s, frame, now, c, s->mask_words);
    }
}

/* Complete a frame: which of the wanted neurons cross it. */
INLINE void set_crossing(space *s, int64_t *frame, int64_t words, const uint64_t *wanted, int with_states)
{
    uint64_t *const crossing = crossing_of(frame, words), *const on = on_of(frame);
    for (int64_t w = 0; w < words; w++) {
        uint64_t positive = 0, negative = 0;
        for (int64_t i = 0; i < frame[VERTICES]; i++) {
            const uint64_t *const signs = positive_of(s, vertex_of(s, frame, words, i));
            positive |= signs[w];
            negative |= signs[words + w];
        }
        crossing[w] = wanted[w] & positive & negative;
        if (with_states) on[w] |= wanted[w] & positive & ~negative;
    }
}

/* Cut the current polytope by its first crossing neuron into the parts where it is off and on. */
FOR_EVERY_ISA static int split(space *s, int64_t *frame)
{
    layer *const now = s->layers + frame[DEPTH];
    const int64_t words = now->words, stride = stride_of(s, words), count = frame[VERTICES];
    uint64_t *const rest = crossing_of(frame, words);
    const int64_t c = first_of(rest, words), edges = find_edges(s, frame, now, c);
    const int64_t end = s->top + frame_words(s, words, count) + edges;
    if (edges < 0 || end + 2 * frame_words(s, words, count + edges) > s->arena_words) return 0;
    const int64_t *const edge = s->arena + end - edges;
    int64_t *const off = s->arena + end, *on;
    drop(rest, c);
    off[BELOW] = frame[BELOW], off[DEPTH] = frame[DEPTH], off[SECTION] = 0, off[VERTICES] = 0;
    memcpy(on_of(off), on_of(frame), (size_t)words * 8);
    for (int64_t e = 0; e < edges; e++)
        meet(s, now, vertex_of(s, off, words, off[VERTICES]++), vertex_of(s, frame, words, edge[e] >> 32),
             vertex_of(s, frame, words, edge[e] & 0xffffffff), c, rest);
    for (int64_t i = 0; i < count; i++) {
        int64_t *const v = vertex_of(s, frame, words, i);
        if (!has(positive_of(s, v), c)) memcpy(vertex_of(s, off, words, off[VERTICES]++), v, (size_t)stride * 8);
    }
    on = s->arena + end + frame_words(s, words, off[VERTICES]);
    memcpy(on, off, (size_t)frame_words(s, words, edges) * 8);
    on[VERTICES] = edges;
    put(on_of(on), c);
    for (int64_t i = 0; i < count; i++) {
        int64_t *const v = vertex_of(s, frame, words, i);
        if (!has(positive_of(s, v) + words, c)) memcpy(vertex_of(s, on, words, on[VERTICES]++), v, (size_t)stride * 8);
    }
    int64_t *const parts[] = {off, on};
    const int64_t plane = now->bit + now->neuron[c];
    for (int side = 0; side < 2; side++) {
        int64_t *const part = parts[side];
        /* A facet with a vertex strictly on this side keeps its dimension; any other one is none any more. */
        for (int64_t w = 0; w < s->mask_words; w++) {
            uint64_t facets = w == plane / 64 ? (uint64_t)1 << plane % 64 : 0;
            for (int64_t i = edges; i < part[VERTICES]; i++) {
                int64_t *const v = vertex_of(s, part, words, i);
                if (has(positive_of(s, v) + (side ? 0 : words), c)) facets |= facets_of(s, v)[w];
            }
            for (int64_t i = edges; i < part[VERTICES]; i++) {
                int64_t *const v = vertex_of(s, part, words, i);
                if (has(positive_of(s, v), c) || has(positive_of(s, v) + words, c)) continue;
                if (w == plane / 64) facets_of(s, v)[w] |= (uint64_t)1 << plane % 64;
                facets_of(s, v)[w] &= facets;
            }
        }
        set_crossing(s, part, words, rest, 1);
    }
    const int64_t off_words = frame_words(s, words, off[VERTICES]), on_words = frame_words(s, words, on[VERTICES]);
    memmove(frame, off, (size_t)(off_words + on_words) * 8);
    frame[off_words + BELOW] = s->top;
    s->top += off_words;
    s->work += 100 + edges * 40 + 4 * count;
    return 1;
}

/* Take the section by the first crossing neuron that is left: it adds the regions that the others make on it. */
FOR_EVERY_ISA static int count_section(space *s, int64_t *frame)
{
    layer *const now = s->layers + frame[DEPTH];
    const int64_t words = now->words, stride = stride_of(s, words), count = frame[VERTICES];
    uint64_t *const rest = crossing_of(frame, words);
    const int64_t c = first_of(rest, words), edges = find_edges(s, frame, now, c);
    const int64_t end = s->top + frame_words(s, words, count) + edges;
    if (edges < 0 || end + frame_words(s, words, count + edges) > s->arena_words) return 0;
    const int64_t *const edge = s->arena + end - edges;
    int64_t *const part = s->arena + end;
    drop(rest, c);
    part[BELOW] = s->top, part[DEPTH] = frame[DEPTH], part[SECTION] = 1, part[VERTICES] = 0;
    for (int64_t e = 0; e < edges; e++)
        meet(s, now, vertex_of(s, part, words, part[VERTICES]++), vertex_of(s, frame, words, edge[e] >> 32),
             vertex_of(s, frame, words, edge[e] & 0xffffffff), c, rest);
    for (int64_t i = 0; i < count; i++) {
        int64_t *const v = vertex_of(s, frame, words, i);
        if (has(positive_of(s, v), c) || has(positive_of(s, v) + words, c)) continue;
        int64_t *const kept = vertex_of(s, part, words, part[VERTICES]++);
        memcpy(kept, v, (size_t)stride * 8);
        put(facets_of(s, kept), now->bit + now->neuron[c]);
    }
    s->work += 40 + edges * 40 + 2 * count;
    /* A neuron that is left and vanishes on all of it has the same section: it will be counted there. */
    int crossed = 0;
    for (int64_t w = 0; w < words; w++) {
        uint64_t some = 0;
        for (int64_t i = 0; i < part[VERTICES]; i++) {
            const uint64_t *const signs = positive_of(s, vertex_of(s, part, words, i));
            some |= signs[w] | signs[words + w];
        }
        if (rest[w] & ~some) return 1;
    }
    set_crossing(s, part, words, rest, 0);
    for (int64_t w = 0; w < words; w++) crossed |= crossing_of(part, words)[w] != 0;
    s->regions++;
    if (crossed) {
        const int64_t taken = frame_words(s, words, part[VERTICES]);
        memmove(part - edges, part, (size_t)taken * 8);
        s->top = end - edges;
    }
    return 1;
}

/* ---- Layers ---- */

/* All states of a layer on the current polytope, which its neurons do not cross. */
static void set_states(layer *now, int64_t *frame)
{
    memcpy(now->on, now->base_on, (size_t)words_for(now->neurons) * 8);
    for (int64_t c = 0; c < now->crossing; c++)
        if (has(on_of(frame), c)) put(now->on, now->neuron[c]);
}

FOR_EVERY_ISA static int enter(space *s, int64_t *frame, int64_t depth, int64_t old_words)
{
    layer *const now = s->layers + depth;
    const int64_t count = frame[VERTICES], all = words_for(now->neurons);
    const int64_t end = s->top + frame_words(s, old_words, count);
    if (end + 2 * all * count + frame_words(s, all, count) > s->arena_words) return 0;
    if (depth) {
        set_states(now - 1, frame);
        set_forms(s, now, now[-1].on);
    }
    uint64_t *const signs = (uint64_t *)s->arena + end;
    for (int64_t i = 0; i < count; i++) {
        uint64_t *const positive = signs + 2 * all * i, *const negative = positive + all;
        int64_t *const v = vertex_of(s, frame, old_words, i);
        judge(s->forms + now->first, s->lines, s->error + now->first, s->reach + now->first, now->neurons, s->numbers,
              coordinates(v), positive, negative);
        for (int64_t w = 0; w < all; w++) {
            const int64_t here = now->neurons - 64 * w;
            const uint64_t valid = here >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << here) - 1;
            positive[w] &= valid, negative[w] &= valid;
            for (uint64_t left = valid & ~(positive[w] | negative[w]); left; left &= left - 1) {
                const int64_t k = 64 * w + lowest(left);
                const int sign = exact_sign(s, v, now->bit + k);
                if (sign > 0) put(positive, k);
                if (sign < 0) put(negative, k);
            }
        }
    }
    s->predicates += now->neurons * count;
    s->work += now->neurons * count;
    now->crossing = 0;
    for (int64_t w = 0; w < all; w++) {
        uint64_t positive = 0, negative = 0;
        for (int64_t i = 0; i < count; i++) positive |= signs[2 * all * i + w], negative |= signs[2 * all * i + all + w];
        now->base_on[w] = positive & ~negative;
        for (uint64_t left = positive & negative; left; left &= left - 1) now->neuron[now->crossing++] = 64 * w + lowest(left);
    }
    now->words = words_for(now->crossing);
    for (int64_t c = 0; c < now->crossing; c++) {
        const int64_t line = now->first + now->neuron[c];
        for (int64_t i = 0; i < s->numbers; i++) now->table[i * now->padded + c] = s->forms[i * s->lines + line];
        now->table[s->numbers * now->padded + c] = s->error[line];
        now->table[(s->numbers + 1) * now->padded + c] = s->reach[line];
    }
    int64_t *const fresh = s->arena + end + 2 * all * count;
    const int64_t words = now->words, fixed = s->numbers + 1 + s->mask_words;
    fresh[BELOW] = frame[BELOW], fresh[VERTICES] = count, fresh[DEPTH] = depth, fresh[SECTION] = 0;
    memset(fresh + HEAD, 0, (size_t)(2 * words) * 8);
    for (int64_t c = 0; c < now->crossing; c++) put(crossing_of(fresh, words), c);
    for (int64_t i = 0; i < count; i++) {
        int64_t *const v = vertex_of(s, fresh, words, i);
        memcpy(v, vertex_of(s, frame, old_words, i), (size_t)fixed * 8);
        memset(v + fixed, 0, (size_t)(2 * words) * 8);
        for (int64_t c = 0; c < now->crossing; c++) {
            if (has(signs + 2 * all * i, now->neuron[c])) put(positive_of(s, v), c);
            if (has(signs + 2 * all * i + all, now->neuron[c])) put(positive_of(s, v) + words, c);
        }
    }
    memmove(frame, fresh, (size_t)frame_words(s, words, count) * 8);
    if (depth == s->hidden - 1 && !s->with_cells) frame[SECTION] = 1, s->regions++;
    if (depth == s->hidden - 1 && s->with_cells) {
        s->base = s->output_bias;
        int64_t next = 0;
        for (int64_t k = 0; k < now->neurons; k++) {
            const uint64_t part = times(s->output_weights[k], now->residues[k]);
            const uint64_t flat = times(part, s->slope_residue);
            s->base = plus(s->base, has(now->base_on, k) ? part : flat);
            if (next < now->crossing && now->neuron[next] == k) s->delta[next++] = minus(part, flat);
        }
    }
    return 1;
}

/* ---- Cells ---- */

static int is_wanted(const space *s, uint64_t fingerprint)
{
    int64_t low = 0, high = s->wanted_count;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (s->wanted[middle] < fingerprint) low = middle + 1;
        else high = middle;
    }
    return low < s->wanted_count && s->wanted[low] == fingerprint;
}

static void list_cell(space *s, int64_t *frame)
{
    layer *const last = s->layers + s->hidden - 1;
    uint64_t *const pattern = s->patterns + s->found * s->pattern_words;
    int64_t end = s->offsets[s->found];
    memset(pattern, 0, (size_t)s->pattern_words * 8);
    set_states(last, frame);
    for (const layer *l = s->layers; l <= last; l++)
        for (int64_t k = 0; k < l->neurons; k++)
            if (has(l->on, k)) put(pattern, l->bit - s->sides + k);
    for (int64_t w = 0; w < s->mask_words; w++) {
        uint64_t facets = 0;
        for (int64_t i = 0; i < frame[VERTICES]; i++) facets |= facets_of(s, vertex_of(s, frame, last->words, i))[w];
        for (; facets; facets &= facets - 1) {
            const int64_t plane = 64 * w + lowest(facets);
            s->labels[end++] = (int32_t)(plane < s->sides ? -1 - plane : plane - s->sides);
        }
    }
    s->offsets[++s->found] = end;
}

/* Give the current cell; gives 0 if there is no room for it. */
static int give(space *s, int64_t *frame)
{
    if (s->found >= s->room) return 0;
    uint64_t fingerprint = s->base;
    for (int64_t c = 0; c < s->layers[s->hidden - 1].crossing; c++)
        if (has(on_of(frame), c)) fingerprint = plus(fingerprint, s->delta[c]);
    if (!s->wanted_count) {
        s->fingerprints[s->found++] = fingerprint;
    } else if (is_wanted(s, fingerprint)) {
        if (s->offsets[s->found] + s->planes > s->label_room) return 0;
        list_cell(s, frame);
    }
    s->regions++;
    s->work += 30;
    return 1;
}

/* ---- The whole ---- */

static void *claim(char *memory, size_t *claimed, int64_t count, size_t size)
{
    void *const place = memory ? memory + *claimed : NULL;
    *claimed += ((size_t)count * size + 63) / 64 * 64;
    return place;
}

/* Point everything at its place in memory; gives the bytes that takes, also if memory is NULL. */
static size_t furnish(space *s, char *memory)
{
    size_t claimed = 0;
#define CLAIM(pointer, count) ((pointer) = claim(memory, &claimed, (count), sizeof *(pointer)))
    int64_t widest = s->padded_sides;
    const int64_t numbers = s->numbers;
    s->lines = s->padded_sides, s->planes = s->sides, s->most_words = s->side_words;
    for (layer *now = s->layers; now < s->layers + s->hidden; now++) {
        now->first = s->lines, now->bit = s->planes;
        s->lines += now->padded, s->planes += now->neurons;
        widest = now->padded > widest ? now->padded : widest;
        const int64_t products = now->entry_words + s->slope_words;
        s->most_words = now->exact_words > s->most_words ? now->exact_words : s->most_words;
        s->most_words = products > s->most_words ? products : s->most_words;
        CLAIM(now->summed, now->padded);
        CLAIM(now->passed, now->padded);
        CLAIM(now->residues, now->padded);
        CLAIM(now->table, (numbers + 2) * now->padded);
        CLAIM(now->neuron, now->padded);
        CLAIM(now->base_on, words_for(now->neurons));
        CLAIM(now->on, words_for(now->neurons));
        if (now == s->layers) continue;
        CLAIM(now->inputs_on, words_for(now->inputs));
        CLAIM(now->exact, numbers * now->exact_words * now->neurons);
    }
    s->mask_words = words_for(s->planes);
    s->slot_words = numbers * s->most_words + 2;
    CLAIM(s->forms, numbers * s->lines);
    CLAIM(s->error, s->lines);
    CLAIM(s->reach, s->lines);
    CLAIM(s->computed, s->lines);
    CLAIM(s->line_of, s->planes);
    CLAIM(s->flipped, widest);
    CLAIM(s->term, widest);
    CLAIM(s->residue_row, widest);
    CLAIM(s->residue_factor, widest);
    CLAIM(s->delta, widest);
    CLAIM(s->scaled, s->most_words + 2);
    CLAIM(s->product, (numbers + 2) * s->most_words + 4);
    CLAIM(s->sum, (numbers + 2) * s->most_words + 4);
    CLAIM(s->minors, ((int64_t)1 << numbers) * s->slot_words);
    CLAIM(s->cache, CACHED * numbers * s->slot_words);
    CLAIM(s->cached, CACHED);
#undef CLAIM
    return claimed;
}

/* Begin with the whole domain; the arena has room for its corners. */
static void start(space *s)
{
    const int64_t given = s->padded_sides + s->layers->padded, d = s->numbers - 1;
    for (int64_t i = 0; i < s->numbers; i++)
        memcpy(s->forms + i * s->lines, s->given + i * given, (size_t)given * sizeof(double));
    memcpy(s->layers->summed, s->given + s->numbers * given + s->padded_sides, (size_t)s->layers->padded * sizeof(double));
    set_bounds(s, s->layers);
    for (int64_t line = 0; line < s->lines; line++) s->computed[line] = line < given ? 0 : -1;
    for (int64_t plane = 0; plane < s->sides; plane++) s->line_of[plane] = plane;
    for (const layer *now = s->layers; now < s->layers + s->hidden; now++)
        for (int64_t k = 0; k < now->neurons; k++) s->line_of[now->bit + k] = now->first + k;
    for (int i = 0; i < CACHED; i++) s->cached[i] = -1;
    int64_t *const frame = s->arena;
    frame[BELOW] = -1, frame[VERTICES] = s->corners, frame[DEPTH] = -1, frame[SECTION] = 0;
    for (int64_t i = 0; i < s->corners; i++) {
        int64_t *const v = vertex_of(s, frame, 0, i);
        memcpy(v, s->corner + i * s->numbers, (size_t)(d + 1) * 8);
        v[s->numbers] = s->next_id++;
        memcpy(facets_of(s, v), s->corner_facets + i * s->mask_words, (size_t)s->mask_words * 8);
    }
    s->top = 0;
}

/* Go on until about so much work is done; gives whether all regions are counted, or the arena is too small. */
static int run(space *s, int64_t work)
{
    s->work = 0;
    while (s->work < work) {
        if (s->top < 0) return DONE;
        int64_t *const frame = s->arena + s->top;
        const int64_t depth = frame[DEPTH], words = depth < 0 ? 0 : s->layers[depth].words;
        const int crossed = depth >= 0 && first_of(crossing_of(frame, words), words) >= 0;
        if (crossed) {
            if (!(frame[SECTION] ? count_section(s, frame) : split(s, frame))) return NEEDS_ROOM;
        } else if (depth < s->hidden - 1) {
            if (!enter(s, frame, depth + 1, words)) return NEEDS_ROOM;
        } else {
            if (s->with_cells && !give(s, frame)) return PAUSED;
            s->top = frame[BELOW];
        }
    }
    return PAUSED;
}

#endif
