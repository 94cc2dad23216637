/* The chords that the neurons of the last layer make in the current piece: they are counted, and told from one another,
 * without making the parts; see _plane.h, which includes this.
 *
 * A chord begins at the end that comes first on the way around the piece from its vertex 0. Seen from a point just before
 * that vertex, all chords go the same way around: every part but the one at that point, which is left of all chords, has
 * one vertex that comes first, and right behind it lies right of a chord: where the chord begins, or where it meets a
 * chord that goes on to its right. Thus walking along all chords, and looking to the right, finds every part once.
 */

/* The ends of the chord that a line makes; gives on which side it is positive: 1 if right of it, -1 if left. */
static int set_ends(plane *s, int32_t line, point ends[2])
{
    const piece *const p = &s->now;
    set_signs(s, p, line);
    int found = 0, right = 0;
    for (int64_t i = 0; i < p->vertices && found < 2; i++) {
        const int sign = s->signs[i], following = s->signs[i + 1 < p->vertices ? i + 1 : 0];
        if (sign && sign * following >= 0) continue;
        if (!found) right = following;
        ends[found] = sign ? meet(s, p->line[i], line) : (point){p->x[i], p->y[i], p->error[i], p->line[i], 0};
        ends[found++].place = (int32_t)(2 * i + !sign);
    }
    return right;
}

/* The value of a chord's form at an end of another, with a bound on its error. */
static inline double value_at_end(const chord *met, const point *end, double *bound)
{
    *bound = met->error + met->reach * end->error;
    return met->a * end->x + (met->b * end->y + met->c);
}

static inline int sign_at_end(plane *s, const chord *met, const point *end, int32_t line, double value, double bound)
{
    return value > bound ? 1 : value < -bound ? -1 : exact_sign(s, end->side, line, met->line);
}

/* Whether a chord vanishes at both ends of another. */
static inline int is_same_chord(plane *s, const chord *one, const chord *other)
{
    if (one->ends[0].place != other->ends[0].place || one->ends[1].place != other->ends[1].place) return 0;
    for (int i = 0; i < 2; i++) {
        double bound;
        const double value = value_at_end(one, other->ends + i, &bound);
        s->predicates++;
        if (sign_at_end(s, one, other->ends + i, other->line, value, bound)) return 0;
    }
    return 1;
}

/* Take in the chord of the next neuron that crosses the piece. */
static void add_chord(plane *s)
{
    chord_list *const chords = &s->chords;
    const int32_t k = s->now.neuron[chords->next++];
    const int32_t line = (int32_t)s->layers[s->hidden - 1].first + k;
    chord *const added = chords->list + chords->count;
    const int right = set_ends(s, line, added->ends);
    added->a = s->a[line], added->b = s->b[line], added->c = s->c[line];
    added->error = s->error[line], added->reach = reach_of(s, line), added->line = line;
    added->right = right;
    added->step = 0;
    int64_t n = 0;
    while (n < chords->count && !is_same_chord(s, chords->list + n, added)) n++;
    chords->count += n == chords->count;
    s->work += 4 * s->now.vertices + chords->count / 2;
    if (!s->printing) return;
    const uint64_t bend = bend_of(s, k);
    chord *const same = chords->list + n;
    same->step = right > 0 ? plus(same->step, bend) : minus(same->step, bend);
    if (right < 0) chords->left = plus(chords->left, bend);
}

/* Find where a chord meets others inside the piece, and the fingerprint left of it at its beginning, if asked for. */
static int64_t set_meetings(plane *s, int64_t walked, int64_t others, uint64_t *print)
{
    const chord *const chords = s->chords.list, *const along = chords + walked;
    int64_t count = 0;
    for (int64_t n = 0; n < others; n++) {
        const chord *const other = chords + n;
        if (n == walked) continue;
        double p_bound, q_bound;
        const double p = value_at_end(other, along->ends, &p_bound), q = value_at_end(other, along->ends + 1, &q_bound);
        const int p_sign = sign_at_end(s, other, along->ends, along->line, p, p_bound);
        const int q_sign = sign_at_end(s, other, along->ends + 1, along->line, q, q_bound);
        const int from_right = (p_sign ? p_sign : q_sign) == other->right;
        if (from_right && print) *print = plus(*print, other->step);
        if (p_sign * q_sign >= 0) continue;
        const double span = fabs(p) + fabs(q), where = fabs(p) / span;
        const double bound = 1.001 * (p_bound > q_bound ? p_bound : q_bound) / span + 8 * DBL_EPSILON;
        meeting *const met = s->chords.meetings + count++;
        met->low = bound < 1 ? where - bound : -1;
        met->high = bound < 1 ? where + bound : 2;
        met->chord = (int32_t)n;
        met->from_right = (int8_t)from_right;
        met->sign = (int8_t)p_sign;
    }
    return count;
}

static void sort_meetings(meeting *list, int64_t count)
{
    int64_t gap = 1;
    while (gap < count / 3) gap = 3 * gap + 1;
    for (; gap; gap /= 3) {
        for (int64_t i = gap; i < count; i++) {
            const meeting moved = list[i];
            int64_t j = i;
            for (; j >= gap && list[j - gap].low > moved.low; j -= gap) list[j] = list[j - gap];
            list[j] = moved;
        }
    }
}

/* Whether a meeting comes after another on the way along a line, 0 if they are the same point, or -1 if before. */
static int order_of(plane *s, int32_t line, const meeting *met, const meeting *other)
{
    const chord *const chords = s->chords.list;
    s->predicates++;
    if (met->low > other->high) return 1;
    if (met->high < other->low) return -1;
    /* before it meets a chord, the line is where the chord has this sign */
    return exact_sign(s, line, chords[other->chord].line, chords[met->chord].line) * met->sign;
}

/* Put meetings in order along a line, and note which are at the same point as the one before. */
static void arrange(plane *s, int32_t line, meeting *list, int64_t count)
{
    sort_meetings(list, count);
    double high = -1;
    int64_t first = 0; /* of those that may not be in order */
    for (int64_t i = 0; i < count; i++) {
        if (list[i].low > high) first = i;
        high = list[i].high > high ? list[i].high : high;
        const meeting moved = list[i];
        int64_t j = i;
        int order = 1;
        while (j > first && (order = order_of(s, line, &moved, list + j - 1)) < 0) {
            list[j] = list[j - 1];
            j--;
        }
        list[j] = moved;
        list[j].same = !order;
    }
}

/* Find the parts right of the next chord; at first, the one that is left of all. */
static void walk(plane *s)
{
    chord_list *const chords = &s->chords;
    if (chords->walked < 0) {
        chords->walked = 0;
        tell(s, chords->left);
        return;
    }
    const int64_t walked = chords->walked++, others = s->printing ? chords->count : walked;
    const chord *const along = chords->list + walked;
    uint64_t print = s->printing ? plus(chords->left, along->step) : 0;
    const int64_t met = set_meetings(s, walked, others, s->printing ? &print : NULL);
    arrange(s, along->line, chords->meetings, met);
    tell(s, print);
    for (int64_t i = 0; i < met;) {
        int found = !s->printing;
        do {
            const meeting *const now = chords->meetings + i++;
            const uint64_t step = chords->list[now->chord].step;
            print = now->from_right ? minus(print, step) : plus(print, step);
            found |= now->from_right;
        } while (i < met && chords->meetings[i].same);
        if (found) tell(s, print);
    }
    s->predicates += 2 * others;
    s->work += 6 * others;
}
