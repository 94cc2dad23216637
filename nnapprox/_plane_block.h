/* Regions of deep networks, many at once: a block of faces is split by one layer after the other; see _plane.h, which
 * includes this.
 *
 * A network is continuous: what its neurons are at a vertex does not depend on the face that asks. So a layer is
 * evaluated once at every vertex, which several faces share, and not solved for its forms in every face. An edge whose
 * ends a neuron tells apart is divided where it vanishes, and what the others are there lies between what they are at
 * the ends.
 *
 * All of this is in doubles. A face that they leave anything open in is put on the stack, to be counted as a piece.
 *
 * Bounds: what is computed at a vertex is what all forms of its faces are, up to `error`, at some point; that point lies
 * at a distance of at most `place` from the vertex, and x and y are off it by at most `blur`. What is made on an edge
 * stands for a point between those of the ends: so it is off the edge's line by no more than they are, and off the line
 * of the neuron that vanishes by no more than `error` allows, which is `off`. Neither grows with the number of divisions,
 * as `place` would if it were taken from those of the ends. `doubt` bounds how far values are from those at the vertex
 * itself: this is what signs are decided by. All norms are Euclidean, of all neurons of a layer together.
 */

/* Neurons of the last layer that may cross a face of a block, and those that split faces in one go. */
enum { MOST_CHORDS = 64, MOST_SPLIT = 64, LEAST_SPLIT = 8 };

/* Vertices whose values are so many numbers are in a block, but no more than so many. */
enum { BLOCK_NUMBERS = 1 << 17, MOST_VERTICES = 1 << 11 };

/* Wider layers are evaluated more slowly than forms are changed from one piece to the next, of which there are more. */
enum { WIDEST_IN_BLOCKS = 128 };

static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

static inline double most_of(double a, double b) { return a > b ? a : b; }

static inline double *values_of(const plane *s, int32_t vertex) { return s->block.values + s->widest * vertex; }

/* Those of some neurons that are in word w of their states. */
static inline uint64_t all_in_word(int64_t count, int64_t w)
{
    return count - 64 * w < 64 ? ((uint64_t)1 << (count - 64 * w)) - 1 : ~(uint64_t)0;
}

/* ---- Edges ---- */

/* Put a cut of an edge in its order; from and to are what a neuron is at the ends. */
static inline void add_cut(cut_place *cuts, int64_t n, double from, double to, double doubt, int32_t neuron)
{
    const double span = fabs(from) + fabs(to), where = fabs(from) / span;
    for (; n && cuts[n - 1].where > where; n--) cuts[n] = cuts[n - 1];
    cuts[n] = (cut_place){where, 1.001 * doubt / span + 8 * DBL_EPSILON, span, neuron, 0, 0};
}

/* Whether doubles tell the order of cuts. */
static inline int is_ordered(plane *s, const cut_place *cuts, int64_t count)
{
    s->predicates += count - 1;
    for (int64_t n = 1; n < count; n++)
        if (!(cuts[n - 1].where + cuts[n - 1].bound < cuts[n].where - cuts[n].bound)) return 0;
    return 1;
}

/* A bound on the Euclidean norm of the gradients of all forms of a face, by what they are at three of its vertices. */
static double steepness_of(plane *s, int64_t face)
{
    const block *const b = &s->block;
    const layer *const now = s->layers + b->depth;
    const step *const steps = b->steps + b->first[face];
    const int32_t count = b->first[face + 1] - b->first[face];
    const int32_t one = steps[0].start, two = steps[count / 3].start, three = steps[2 * count / 3].start;
    const corner *const p = b->corners + one, *const q = b->corners + two, *const r = b->corners + three;
    double products[3];
    s->products(values_of(s, one), values_of(s, two), values_of(s, three), now->padded, products);
    const double ux = q->x - p->x, uy = q->y - p->y, vx = r->x - p->x, vy = r->y - p->y;
    const double u = ux * ux + uy * uy, v = vx * vx + vy * vy, sizes = products[0] * v + products[2] * u;
    const double lengths = sqrt(u) + sqrt(v), blur = 4 * most_of(p->blur, most_of(q->blur, r->blur)) + 8 * DBL_EPSILON;
    const double error = most_of(p->error, most_of(q->error, r->error));
    const double area = fabs(ux * vy - uy * vx) - blur * (lengths + blur);
    const double squares = sizes - 2 * products[1] * (ux * vx + uy * vy);
    const double rounding = 4 * (double)(now->padded + 16) * DBL_EPSILON * sizes;
    const double sum = sqrt(most_of(squares, 0) + rounding) + 2 * error * lengths +
                       blur * (sqrt(products[0]) + sqrt(products[2]) + 4 * error);
    const double bound = 1.001 * sum / area;
    return area > 0 && bound < now->steepness ? bound : now->steepness;
}

/* Make the vertex where a neuron vanishes on an edge; gives 0 if it is too close to parallel. */
static int add_corner(plane *s, const edge *e, const cut_place *c, double steepness)
{
    block *const b = &s->block;
    const int32_t made = (int32_t)b->vertices;
    const corner *const p = b->corners + e->from, *const q = b->corners + e->to;
    corner *const v = b->corners + made;
    const layer *const now = s->layers + b->depth;
    const double squares = s->between(values_of(s, e->from), values_of(s, e->to), c->where, now->padded, values_of(s, made));
    values_of(s, made)[c->neuron] = 0;
    v->x = p->x + c->where * (q->x - p->x);
    v->y = p->y + c->where * (q->y - p->y);
    v->blur = most_of(p->blur, q->blur) + 8 * DBL_EPSILON;
    v->size = most_of(p->size, q->size) * (1 + 8 * DBL_EPSILON);
    v->error = most_of(p->error, q->error) + 16 * DBL_EPSILON * v->size;
    const double length = fabs(p->x - q->x) + fabs(p->y - q->y) + 4 * v->blur;
    const double beside = steepness * e->off, wrong = v->error + beside, slant = 2.002 / c->span;
    const double along = norm_of(squares) + 2 * (v->error + beside);
    const double inherited = 1.001 * (most_of(p->doubt, q->doubt) + c->bound * along) + 16 * DBL_EPSILON * v->size;
    v->place = 1.001 * e->off + wrong * length * slant;
    v->off = v->error * length * slant;
    v->doubt = 1.001 * (v->error + beside + wrong * slant * along);
    if (inherited < v->doubt) v->doubt = inherited;
    b->vertices++;
    return c->span > 4 * wrong;
}

/* The neurons that an edge's ends tell apart. */
static inline uint64_t crossing(const block *b, const edge *e)
{
    const states from = b->signs[e->from], to = b->signs[e->to];
    return (from.on & to.off) | (from.off & to.on);
}

/* Divide an edge of the block where neurons vanish on it, into one more than they are; gives 0 if doubles do not tell
 * in which order they do. */
static int divide(plane *s, const edge *whole, uint64_t across, int64_t face)
{
    block *const b = &s->block;
    const corner *const p = b->corners + whole->from, *const q = b->corners + whole->to;
    const double *const from = values_of(s, whole->from), *const to = values_of(s, whole->to);
    edge *const parts = s->made.edge + s->made.edges++;
    parts[0] = *whole;
    if (!across) return 1;
    if (s->steepness[face] < 0) s->steepness[face] = steepness_of(s, face);
    cut_place cuts[MOST_SPLIT];
    int64_t count = 0;
    for (uint64_t left = across; left; left &= left - 1) {
        const int32_t k = (int32_t)b->done + lowest_bit(left);
        add_cut(cuts, count++, from[k], to[k], most_of(p->doubt, q->doubt), k);
    }
    int told = is_ordered(s, cuts, count);
    const states start = b->signs[whole->from], end = b->signs[whole->to];
    const uint64_t on = (start.on | end.on) & ~across, off = (start.off | end.off) & ~across;
    uint64_t behind = 0, ahead = across;
    for (int64_t n = 0; n < count; n++) {
        const int32_t v = (int32_t)b->vertices, k = cuts[n].neuron;
        told &= add_corner(s, whole, cuts + n, s->steepness[face]);
        const uint64_t here = (uint64_t)1 << (k - b->done);
        ahead ^= here;
        b->signs[v].on = on | (start.on & ahead) | (end.on & behind);
        b->signs[v].off = off | (start.off & ahead) | (end.off & behind);
        behind |= here;
        parts[n].to = v;
        parts[n + 1] = *whole;
        parts[n + 1].from = v;
        s->made.edges++;
    }
    return told;
}

/* ---- Faces ---- */

/* Append a face to those that are made: its boundary, and the states of a face that it is part of, where more are on. */
static inline void add_face(plane *s, const step *steps, int64_t count, const uint64_t *pattern, uint64_t on)
{
    const block *const b = &s->block;
    block *const made = &s->made;
    step *const boundary = made->steps + made->first[made->faces];
    uint64_t *const states = made->patterns + s->pattern_size * made->faces;
    for (int64_t n = 0; n < count; n++) boundary[n] = steps[n];
    for (int64_t w = 0; w < s->pattern_size; w++) states[w] = pattern[w];
    states[s->layers[b->depth].states + b->done / 64] |= on << b->done % 64;
    made->faces++;
    made->first[made->faces] = made->first[made->faces - 1] + (int32_t)count;
}

/* Append what a step has become. */
static inline int64_t add_parts(const plane *s, step whole, step *steps, int64_t count)
{
    const edge *const made = s->made.edge;
    const int32_t first = s->parts[whole.edge / 2], end = s->parts[whole.edge / 2 + 1];
    if (whole.edge & 1)
        for (int32_t e = end; e-- > first;) steps[count++] = (step){2 * e + 1, made[e].to};
    else
        for (int32_t e = first; e < end; e++) steps[count++] = (step){2 * e, made[e].from};
    return count;
}

/* Split the last of the boundaries by its first neuron, or append it to the faces made if there is none; gives 0 if
 * doubles do not tell how. */
static int split_last(plane *s, int64_t face)
{
    block *const b = &s->block;
    const int64_t begin = s->boundary[s->waiting - 1], count = s->boundary[s->waiting] - begin;
    step *const steps = s->steps + begin;
    states any = {0, 0};
    for (int64_t n = 0; n < count; n++) {
        const states at = b->signs[steps[n].start];
        any.on |= at.on, any.off |= at.off;
    }
    if (!(any.on & any.off)) {
        add_face(s, steps, count, b->patterns + s->pattern_size * face, any.on);
        s->waiting--;
        return 1;
    }
    const int bit = lowest_bit(any.on & any.off);
    int64_t ends[3] = {0, 0, 0}, found = 0;
    for (int64_t n = 0; n < count; n++) { /* without a branch, which could not be foretold */
        const states at = b->signs[steps[n].start];
        ends[found] = n;
        found += (found < 2) & ~((at.on | at.off) >> bit);
    }
    if (found < 2) return 0;
    const int32_t one = steps[ends[0]].start, other = steps[ends[1]].start;
    const double off = most_of(b->corners[one].off, b->corners[other].off);
    const edge chord = {one, other, (int32_t)(s->layers[b->depth].first + b->done) + bit, off};
    const int64_t first = s->made.edges;
    if (!divide(s, &chord, crossing(b, &chord), face)) return 0;
    /* the part between the ends moves up, and the one around it closes */
    const int64_t parts = s->made.edges - first, inner = ends[1] - ends[0], outer = count - inner + parts;
    step *const moved = s->spare, *place = steps + ends[0];
    memcpy(moved, place, (size_t)inner * sizeof *moved);
    memmove(place + parts, steps + ends[1], (size_t)(count - ends[1]) * sizeof *steps);
    for (int32_t e = (int32_t)first; e < s->made.edges; e++) *place++ = (step){2 * e, s->made.edge[e].from};
    place = steps + outer;
    memcpy(place, moved, (size_t)inner * sizeof *moved);
    place += inner;
    for (int32_t e = (int32_t)s->made.edges; e-- > first;) *place++ = (step){2 * e + 1, s->made.edge[e].to};
    s->boundary[s->waiting++] = begin + outer;
    s->boundary[s->waiting] = begin + outer + inner + parts;
    return 1;
}

/* Split a face by the neurons that cross it; gives 0, and makes nothing, if doubles do not tell how. */
static int split_face(plane *s, int64_t face)
{
    const block *const b = &s->block;
    const int64_t faces = s->made.faces, edges = s->made.edges, vertices = b->vertices;
    int64_t count = 0;
    int told = 1;
    for (int32_t n = b->first[face]; n < b->first[face + 1]; n++) {
        told &= !s->tangled[b->steps[n].edge / 2];
        count = add_parts(s, b->steps[n], s->steps, count);
    }
    s->boundary[0] = 0, s->boundary[1] = count;
    for (s->waiting = 1; told && s->waiting;) told = split_last(s, face);
    if (!told) s->made.faces = faces, s->made.edges = edges, s->block.vertices = vertices;
    return told;
}

/* Keep a face that no neuron crosses. */
static inline void keep_face(plane *s, int64_t face)
{
    const block *const b = &s->block;
    const step *const steps = b->steps + b->first[face];
    const int64_t count = b->first[face + 1] - b->first[face];
    for (int64_t n = 0; n < count; n++)
        s->steps[n] = (step){2 * s->parts[steps[n].edge / 2] + (steps[n].edge & 1), steps[n].start};
    add_face(s, s->steps, count, b->patterns + s->pattern_size * face, s->any[face].on);
}

/* ---- Counting the faces that the last layer makes ---- */

/* What neurons are where one of them cuts an edge, and how far that may be off. */
static inline double value_at_cut(const plane *s, const cut_place *c, int32_t k, double *bound)
{
    const block *const b = &s->block;
    const double from = values_of(s, c->from)[k], to = values_of(s, c->to)[k];
    *bound = 1.001 * (most_of(b->corners[c->from].doubt, b->corners[c->to].doubt) + c->bound * fabs(to - from)) +
             8 * DBL_EPSILON * (fabs(from) + fabs(to));
    return from + c->where * (to - from);
}

/* The cuts of an edge that a face's boundary follows, by the last layer, in this order; -1 if doubles do not tell it,
 * or if there are too many. */
static int64_t cuts_of(plane *s, step along, cut_place *cuts, int64_t room)
{
    const block *const b = &s->block;
    const edge *const e = b->edge + along.edge / 2;
    const int32_t start = along.start, end = along.edge & 1 ? e->from : e->to;
    const int64_t words = mask_words(s->layers[b->depth].neurons);
    const states *const from = b->signs + words * start, *const to = b->signs + words * end;
    const double doubt = most_of(b->corners[start].doubt, b->corners[end].doubt);
    int64_t count = 0;
    for (int64_t w = 0; w < words; w++) {
        for (uint64_t left = (from[w].on & to[w].off) | (from[w].off & to[w].on); left; left &= left - 1) {
            const int32_t k = (int32_t)(64 * w) + lowest_bit(left);
            if (count == room) return -1;
            add_cut(cuts, count++, values_of(s, start)[k], values_of(s, end)[k], doubt, k);
        }
    }
    for (int64_t n = 0; n < count; n++) cuts[n].from = start, cuts[n].to = end;
    return count < 2 || is_ordered(s, cuts, count) ? count : -1;
}

/* The number of earlier chords of a face that one meets; -1 if doubles do not tell whether it meets some in one point. */
static int64_t meetings_of(plane *s, const cut_place *cuts, int32_t (*chords)[2], int64_t chord)
{
    const int32_t start = chords[chord][0], end = chords[chord][1];
    int32_t met[MOST_CHORDS];
    int64_t count = 0;
    for (int64_t n = 0; n < chord; n++) {
        const int starts_inside = chords[n][0] > start && chords[n][0] < end;
        const int ends_inside = chords[n][1] > start && chords[n][1] < end;
        if (starts_inside != ends_inside) met[count++] = cuts[chords[n][0]].neuron;
    }
    if (count < 2) return count;
    cut_place places[MOST_CHORDS];
    for (int64_t n = 0; n < count; n++) {
        double from_bound, to_bound;
        const double from = value_at_cut(s, cuts + start, met[n], &from_bound);
        const double to = value_at_cut(s, cuts + end, met[n], &to_bound);
        add_cut(places, n, from, to, most_of(from_bound, to_bound), met[n]);
    }
    return is_ordered(s, places, count) ? count : -1;
}

/* Whether doubles tell the signs of all neurons at all vertices of a face, and whether some of them cross it. */
static int is_sure(const plane *s, int64_t face, int *crossed)
{
    const block *const b = &s->block;
    const int64_t neurons = s->layers[b->depth].neurons, words = mask_words(neurons);
    *crossed = 0;
    for (int64_t w = 0; w < words; w++) {
        states any = {0, 0};
        uint64_t sure = all_in_word(neurons, w);
        for (int32_t n = b->first[face]; n < b->first[face + 1]; n++) {
            const states at = b->signs[words * b->steps[n].start + w];
            any.on |= at.on, any.off |= at.off, sure &= at.on | at.off;
        }
        if (sure != all_in_word(neurons, w)) return 0;
        *crossed |= (any.on & any.off) != 0;
    }
    return 1;
}

/* Count the faces that the last layer makes of one; gives 0 if doubles do not tell. */
static int count_face(plane *s, int64_t face)
{
    const block *const b = &s->block;
    cut_place cuts[2 * MOST_CHORDS];
    int32_t chords[MOST_CHORDS][2];
    int64_t count = 0, found = 0, regions = 1;
    int crossed;
    if (!is_sure(s, face, &crossed)) return 0;
    for (int32_t n = b->first[face]; crossed && n < b->first[face + 1]; n++) {
        const int64_t more = cuts_of(s, b->steps[n], cuts + count, 2 * MOST_CHORDS - count);
        if (more < 0) return 0;
        count += more;
    }
    for (int32_t i = 0; i < count; i++) {
        int64_t n = 0;
        while (n < found && cuts[chords[n][0]].neuron != cuts[i].neuron) n++;
        if (n == MOST_CHORDS) return 0;
        chords[n][n < found] = i;
        found += n == found;
    }
    if (count != 2 * found) return 0;
    for (int64_t n = 0; n < found; n++) {
        const int64_t met = meetings_of(s, cuts, chords, n);
        if (met < 0) return 0;
        regions += 1 + met;
    }
    s->regions += regions;
    s->work += 20 + found * found;
    return 1;
}
