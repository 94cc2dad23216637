/* Splitting and counting, which takes most of the time, compiled once for every instruction set: see _space.h. */

/* ---- Forms in doubles ---- */

static void CAT(set_bounds_, ISA)(space *s, layer *now)
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
static void CAT(set_forms_, ISA)(space *s, layer *now, const uint64_t *states)
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
    CAT(set_bounds_, ISA)(s, now);
    memcpy(now->inputs_on, states, (size_t)words * sizeof *states);
    now->version++;
    s->work += now->padded * (count + 4);
}

/* ---- Signs at vertices ---- */

/* The sure signs at a vertex of forms that stand in rows. */
INLINE void CAT(judge_in_, ISA)(const double *forms, int64_t stride, const double *error, const double *reach, int64_t count,
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

INLINE void CAT(judge_, ISA)(const double *forms, int64_t stride, const double *error, const double *reach, int64_t count,
                             int64_t numbers, const double *x, uint64_t *positive, uint64_t *negative)
{
    switch (numbers) {
    case 4: CAT(judge_in_, ISA)(forms, stride, error, reach, count, 4, x, positive, negative); break;
    case 5: CAT(judge_in_, ISA)(forms, stride, error, reach, count, 5, x, positive, negative); break;
    default: CAT(judge_in_, ISA)(forms, stride, error, reach, count, numbers, x, positive, negative);
    }
}

/* Decide the signs of these neurons at a new vertex. */
INLINE void CAT(decide_, ISA)(space *s, layer *now, int64_t *v, const uint64_t *wanted)
{
    const int64_t words = now->words, n = now->padded;
    uint64_t *const positive = positive_of(s, v), *const negative = positive + words;
    CAT(judge_, ISA)(now->table, n, now->table + s->numbers * n, now->table + (s->numbers + 1) * n, now->crossing, s->numbers,
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
static void CAT(meet_, ISA)(space *s, layer *now, int64_t *met, int64_t *u, int64_t *v, int64_t c, const uint64_t *wanted)
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
    CAT(decide_, ISA)(s, now, met, wanted);
}

/* ---- Cutting ---- */

/* List the edges that crossing neuron c cuts after the current frame, as places of their positive and negative ends;
 * gives their number, or -1 if there is no room. Two vertices are joined by an edge if they share d - 1 hyperplanes and,
 * unless one of them lies on d only, no third vertex lies on all of those. */
INLINE int64_t CAT(list_edges_, ISA)(space *s, int64_t *frame, layer *now, int64_t c, const int64_t masks)
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

static int64_t CAT(find_edges_, ISA)(space *s, int64_t *frame, layer *now, int64_t c)
{
    switch (s->mask_words) {
    case 1: return CAT(list_edges_, ISA)(s, frame, now, c, 1);
    case 2: return CAT(list_edges_, ISA)(s, frame, now, c, 2);
    case 3: return CAT(list_edges_, ISA)(s, frame, now, c, 3);
    default: return CAT(list_edges_, ISA)(s, frame, now, c, s->mask_words);
    }
}

/* Complete a frame: which of the wanted neurons cross it. */
INLINE void CAT(set_crossing_, ISA)(space *s, int64_t *frame, int64_t words, const uint64_t *wanted, int with_states)
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

/* The volume of the smallest box around a polytope. */
static double CAT(box_of_, ISA)(const space *s, int64_t *frame, int64_t words)
{
    double volume = 1;
    for (int64_t i = 0; i + 1 < s->numbers; i++) {
        double low = HUGE_VAL, high = -HUGE_VAL;
        for (int64_t n = 0; n < frame[VERTICES]; n++) {
            const double x = coordinates(vertex_of(s, frame, words, n))[i];
            low = x < low ? x : low;
            high = x > high ? x : high;
        }
        volume *= high - low;
    }
    return volume;
}

/* Give a part that begins behind the list of the edges which neuron c crosses the vertices that it makes on them. */
static void CAT(meet_all_, ISA)(space *s, layer *now, int64_t *frame, int64_t *part, int64_t edges, int64_t c,
                                const uint64_t *rest)
{
    const int64_t words = now->words, *const edge = part - edges;
    part[DEPTH] = frame[DEPTH], part[VERTICES] = edges;
    for (int64_t e = 0; e < edges; e++)
        CAT(meet_, ISA)(s, now, vertex_of(s, part, words, e), vertex_of(s, frame, words, edge[e] >> 32),
                        vertex_of(s, frame, words, edge[e] & 0xffffffff), c, rest);
}

/* Cut the current polytope by its first crossing neuron into the parts where it is off and on. */
static int CAT(split_, ISA)(space *s, int64_t *frame)
{
    layer *const now = s->layers + frame[DEPTH];
    const int64_t words = now->words, stride = stride_of(s, words), count = frame[VERTICES];
    uint64_t *const rest = crossing_of(frame, words);
    const int64_t c = first_of(rest, words), edges = CAT(find_edges_, ISA)(s, frame, now, c);
    const int64_t end = s->top + frame_words(s, words, count) + edges;
    if (edges < 0 || end + 2 * frame_words(s, words, count + edges) > s->arena_words) return 0;
    int64_t *const off = s->arena + end, *on;
    drop(rest, c);
    off[BELOW] = frame[BELOW], off[SECTION] = 0;
    memcpy(on_of(off), on_of(frame), (size_t)words * 8);
    CAT(meet_all_, ISA)(s, now, frame, off, edges, c, rest);
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
        CAT(set_crossing_, ISA)(s, part, words, rest, 1);
    }
    const double off_box = CAT(box_of_, ISA)(s, off, words), on_box = CAT(box_of_, ISA)(s, on, words), whole = off_box + on_box;
    *share_of(off) = *share_of(frame) * (whole > 0 ? off_box / whole : 0.5);
    *share_of(on) = *share_of(frame) - *share_of(off);
    const int64_t off_words = frame_words(s, words, off[VERTICES]), on_words = frame_words(s, words, on[VERTICES]);
    memmove(frame, off, (size_t)(off_words + on_words) * 8);
    frame[off_words + BELOW] = s->top;
    s->top += off_words;
    s->work += 100 + edges * 40 + 4 * count;
    return 1;
}

/* Take the section by the first crossing neuron that is left: it adds the regions that the others make on it. */
static int CAT(count_section_, ISA)(space *s, int64_t *frame)
{
    layer *const now = s->layers + frame[DEPTH];
    const int64_t words = now->words, stride = stride_of(s, words), count = frame[VERTICES];
    uint64_t *const rest = crossing_of(frame, words);
    const int64_t c = first_of(rest, words), edges = CAT(find_edges_, ISA)(s, frame, now, c);
    const int64_t end = s->top + frame_words(s, words, count) + edges;
    if (edges < 0 || end + frame_words(s, words, count + edges) > s->arena_words) return 0;
    int64_t *const part = s->arena + end;
    drop(rest, c);
    part[BELOW] = s->top, part[SECTION] = 1;
    CAT(meet_all_, ISA)(s, now, frame, part, edges, c, rest);
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
    CAT(set_crossing_, ISA)(s, part, words, rest, 0);
    int64_t others = 0;
    for (int64_t w = 0; w < words; w++) crossed |= crossing_of(part, words)[w] != 0, others += ones(rest[w]);
    *share_of(part) = *share_of(frame) / (double)(others + 1);
    *share_of(frame) -= *share_of(part);
    s->regions++;
    if (!crossed) s->done += *share_of(part);
    if (crossed) {
        const int64_t taken = frame_words(s, words, part[VERTICES]);
        memmove(part - edges, part, (size_t)taken * 8);
        s->top = end - edges;
    }
    return 1;
}

/* ---- The whole ---- */

static int CAT(enter_, ISA)(space *s, int64_t *frame, int64_t depth, int64_t old_words)
{
    layer *const now = s->layers + depth;
    const int64_t count = frame[VERTICES], all = words_for(now->neurons);
    const int64_t end = s->top + frame_words(s, old_words, count);
    if (end + 2 * all * count + frame_words(s, all, count) > s->arena_words) return 0;
    if (depth) {
        set_states(now - 1, frame);
        CAT(set_forms_, ISA)(s, now, now[-1].on);
    }
    uint64_t *const signs = (uint64_t *)s->arena + end;
    for (int64_t i = 0; i < count; i++) {
        uint64_t *const positive = signs + 2 * all * i, *const negative = positive + all;
        int64_t *const v = vertex_of(s, frame, old_words, i);
        CAT(judge_, ISA)(s->forms + now->first, s->lines, s->error + now->first, s->reach + now->first, now->neurons, s->numbers,
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
    *share_of(fresh) = *share_of(frame);
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

/* Go on until about so much work is done; gives whether all regions are counted, or the arena is too small. */
static int CAT(run_, ISA)(space *s, int64_t work)
{
    s->work = 0;
    while (s->work < work) {
        if (s->top < 0) return DONE;
        int64_t *const frame = s->arena + s->top;
        const int64_t depth = frame[DEPTH], words = depth < 0 ? 0 : s->layers[depth].words;
        const int crossed = depth >= 0 && first_of(crossing_of(frame, words), words) >= 0;
        if (crossed) {
            if (!(frame[SECTION] ? CAT(count_section_, ISA)(s, frame) : CAT(split_, ISA)(s, frame))) return NEEDS_ROOM;
        } else if (depth < s->hidden - 1) {
            if (!CAT(enter_, ISA)(s, frame, depth + 1, words)) return NEEDS_ROOM;
        } else {
            if (s->with_cells && !give(s, frame)) return PAUSED;
            s->done += *share_of(frame);
            s->top = frame[BELOW];
        }
    }
    return PAUSED;
}
