/* Counts the activation regions of a network on a convex polygon, and gives fingerprints of their affine maps;
 * regions/plane.py sets it up.
 *
 * Lines are affine forms a x + b y + c: first the sides of the domain, then the neurons, layer by layer, on the cell that
 * is being split. A line is known in doubles with a bound on their error and, once that has been needed, in integers.
 * A polygon is its lines in order; vertex i, where lines i - 1 and i meet, is known in doubles with a bound as well.
 * A decision is first tried in doubles. What their bounds leave open is the sign of a determinant of three lines.
 *
 * The domain lies in the square [-1, 1]^2. Bounds count twice the unit roundoff for every operation, so that they may be
 * computed in floating point themselves; comparisons are written such that what is not a number decides nothing.
 */
#ifndef NNAPPROX_PLANE_H
#define NNAPPROX_PLANE_H

#include "_plane_types.h"

#define ISA baseline
#if defined(__GNUC__)
#define VECTOR 2
#else
#define VECTOR 1
#endif
#include "_plane_loops.h"
#undef ISA
#undef VECTOR

#ifdef HAS_TARGETS
BEGIN_TARGET("avx2,fma", 256)
#define ISA avx2
#define VECTOR 4
#include "_plane_loops.h"
#undef ISA
#undef VECTOR
END_TARGET
BEGIN_TARGET("avx512f,avx512vl,avx512dq", 512)
#define ISA avx512
#define VECTOR 8
#include "_plane_loops.h"
#undef ISA
#undef VECTOR
END_TARGET
#endif

static void choose_loops(plane *s, int isa)
{
    s->accumulate = accumulate_baseline, s->bound = bound_baseline, s->judge = judge_baseline;
    s->evaluate = evaluate_baseline, s->between = between_baseline, s->mark = mark_baseline, s->products = products_baseline, s->add_row = add_row_baseline;
#ifdef HAS_TARGETS
    if (isa == AVX2) s->accumulate = accumulate_avx2, s->bound = bound_avx2, s->judge = judge_avx2;
    if (isa == AVX2) s->evaluate = evaluate_avx2, s->between = between_avx2, s->mark = mark_avx2, s->products = products_avx2, s->add_row = add_row_avx2;
    if (isa == AVX512) s->accumulate = accumulate_avx512, s->bound = bound_avx512, s->judge = judge_avx512;
    if (isa == AVX512) s->evaluate = evaluate_avx512, s->between = between_avx512, s->mark = mark_avx512, s->products = products_avx512, s->add_row = add_row_avx512;
#else
    (void)isa;
#endif
}

static inline int64_t mask_words(int64_t neurons) { return (neurons + 63) / 64; }

static inline int is_on(const uint64_t *states, int64_t k) { return states[k / 64] >> (k % 64) & 1; }

static inline void turn_on(uint64_t *states, int64_t k) { states[k / 64] |= (uint64_t)1 << (k % 64); }

/* ---- Lines in doubles ---- */

/* By how much a form changes at most per unit that a point is off in both coordinates. */
static inline double reach_of(const plane *s, int64_t line) { return fabs(s->a[line]) + fabs(s->b[line]); }

static inline double size_of(const plane *s, int64_t line) { return reach_of(s, line) + fabs(s->c[line]); }

static inline double value_at(const plane *s, int64_t line, double x, double y)
{
    return s->a[line] * x + (s->b[line] * y + s->c[line]);
}

/* The point where two lines meet. */
static point meet(const plane *s, int32_t side, int32_t line)
{
    const double size = size_of(s, side), other_size = size_of(s, line);
    const double bound =
        2 * (s->error[side] * other_size + s->error[line] * size + s->error[side] * s->error[line]);
    const double weight = s->a[side] * s->b[line] - s->a[line] * s->b[side];
    const double x = s->b[side] * s->c[line] - s->b[line] * s->c[side];
    const double y = s->c[side] * s->a[line] - s->c[line] * s->a[side];
    point met = {0, 0, HUGE_VAL, side, 0};
    if (fabs(weight) > 2 * bound + SMALLEST) {
        const double inverse = 1 / weight;
        met.x = x * inverse;
        met.y = y * inverse;
        met.error = 4 * bound * fabs(inverse) + 8 * DBL_EPSILON;
    }
    return met;
}

/* Have the form of neuron j of the layer below added, times a factor of at most 1 + |slope|. */
static inline void set_term(plane *s, int64_t n, int64_t j, double factor)
{
    s->inputs[n] = (int32_t)j;
    s->factors[n] = factor;
}

/* The same of its residue, as term number n. */
static inline void set_residue_term(plane *s, const layer *now, int64_t n, int64_t j, uint64_t factor)
{
    s->rows[n] = now->residue_weights + now->neurons * j;
    if (now->residue_terms) s->rows[n] = now->residue_terms + now->padded * j, s->residue_factors[n] = factor;
    else s->residue_factors[n] = times(now[-1].residues[j], factor);
}

/* The bound on its errors that a layer's terms in the next one have, over that of its forms. */
static inline double carry_of(const plane *s) { return 1 + fabs(s->slope); }

static inline double rounding_after(const plane *s, const layer *now)
{
    return now + 1 < s->layers + s->hidden ? now[1].rounding : 0;
}

/* Bound the errors of a layer's forms (Cauchy and Schwarz). */
static void set_bounds(plane *s, layer *now, const double *base)
{
    s->bound(s->a + now->first, s->b + now->first, s->c + now->first, base, now->norm, now->gathered, now->padded,
             carry_of(s), rounding_after(s, now), s->error + now->first, now->passed);
}

/* The square root of a sum of squares, or more. */
static inline double norm_of(double squares) { return 1.001 * sqrt(squares) + UNNOTICED; }

static void set_norms(layer *now)
{
    for (int64_t j = 0; j < now->inputs; j++)
        for (int64_t k = 0; k < now->padded; k++)
            now->norm[k] += now->weights[now->padded * j + k] * now->weights[now->padded * j + k];
    for (int64_t k = 0; k < now->padded; k++) now->norm[k] = sqrt(now->norm[k]);
}

/* Begin forms with the bias. */
static void clear_forms(plane *s, const layer *now)
{
    double *const numbers[] = {s->a + now->first, s->b + now->first, s->c + now->first};
    for (int i = 0; i < 3; i++) memset(numbers[i], 0, (size_t)now->padded * sizeof *numbers[i]);
    memcpy(numbers[s->unit], now->bias, (size_t)now->padded * sizeof *now->bias);
}

/* Compute the forms of a layer for these states of its inputs. */
static void set_forms(plane *s, int64_t depth, const uint64_t *states)
{
    layer *const now = s->layers + depth, *const below = now - 1;
    double *const a = s->a + now->first, *const b = s->b + now->first, *const c = s->c + now->first;
    const int64_t words = mask_words(now->inputs);
    int64_t count = 0;
    int changes = now->source == below->version;
    for (int64_t w = 0; changes && w < words; w++) {
        for (uint64_t left = states[w] ^ now->inputs_on[w]; left; left &= left - 1) {
            const int64_t j = 64 * w + lowest_bit(left);
            if (now->flips + count >= MOST_FLIPS) {
                changes = 0;
                break;
            }
            const int on = is_on(states, j);
            if (s->printing) set_residue_term(s, now, count, j, on ? minus(1, s->slope_residue) : minus(s->slope_residue, 1));
            set_term(s, count++, j, on ? 1 - s->slope : s->slope - 1);
            now->gathered += 1.001 * below->passed[j];
        }
    }
    if (changes) {
        if (!count) return;
        now->flips += count;
    } else {
        double squares = 0;
        count = 0;
        for (int64_t w = 0; w < words; w++) {
            const int64_t rest = now->inputs - 64 * w;
            const uint64_t all = rest < 64 ? ((uint64_t)1 << rest) - 1 : ~(uint64_t)0;
            for (uint64_t left = s->slope == 0 ? states[w] : all; left; left &= left - 1) {
                const int64_t j = 64 * w + lowest_bit(left);
                const int on = is_on(states, j);
                if (s->printing) set_residue_term(s, now, count, j, on ? 1 : s->slope_residue);
                set_term(s, count++, j, on ? 1 : s->slope);
                squares += below->passed[j] * below->passed[j];
            }
        }
        if (s->printing) memcpy(now->residues, now->residue_bias, (size_t)now->neurons * sizeof *now->residues);
        clear_forms(s, now);
        now->gathered = norm_of(squares);
        now->flips = 0;
        now->source = below->version;
    }
    s->accumulate(now->weights, now->padded, s->inputs, changes || s->slope != 0 ? s->factors : NULL, count,
                  s->a + below->first, s->b + below->first, s->c + below->first, a, b, c);
    if (s->printing) {
        if (now->residue_terms)
            for (int64_t n = 0; n < count; n++)
                s->add_row(now->residues, s->rows[n], now->padded, s->residue_factors[n] != 1);
        else
            add_products(now->residues, now->neurons, s->rows, s->residue_factors, count);
        s->work += now->neurons * count;
    }
    set_bounds(s, now, now->bias_error);
    memcpy(now->inputs_on, states, (size_t)words * sizeof *states);
    now->version++;
    s->cross_lines[0] = -1;
    s->work += now->padded * (count + 8) / 8;
}

/* Compute the forms of a layer from scratch, and bound the error of each by those of its own terms: closer, and slower,
 * than by norms. */
static void tighten(plane *s, int64_t depth)
{
    layer *const now = s->layers + depth, *const below = now - 1;
    if (!depth || now->tight == now->version) return;
    tighten(s, depth - 1);
    double *const a = s->a + now->first, *const b = s->b + now->first, *const c = s->c + now->first;
    double *const error = s->error + now->first;
    double squares = 0;
    clear_forms(s, now);
    memcpy(error, now->bias_error, (size_t)now->padded * sizeof *error);
    for (int64_t j = 0; j < now->inputs; j++) {
        const double factor = is_on(now->inputs_on, j) ? 1 : s->slope, *const weight = now->weights + now->padded * j;
        if (factor == 0) continue;
        const int64_t line = below->first + j;
        const double u = factor * s->a[line], v = factor * s->b[line], w = factor * s->c[line], e = below->passed[j];
        squares += e * e;
        for (int64_t k = 0; k < now->neurons; k++) {
            a[k] += weight[k] * u, b[k] += weight[k] * v, c[k] += weight[k] * w;
            error[k] += fabs(weight[k]) * e;
        }
    }
    for (int64_t k = 0; k < now->neurons; k++) {
        const double size = fabs(a[k]) + fabs(b[k]) + fabs(c[k]);
        error[k] = size < LARGEST ? 1.001 * error[k] + 8 * DBL_EPSILON * size : HUGE_VAL;
        now->passed[k] = carry_of(s) * (error[k] + rounding_after(s, now) * size);
    }
    now->gathered = norm_of(squares);
    now->flips = 0;
    now->tight = now->version;
    s->work += now->neurons * now->inputs;
}

/* ---- Lines in integers ---- */

/* The integer form of neuron k of a layer, three numbers; computed when it is first asked for. */
static const limb *exact_neuron(plane *s, int64_t depth, int64_t k)
{
    layer *const now = s->layers + depth;
    const int64_t words = now->exact_words;
    limb *const form = now->exact + 3 * words * k;
    if (s->computed[now->first + k] == now->version) return form;
    for (int i = 0; i < 3; i++) form[i * words] = 0;
    for (int64_t n = now->row[k]; n < now->row[k + 1]; n++) {
        const limb *entry = now->entries + n * now->entry_words;
        const int64_t j = now->column[n];
        if (j == now->inputs) {
            add(form + s->unit * words, form + s->unit * words, entry, 0);
            continue;
        }
        const limb *const factor = is_on(now->inputs_on, j) ? s->denominator : s->numerator;
        if (!length_of(factor)) continue;
        const limb *const input = exact_neuron(s, depth - 1, j);
        if (length_of(factor) != 1 || factor[1] != 1) {
            multiply(s->scaled, entry, factor);
            entry = s->scaled;
        }
        for (int i = 0; i < 3; i++) {
            multiply(s->product, entry, input + i * now[-1].exact_words);
            add(form + i * words, form + i * words, s->product, 0);
        }
        s->work += 8;
    }
    s->computed[now->first + k] = now->version;
    return form;
}

/* The layer that a line belongs to; -1 for a side of the domain. */
static inline int64_t depth_of(const plane *s, int64_t line)
{
    int64_t depth = s->hidden - 1;
    while (depth >= 0 && line < s->layers[depth].first) depth--;
    return depth;
}

static const limb *exact_line(plane *s, int64_t line, int64_t *words)
{
    const int64_t depth = depth_of(s, line);
    if (depth < 0) {
        *words = s->side_words;
        return s->side_exact + 3 * s->side_words * line;
    }
    *words = s->layers[depth].exact_words;
    return exact_neuron(s, depth, line - s->layers[depth].first);
}

/* Put the cross product of two lines, the homogeneous coordinates of where they meet, into s->cross. */
static void set_cross(plane *s, int32_t first, int32_t second)
{
    if (s->cross_lines[0] == first && s->cross_lines[1] == second) return;
    int64_t u_words, v_words;
    const limb *const u = exact_line(s, first, &u_words), *const v = exact_line(s, second, &v_words);
    for (int i = 0; i < 3; i++) {
        const int j = (i + 1) % 3, k = (i + 2) % 3;
        limb *const minor = s->cross + i * s->cross_words;
        multiply(minor, u + j * u_words, v + k * v_words);
        multiply(s->product, u + k * u_words, v + j * v_words);
        add(minor, minor, s->product, 1);
    }
    s->cross_lines[0] = first;
    s->cross_lines[1] = second;
}

/* The sign of the determinant of three lines. */
static int orientation(plane *s, int32_t first, int32_t second, int32_t third)
{
    int64_t words;
    const limb *const line = exact_line(s, third, &words);
    s->exact_decisions++;
    s->work += 20;
    set_cross(s, first, second);
    s->sum[0] = 0;
    for (int i = 0; i < 3; i++) {
        multiply(s->product, s->cross + i * s->cross_words, line + i * words);
        add(s->sum, s->sum, s->product, 0);
    }
    return sign_of(s->sum);
}

/* The sign of a line where two others meet, after norms left it open. */
static int exact_sign(plane *s, int32_t first, int32_t second, int32_t line)
{
    const int64_t depths[] = {depth_of(s, first), depth_of(s, second), depth_of(s, line)};
    for (int i = 0; i < 3; i++)
        if (depths[i] > 0) tighten(s, depths[i]);
    const point met = meet(s, first, second);
    const double value = value_at(s, line, met.x, met.y), bound = s->error[line] + reach_of(s, line) * met.error;
    if (value > bound) return 1;
    if (value < -bound) return -1;
    const int sign = orientation(s, first, second, line);
    return sign * sign_of(s->cross + 2 * s->cross_words);
}

/* ---- Fingerprints of affine maps: what they are at a random point, modulo a prime ---- */

/* What the fingerprint of the current piece changes by when a neuron of the last layer is turned on. */
static inline uint64_t bend_of(const plane *s, int64_t k)
{
    return times(times(s->layers[s->hidden - 1].residues[k], s->output_residues[k]), minus(1, s->slope_residue));
}

/* The fingerprint of the part of the current piece where the last layer has these states. */
static uint64_t print_of(plane *s, const uint64_t *states)
{
    const layer *const last = s->layers + s->hidden - 1;
    const int64_t words = mask_words(last->neurons);
    if (s->print_version != last->version) {
        s->print_version = last->version;
        s->print = *s->output_bias;
        for (int64_t k = 0; s->slope_residue && k < last->neurons; k++)
            s->print = plus(s->print, times(times(last->residues[k], s->output_residues[k]), s->slope_residue));
        memset(s->printed_on, 0, (size_t)words * sizeof *states);
    }
    for (int64_t w = 0; w < words; w++) {
        for (uint64_t left = states[w] ^ s->printed_on[w]; left; left &= left - 1) {
            const int64_t k = 64 * w + lowest_bit(left);
            s->print = is_on(states, k) ? plus(s->print, bend_of(s, k)) : minus(s->print, bend_of(s, k));
        }
        s->printed_on[w] = states[w];
    }
    return s->print;
}

/* ---- Pieces ---- */

static inline int32_t line_before(const piece *p, int64_t vertex) { return p->line[vertex ? vertex - 1 : p->vertices - 1]; }

/* The sign of a line at a vertex, or 2 if doubles do not tell. */
static inline int likely_sign(const plane *s, const piece *p, int64_t vertex, int32_t line)
{
    const double value = value_at(s, line, p->x[vertex], p->y[vertex]);
    const double bound = s->error[line] + reach_of(s, line) * p->error[vertex];
    return value > bound ? 1 : value < -bound ? -1 : 2;
}

/* The state of a neuron on a piece: 1 or 0 if it is on or off throughout, -1 if it crosses it. */
static int exact_state(plane *s, const piece *p, int32_t line)
{
    int positive = 0, negative = 0;
    for (int64_t i = 0; i < p->vertices; i++) {
        s->signs[i] = (signed char)likely_sign(s, p, i, line);
        positive |= s->signs[i] == 1;
        negative |= s->signs[i] == -1;
    }
    for (int64_t i = 0; i < p->vertices && !(positive && negative); i++) {
        if (s->signs[i] != 2) continue;
        const int sign = exact_sign(s, line_before(p, i), p->line[i], line);
        positive |= sign > 0;
        negative |= sign < 0;
    }
    return negative && positive ? -1 : positive;
}

/* The same from the extreme values of its form at the vertices, if their errors allow. */
static inline int state(plane *s, const piece *p, int32_t line, double least, double largest, double error)
{
    const double bound = s->error[line] + reach_of(s, line) * error;
    if (least > bound) return 1;
    if (largest < -bound) return 0;
    if (least < -bound && largest > bound) return -1;
    return exact_state(s, p, line);
}

static inline void note_state(piece *p, int32_t k, int state)
{
    if (state > 0) turn_on(p->on, k);
    if (state < 0) p->neuron[p->crossing++] = k;
}

static double largest_error(const piece *p)
{
    double error = 0;
    for (int64_t i = 0; i < p->vertices; i++) error = p->error[i] > error ? p->error[i] : error;
    return error;
}

/* Find which of the neurons that cross a piece, but for the first, cross a part of it. */
static void inherit(plane *s, const piece *whole, piece *part)
{
    const layer *const now = s->layers + whole->depth;
    const double error = largest_error(part);
    part->depth = whole->depth;
    part->crossing = 0;
    memcpy(part->on, whole->on, (size_t)mask_words(now->neurons) * sizeof *part->on);
    for (int64_t n = 1; n < whole->crossing; n++) {
        const int32_t k = whole->neuron[n];
        const int32_t line = (int32_t)now->first + k;
        double least = HUGE_VAL, largest = -HUGE_VAL;
        for (int64_t i = 0; i < part->vertices; i++) {
            const double value = value_at(s, line, part->x[i], part->y[i]);
            least = value < least ? value : least;
            largest = value > largest ? value : largest;
        }
        note_state(part, k, state(s, part, line, least, largest, error));
    }
    s->predicates += (whole->crossing - 1) * part->vertices;
    s->work += (whole->crossing - 1) * part->vertices;
}

/* Let the next layer split the current piece. */
static void enter(plane *s, int64_t depth)
{
    piece *const p = &s->now;
    if (depth) set_forms(s, depth, p->on);
    const layer *const now = s->layers + depth;
    const double error = largest_error(p);
    s->judge(s->a + now->first, s->b + now->first, s->c + now->first, s->error + now->first, now->padded, p->x, p->y,
             p->vertices, error, p->on, s->crossing, s->unsure);
    p->depth = depth;
    p->crossing = 0;
    for (int64_t w = 0; w < mask_words(now->neurons); w++) {
        const int64_t rest = now->neurons - 64 * w;
        const uint64_t all = rest < 64 ? ((uint64_t)1 << rest) - 1 : ~(uint64_t)0;
        for (uint64_t left = (s->crossing[w] | s->unsure[w]) & all; left; left &= left - 1) {
            const int32_t k = (int32_t)(64 * w) + lowest_bit(left);
            note_state(p, k, is_on(s->crossing, k) ? -1 : exact_state(s, p, (int32_t)now->first + k));
        }
    }
    s->predicates += now->neurons * p->vertices;
    s->work += now->neurons * (p->vertices + 4) / 4;
    if (depth == s->hidden - 1 && !s->wanted) {
        s->counting = 1;
        s->chords.next = s->chords.count = 0;
        s->chords.walked = -1;
        if (s->printing) s->chords.left = print_of(s, p->on);
    }
}

/* Put the signs of a line at all vertices of a piece into s->signs. */
static void set_signs(plane *s, const piece *p, int32_t line)
{
    for (int64_t i = 0; i < p->vertices; i++) {
        int sign = likely_sign(s, p, i, line);
        if (sign == 2) sign = exact_sign(s, line_before(p, i), p->line[i], line);
        s->signs[i] = (signed char)sign;
    }
    s->predicates += p->vertices;
}

static inline void add_vertex(piece *p, double x, double y, double error, int32_t line)
{
    const int64_t i = p->vertices++;
    p->x[i] = x, p->y[i] = y, p->error[i] = error, p->line[i] = line;
}

/* Cut a piece by its first neuron into the parts where that is on and off. */
static void cut(plane *s, const piece *whole, piece *on, piece *off)
{
    const int32_t line = (int32_t)s->layers[whole->depth].first + whole->neuron[0];
    set_signs(s, whole, line);
    on->vertices = off->vertices = 0;
    for (int64_t i = 0; i < whole->vertices; i++) {
        const int sign = s->signs[i], following = s->signs[i + 1 < whole->vertices ? i + 1 : 0];
        const int32_t side = whole->line[i];
        if (sign >= 0) add_vertex(on, whole->x[i], whole->y[i], whole->error[i], sign || following > 0 ? side : line);
        if (sign <= 0) add_vertex(off, whole->x[i], whole->y[i], whole->error[i], sign || following < 0 ? side : line);
        if (sign * following < 0) {
            const point met = meet(s, side, line);
            add_vertex(on, met.x, met.y, met.error, sign > 0 ? line : side);
            add_vertex(off, met.x, met.y, met.error, sign > 0 ? side : line);
        }
    }
}

/* ---- The stack of pieces ---- */

/* The words of memory that a piece of at most so many vertices and crossing neurons takes. */
static inline int64_t piece_words(int64_t vertices, int64_t masks, int64_t crossing)
{
    return 3 * vertices + masks + (vertices + crossing + 1) / 2;
}

static inline void lay_out(piece *p, int64_t *words, int64_t vertices, int64_t masks)
{
    p->x = (double *)words;
    p->y = p->x + vertices;
    p->error = p->y + vertices;
    p->on = (uint64_t *)(p->error + vertices);
    p->line = (int32_t *)(p->on + masks);
    p->neuron = p->line + vertices;
}

/* Words on top of a waiting piece: its place, room for vertices, depth, vertices and crossing neurons. */
enum { HEAD = 6 };

/* What waits: a piece, a face that doubles left open, a block. */
enum { PIECE, FACE, BLOCK };

/* Cut the current piece: one part becomes the current one, the other waits. Gives 0 if the arena has no room for it. */
static int split(plane *s)
{
    const int64_t room = s->now.vertices + 1, masks = mask_words(s->layers[s->now.depth].neurons);
    const int64_t words = piece_words(room, masks, s->now.crossing - 1);
    if (s->arena_top + words + HEAD > s->arena_words) return 0;
    int64_t *const place = s->arena + s->arena_top;
    piece waiting;
    lay_out(&waiting, place, room, masks);
    cut(s, &s->now, &waiting, &s->next);
    inherit(s, &s->now, &waiting);
    inherit(s, &s->now, &s->next);
    turn_on(waiting.on, s->now.neuron[0]);
    const int64_t head[HEAD] = {s->arena_top, room, waiting.depth, waiting.vertices, waiting.crossing, PIECE};
    memcpy(place + words, head, sizeof head);
    s->arena_top += words + HEAD;
    const piece whole = s->now;
    s->now = s->next;
    s->next = whole;
    s->work += 40;
    return 1;
}

/* Make the waiting piece on top of the stack the current one. */
static void take(plane *s)
{
    const int64_t *const head = s->arena + s->arena_top - HEAD;
    const int64_t masks = mask_words(s->layers[head[2]].neurons);
    piece waiting, *const p = &s->now;
    lay_out(&waiting, s->arena + head[0], head[1], masks);
    p->depth = head[2], p->vertices = head[3], p->crossing = head[4];
    memcpy(p->x, waiting.x, (size_t)p->vertices * sizeof *p->x);
    memcpy(p->y, waiting.y, (size_t)p->vertices * sizeof *p->y);
    memcpy(p->error, waiting.error, (size_t)p->vertices * sizeof *p->error);
    memcpy(p->line, waiting.line, (size_t)p->vertices * sizeof *p->line);
    memcpy(p->on, waiting.on, (size_t)masks * sizeof *p->on);
    memcpy(p->neuron, waiting.neuron, (size_t)p->crossing * sizeof *p->neuron);
    s->arena_top = head[0];
}

/* ---- Chords of the last layer ---- */

/* Count a region, and put out its fingerprint. */
static inline void tell(plane *s, uint64_t print)
{
    s->regions++;
    if (s->printing) s->prints[s->printed++] = print;
}

#include "_plane_chords.h"

#include "_plane_block.h"
#include "_plane_stack.h"

/* ---- Regions that are made, since their neighbours are asked for ---- */

static int is_wanted(const plane *s, uint64_t print)
{
    int64_t low = 0, high = s->wanted_count;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (s->wanted[middle] < print) low = middle + 1;
        else high = middle;
    }
    return low < s->wanted_count && s->wanted[low] == print;
}

/* The number of the neuron that a line belongs to, through all hidden layers; -1 - n for side n of the domain. */
static int32_t neuron_of(const plane *s, int64_t line)
{
    int64_t before = 0;
    for (const layer *now = s->layers; now < s->layers + s->hidden; now++) {
        if (line < now->first) break;
        if (line < now->first + now->padded) return (int32_t)(before + line - now->first);
        before += now->neurons;
    }
    return (int32_t)(-1 - line);
}

static void append_states(uint64_t *pattern, int64_t before, const uint64_t *states, int64_t neurons)
{
    for (int64_t w = 0; w < mask_words(neurons); w++) {
        const int64_t place = before + 64 * w;
        pattern[place / 64] |= states[w] << place % 64;
        if (place % 64 && states[w] >> (64 - place % 64)) pattern[place / 64 + 1] |= states[w] >> (64 - place % 64);
    }
}

/* Count the current piece as a region; if its fingerprint is wanted, put out its states and what made its sides. */
static void list_region(plane *s)
{
    const piece *const p = &s->now;
    s->regions++;
    s->work += 20;
    if (!is_wanted(s, print_of(s, p->on))) return;
    uint64_t *const pattern = s->patterns + s->listed * s->pattern_words;
    memset(pattern, 0, (size_t)s->pattern_words * sizeof *pattern);
    int64_t before = 0;
    for (int64_t depth = 0; depth < s->hidden; before += s->layers[depth++].neurons)
        append_states(pattern, before, depth + 1 < s->hidden ? s->layers[depth + 1].inputs_on : p->on,
                      s->layers[depth].neurons);
    for (int64_t i = 0; i < p->vertices; i++) s->labels[s->labelled++] = neuron_of(s, p->line[i]);
    s->offsets[++s->listed] = (int32_t)s->labelled;
}

/* ---- The whole ---- */

static inline int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

static void *claim(char *memory, size_t *claimed, int64_t count, size_t size)
{
    void *const place = memory ? memory + *claimed : NULL;
    *claimed += ((size_t)count * size + 63) / 64 * 64;
    return place;
}

/* Whether faces are split many at once. */
static inline int has_blocks(const plane *s)
{
    return s->at_once && s->widest <= WIDEST_IN_BLOCKS && s->sides <= s->most_vertices / 4;
}

/* Whether what a neuron adds to a layer's residues is the same everywhere: it is after the first layer, of which forms do
 * not change. */
static inline int has_terms(const plane *s, const layer *now)
{
    return s->printing && s->slope_residue == 0 && now == s->layers + 1;
}

static void set_residue_terms(layer *now)
{
    for (int64_t j = 0; j < now->inputs; j++)
        for (int64_t k = 0; k < now->neurons; k++)
            now->residue_terms[now->padded * j + k] = times(now->residue_weights[now->neurons * j + k], now[-1].residues[j]);
}

/* Say how large blocks may be. */
static void size_blocks(plane *s)
{
    s->pattern_size = 0;
    for (layer *now = s->layers; now < s->layers + s->hidden; now++) {
        now->states = s->pattern_size;
        s->pattern_size += mask_words(now->neurons);
    }
    s->most_vertices = BLOCK_NUMBERS / s->widest;
    if (s->most_vertices > MOST_VERTICES) s->most_vertices = MOST_VERTICES;
    s->most_faces = s->most_vertices * 2 / 3;
}

/* Point everything at its place in memory; gives the bytes that takes, also if memory is NULL. */
static size_t furnish(plane *s, char *memory)
{
    size_t claimed = 0;
#define CLAIM(pointer, count) ((pointer) = claim(memory, &claimed, (count), sizeof *(pointer)))
    s->lines = s->layers[0].first;
    s->vertices = s->sides + 4;
    for (layer *now = s->layers; now < s->layers + s->hidden; now++) {
        now->first = s->lines;
        s->lines += now->padded;
        s->vertices += now->neurons;
        s->widest = larger(s->widest, now->padded);
        CLAIM(now->norm, now->padded);
        CLAIM(now->passed, now->padded);
        CLAIM(now->residues, now->padded);
        if (now == s->layers) continue;
        CLAIM(now->inputs_on, mask_words(now->inputs));
        if (has_terms(s, now)) CLAIM(now->residue_terms, now->inputs * now->padded);
    }
    size_blocks(s);
    const int64_t masks = mask_words(s->widest);
    double **const rows[] = {&s->a, &s->b, &s->c, &s->error};
    for (int i = 0; i < 4; i++) CLAIM(*rows[i], s->lines);
    CLAIM(s->computed, s->lines);
    CLAIM(s->inputs, s->widest);
    CLAIM(s->factors, s->widest);
    CLAIM(s->rows, s->widest);
    CLAIM(s->residue_factors, s->widest);
    CLAIM(s->printed_on, masks);
    CLAIM(s->crossing, masks);
    CLAIM(s->unsure, masks);
    CLAIM(s->signs, s->vertices);
    int64_t *words;
    piece *const pieces[] = {&s->now, &s->next};
    for (int i = 0; i < 2; i++) {
        CLAIM(words, piece_words(s->vertices, masks, s->widest));
        if (memory) lay_out(pieces[i], words, s->vertices, masks);
    }
    chord_list *const chords = &s->chords;
    CLAIM(chords->list, s->widest);
    CLAIM(chords->meetings, s->widest);
    return claimed;
}

/* The same of blocks, whose memory need not be zero. */
static size_t furnish_blocks(plane *s, char *memory)
{
    size_t claimed = 0;
    const int64_t widest_last = mask_words(s->layers[s->hidden - 1].neurons), edges = 2 * s->most_vertices;
    CLAIM(s->block.corners, s->most_vertices);
    CLAIM(s->block.values, s->most_vertices * s->widest);
    CLAIM(s->block.signs, s->most_vertices * widest_last);
    block *const blocks[] = {&s->block, &s->made};
    for (int i = 0; i < 2; i++) {
        CLAIM(blocks[i]->edge, edges);
        CLAIM(blocks[i]->first, s->most_faces + 1);
        CLAIM(blocks[i]->steps, 2 * edges);
        CLAIM(blocks[i]->patterns, s->most_faces * s->pattern_size);
    }
    CLAIM(s->parts, edges + 1);
    CLAIM(s->active, mask_words(s->widest));
    CLAIM(s->any, s->most_faces);
    CLAIM(s->tangled, edges);
    CLAIM(s->owner, edges);
    CLAIM(s->steepness, s->most_faces);
    CLAIM(s->open, s->most_faces);
    CLAIM(s->steps, 2 * edges);
    CLAIM(s->spare, 2 * edges);
    CLAIM(s->boundary, s->most_faces + 1);
    CLAIM(s->new_edges, edges);
    CLAIM(s->new_vertices, s->most_vertices);
    return claimed;
}

/* The same of integers. */
static size_t furnish_integers(plane *s, char *memory)
{
    size_t claimed = 0;
    s->words = s->side_words;
    for (layer *now = s->layers; now < s->layers + s->hidden; now++) {
        s->words = larger(s->words, larger(now->exact_words, now->entry_words + s->slope_words));
        if (now > s->layers) CLAIM(now->exact, 3 * now->exact_words * now->neurons);
    }
    s->cross_words = 2 * s->words + 1;
    CLAIM(s->cross, 3 * s->cross_words);
    CLAIM(s->product, 3 * s->words + 2);
    CLAIM(s->sum, 3 * s->words + 2);
    CLAIM(s->scaled, s->words + 1);
    return claimed;
}
#undef CLAIM

static double area_of(const piece *p)
{
    double twice = 0;
    for (int64_t i = 0; i < p->vertices; i++) {
        const int64_t j = i + 1 < p->vertices ? i + 1 : 0;
        twice += p->x[i] * p->y[j] - p->x[j] * p->y[i];
    }
    return fabs(twice) / 2;
}

/* The area of what waits on the stack. */
static double waiting_area(const plane *s, const int64_t *head)
{
    int64_t *const place = s->arena + head[0];
    if (head[5] == FACE) return *(const double *)place;
    if (head[5] == BLOCK) {
        block waiting;
        memcpy(&waiting, place, sizeof waiting);
        lay_out_block(s, &waiting, place + BLOCK_HEAD, head[3]);
        return area_of_block(&waiting);
    }
    piece waiting = {.vertices = head[3]};
    lay_out(&waiting, place, head[1], mask_words(s->layers[head[2]].neurons));
    return area_of(&waiting);
}

/* The share of the domain's area that is not left in pieces. */
static double share_done(const plane *s)
{
    double left = s->splitting ? area_of(&s->now) : 0;
    if (s->counting && s->chords.count) left *= 1 - (double)s->chords.walked / (double)s->chords.count;
    for (int64_t top = s->arena_top; top;) {
        const int64_t *const head = s->arena + top - HEAD;
        left += waiting_area(s, head);
        top = head[0];
    }
    left += area_of_block(&s->block);
    const double done = 1 - left / s->area;
    return done > 0 ? done : 0;
}

/* Begin with the whole domain. */
static void start(plane *s)
{
    const int64_t given = s->layers[0].first + s->layers[0].padded;
    double *const rows[] = {s->a, s->b, s->c, s->error};
    for (int i = 0; i < 4; i++) memcpy(rows[i], s->given + i * given, (size_t)given * sizeof *s->given);
    for (layer *now = s->layers + 1; now < s->layers + s->hidden; now++) set_norms(now);
    set_bounds(s, s->layers, s->given + 3 * given + s->layers->first);
    for (int64_t line = given; line < s->lines; line++) s->computed[line] = -1;
    s->cross_lines[0] = -1;
    s->print_version = -1;
    if (s->printing)
        memcpy(s->layers->residues, s->first_residues, (size_t)s->layers->neurons * sizeof *s->first_residues);
    for (layer *now = s->layers + 1; now < s->layers + s->hidden; now++)
        if (now->residue_terms) set_residue_terms(now);
    s->now.vertices = 0;
    for (int32_t i = 0; i < s->sides; i++) {
        const point met = meet(s, i ? i - 1 : (int32_t)s->sides - 1, i);
        add_vertex(&s->now, met.x, met.y, met.error, i);
    }
    s->area = area_of(&s->now);
    s->splitting = !has_blocks(s);
    if (s->splitting) enter(s, 0);
    else start_block(s);
}

/* Whether what is put out next has room. */
static inline int has_room(const plane *s)
{
    if (s->wanted) return s->listed < s->list_room && s->labelled + s->now.vertices <= s->label_room;
    return !s->printing || s->printed + s->widest + 1 <= s->print_room;
}

/* Go on with the current piece; gives 0 if the arena has no room for its parts. */
static int split_further(plane *s)
{
    const int64_t last = s->hidden - 1, made = s->wanted ? s->hidden : last;
    if (s->counting) {
        if (s->chords.next < s->now.crossing) add_chord(s);
        else if (s->chords.walked < s->chords.count) walk(s);
        else s->counting = 0;
    } else if (s->now.depth < made && s->now.crossing) {
        return split(s);
    } else if (s->now.depth < last) {
        enter(s, s->now.depth + 1);
    } else {
        if (s->wanted) list_region(s);
        s->splitting = 0;
    }
    return 1;
}

/* Go on until about so much work is done, or what is put out has to be fetched; gives whether all regions are counted,
 * the arena is too small, or integers may be needed and are not there. */
static int run(plane *s, int64_t work)
{
    s->work = 0;
    while (s->work < work && has_room(s)) {
        const int64_t waiting = s->arena_top ? s->arena[s->arena_top - 1] : BLOCK;
        if (s->splitting) {
            if (!split_further(s)) return NEEDS_ROOM;
        } else if (waiting == PIECE || waiting == FACE) {
            if (!s->product) return NEEDS_INTEGERS;
            s->splitting = 1;
            if (waiting == PIECE) take(s);
            else take_face(s);
        } else if (s->block.faces) {
            if (!advance(s, work)) return NEEDS_ROOM;
        } else if (s->arena_top) {
            take_block(s);
        } else {
            return DONE;
        }
    }
    return PAUSED;
}

#endif
