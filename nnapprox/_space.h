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
#include "_targets.h"

#define LANES 8
#define MOST_FLIPS 64
#define MOST_NUMBERS 9 /* of a form: one more than there are dimensions */
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

typedef struct space space;
typedef int run_loop(space *, int64_t);

struct space {
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
    run_loop *run;

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
    double done; /* share of the domain */
};

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

/* ---- Vertices: d coordinates, their error, an identity, the hyperplanes, positive and negative neurons ---- */

INLINE double *coordinates(int64_t *v) { return (double *)v; }
INLINE uint64_t *facets_of(const space *s, int64_t *v) { return (uint64_t *)v + s->numbers + 1; }
INLINE uint64_t *positive_of(const space *s, int64_t *v) { return facets_of(s, v) + s->mask_words; }
INLINE double error_of(const space *s, const int64_t *v) { return ((const double *)v)[s->numbers - 1]; }
INLINE int64_t stride_of(const space *s, int64_t words) { return s->numbers + 1 + s->mask_words + 2 * words; }

/* ---- Frames: polytopes on a stack, the current one on top ---- */

enum { BELOW, VERTICES, DEPTH, SECTION, SHARE, HEAD };

/* The share of the domain that a polytope is taken for when progress is told. */
INLINE double *share_of(int64_t *frame) { return (double *)frame + SHARE; }
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
static int solve(const space *s, int64_t *v)
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

/* ---- Cells ---- */

/* All states of a layer on the current polytope, which its neurons do not cross. */
static void set_states(layer *now, int64_t *frame)
{
    memcpy(now->on, now->base_on, (size_t)words_for(now->neurons) * 8);
    for (int64_t c = 0; c < now->crossing; c++)
        if (has(on_of(frame), c)) put(now->on, now->neuron[c]);
}

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

/* ---- Splitting and counting; contraction is off, so that all instruction sets decide alike ---- */

#define ISA baseline
#include "_space_loops.h"
#undef ISA

#ifdef HAS_TARGETS
BEGIN_TARGET("avx2,popcnt", 256)
#define ISA avx2
#include "_space_loops.h"
#undef ISA
END_TARGET
BEGIN_TARGET("avx512f,avx512vl,avx512dq,popcnt", 256)
#define ISA avx512
#include "_space_loops.h"
#undef ISA
END_TARGET
#endif

static run_loop *loop_for(int isa)
{
#ifdef HAS_TARGETS
    if (isa == AVX2) return run_avx2;
    if (isa == AVX512) return run_avx512;
#endif
    (void)isa;
    return run_baseline;
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
    set_bounds_baseline(s, s->layers);
    for (int64_t line = 0; line < s->lines; line++) s->computed[line] = line < given ? 0 : -1;
    for (int64_t plane = 0; plane < s->sides; plane++) s->line_of[plane] = plane;
    for (const layer *now = s->layers; now < s->layers + s->hidden; now++)
        for (int64_t k = 0; k < now->neurons; k++) s->line_of[now->bit + k] = now->first + k;
    for (int i = 0; i < CACHED; i++) s->cached[i] = -1;
    int64_t *const frame = s->arena;
    frame[BELOW] = -1, frame[VERTICES] = s->corners, frame[DEPTH] = -1, frame[SECTION] = 0;
    *share_of(frame) = 1;
    for (int64_t i = 0; i < s->corners; i++) {
        int64_t *const v = vertex_of(s, frame, 0, i);
        memcpy(v, s->corner + i * s->numbers, (size_t)(d + 1) * 8);
        v[s->numbers] = s->next_id++;
        memcpy(facets_of(s, v), s->corner_facets + i * s->mask_words, (size_t)s->mask_words * 8);
    }
    s->top = 0;
}

#endif
