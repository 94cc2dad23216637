/* Blocks of faces are evaluated, split, halved and taken from the stack: see _plane_block.h for what they are, and _plane.h,
 * which includes this. */

/* Evaluate the layer at some vertices of the block. */
static void evaluate_block(plane *s, int64_t work)
{
    block *const b = &s->block;
    const layer *const now = s->layers + b->depth, *const below = now - 1;
    const double steepest = most_of(1, fabs(s->slope));
    for (; b->evaluated < b->vertices && s->work < work; b->evaluated++) {
        double *const values = values_of(s, (int32_t)b->evaluated);
        corner *const v = b->corners + b->evaluated;
        const double unit = s->unit == 2 ? 1 : s->unit ? v->y : v->x;
        /* one roundoff a term, and some for the weights, the activation, and what is not counted twice here */
        const double rounding = (double)(below->neurons + 8) * (DBL_EPSILON / 2) * now->total_norm * steepest * v->size;
        const double squares = s->evaluate(now->weights, now->bias, now->padded, below->padded, s->slope, unit, values,
                                           s->factors, s->active);
        v->size = norm_of(squares);
        const double made = rounding + now->bias_doubt + now->bias_norm * v->blur + 16 * DBL_EPSILON * v->size;
        v->error = 1.001 * (now->spread * steepest * v->error + made);
        v->doubt = 1.001 * (now->spread * steepest * v->doubt + made + now->bias_norm * v->place);
        s->work += now->padded * (below->neurons + 16) / 32;
    }
}

/* Find what is sure of some neurons of the layer at all vertices of the block. */
static void mark_block(plane *s, int64_t first, int64_t count)
{
    block *const b = &s->block;
    s->mark(b->values + first, s->widest, b->corners, b->vertices, count, b->signs);
    s->work += (count + 16) * b->vertices / 8;
}

/* Which neurons cross faces of the block, and which faces doubles do not tell; gives whether there is room for all that
 * may be made. */
static int plan_split(plane *s, int64_t neurons)
{
    const block *const b = &s->block;
    const uint64_t all = all_in_word(neurons, 0);
    int64_t faces = 0, ends = 0, met = 0;
    for (int64_t e = 0; e < b->edges; e++) s->owner[e] = -1;
    for (int64_t f = 0; f < b->faces; f++) {
        states any = {0, 0};
        uint64_t sure = all;
        for (int32_t n = b->first[f]; n < b->first[f + 1]; n++) {
            const states at = b->signs[b->steps[n].start];
            any.on |= at.on, any.off |= at.off, sure &= at.on | at.off;
            s->owner[b->steps[n].edge / 2] = (int32_t)f;
        }
        s->any[f] = any;
        s->open[f] = sure != all;
        s->steepness[f] = -1;
        int64_t chords = 0;
        for (uint64_t left = any.on & any.off; left; left &= left - 1) chords++;
        faces += 1 + chords + chords * (chords - 1) / 2;
        ends += 2 * chords, met += chords * (chords - 1) / 2;
    }
    s->work += 10 * b->faces;
    const int64_t vertices = b->vertices + ends + met, edges = b->edges + ends + ends / 2 + 2 * met;
    return faces <= s->most_faces && vertices <= s->most_vertices && edges <= 2 * s->most_vertices;
}

static double area_of_face(const block *b, int64_t face)
{
    double twice = 0;
    for (int32_t n = b->first[face]; n < b->first[face + 1]; n++) {
        const int32_t next = n + 1 < b->first[face + 1] ? n + 1 : b->first[face];
        const corner *const p = b->corners + b->steps[n].start, *const q = b->corners + b->steps[next].start;
        twice += p->x * q->y - q->x * p->y;
    }
    return fabs(twice) / 2;
}

static double area_of_block(const block *b)
{
    double area = 0;
    for (int64_t f = 0; f < b->faces; f++) area += area_of_face(b, f);
    return area;
}

/* Finish what is put on the stack: it takes so many words. */
static void put_head(plane *s, int64_t words, int64_t depth, int64_t count, int64_t kind)
{
    const int64_t head[HEAD] = {s->arena_top, 0, depth, count, 0, kind};
    memcpy(s->arena + s->arena_top + words, head, sizeof head);
    s->arena_top += words + HEAD;
}

/* Leave a face of the block to be counted as a piece: its states and the lines around it go on the stack. */
static void leave_face(plane *s, int64_t face)
{
    const block *const b = &s->block;
    int64_t *const place = s->arena + s->arena_top;
    const int64_t count = b->first[face + 1] - b->first[face];
    const double area = area_of_face(b, face);
    memcpy(place, &area, sizeof area);
    memcpy(place + 1, b->patterns + s->pattern_size * face, (size_t)s->pattern_size * sizeof *place);
    int32_t *const lines = (int32_t *)(place + 1 + s->pattern_size);
    for (int64_t n = 0; n < count; n++) lines[n] = b->edge[b->steps[b->first[face] + n].edge / 2].line;
    put_head(s, 1 + s->pattern_size + (count + 1) / 2, b->depth, count, FACE);
}

/* Split the faces of the block by so many neurons. */
static void split_block(plane *s, int64_t neurons)
{
    block *const b = &s->block, *const made = &s->made;
    const int64_t vertices = b->vertices;
    made->faces = made->edges = 0;
    made->first[0] = 0;
    for (int64_t e = 0; e < b->edges; e++) {
        s->parts[e] = (int32_t)made->edges;
        s->tangled[e] = 0;
        if (s->owner[e] < 0) continue; /* its faces have been left */
        s->tangled[e] = (unsigned char)!divide(s, b->edge + e, crossing(b, b->edge + e), s->owner[e]);
    }
    s->parts[b->edges] = (int32_t)made->edges;
    for (int64_t f = 0; f < b->faces; f++) {
        const int crossed = (s->any[f].on & s->any[f].off) != 0;
        if (!s->open[f] && !crossed) keep_face(s, f);
        else if (s->open[f] || !split_face(s, f)) leave_face(s, f);
    }
    s->predicates += neurons * vertices;
    s->work += 20 * made->faces + s->layers[b->depth].padded * (b->vertices - vertices) / 4;
    const block old = *b;
    b->faces = made->faces, b->edges = made->edges;
    b->edge = made->edge, b->first = made->first, b->steps = made->steps, b->patterns = made->patterns;
    made->edge = old.edge, made->first = old.first, made->steps = old.steps, made->patterns = old.patterns;
    b->evaluated = b->vertices;
    b->done += neurons;
    if (b->done == s->layers[b->depth].neurons) {
        b->depth++;
        b->done = b->evaluated = 0;
    }
}

/* Words of memory that the arrays of a block take. */
static inline int64_t words_of(const plane *s, const block *b, int64_t steps)
{
    enum { CORNER = sizeof(corner) / sizeof(int64_t), EDGE = sizeof(edge) / sizeof(int64_t) };
    return b->vertices * (CORNER + s->widest) + b->edges * EDGE + b->faces * s->pattern_size +
           (b->faces + 2) / 2 + steps;
}

/* Point a block of known size at its place in memory. */
static void lay_out_block(const plane *s, block *b, int64_t *words, int64_t steps)
{
    b->corners = (corner *)words;
    b->values = (double *)(b->corners + b->vertices);
    b->edge = (edge *)(b->values + b->vertices * s->widest);
    b->patterns = (uint64_t *)(b->edge + b->edges);
    b->steps = (step *)(b->patterns + b->faces * s->pattern_size);
    b->first = (int32_t *)(b->steps + steps);
}

/* Words of memory that a waiting block takes before its arrays. */
enum { BLOCK_HEAD = sizeof(block) / sizeof(int64_t) };

/* Copy faces of the block with their edges and vertices to another one, or to its own beginning. */
static void copy_faces(plane *s, int64_t from, int64_t end, block *to)
{
    const block b = s->block;
    const int32_t first = b.first[from];
    for (int64_t n = b.first[from]; n < b.first[end]; n++)
        to->steps[n - first] = (step){2 * s->new_edges[b.steps[n].edge / 2] + (b.steps[n].edge & 1),
                                      s->new_vertices[b.steps[n].start]};
    for (int64_t f = from; f <= end; f++) to->first[f - from] = b.first[f] - first;
    memmove(to->patterns, b.patterns + s->pattern_size * from,
            (size_t)(s->pattern_size * (end - from)) * sizeof *to->patterns);
    for (int64_t e = 0; e < b.edges; e++) {
        if (s->new_edges[e] < 0) continue;
        edge *const copied = to->edge + s->new_edges[e];
        *copied = b.edge[e];
        copied->from = s->new_vertices[copied->from], copied->to = s->new_vertices[copied->to];
    }
    for (int64_t v = 0; v < b.vertices; v++) {
        if (s->new_vertices[v] < 0) continue;
        to->corners[s->new_vertices[v]] = b.corners[v];
        memmove(to->values + s->widest * s->new_vertices[v], b.values + s->widest * v,
                (size_t)s->widest * sizeof *b.values);
    }
    to->depth = b.depth, to->done = b.done;
}

/* Number the edges and vertices of some faces anew, and tell their numbers. */
static void number_anew(plane *s, int64_t from, int64_t end, block *numbers)
{
    const block *const b = &s->block;
    for (int64_t e = 0; e < b->edges; e++) s->new_edges[e] = -1;
    for (int64_t v = 0; v < b->vertices; v++) s->new_vertices[v] = -1;
    for (int32_t n = b->first[from]; n < b->first[end]; n++) s->new_edges[b->steps[n].edge / 2] = 0;
    numbers->faces = end - from;
    numbers->edges = numbers->vertices = 0;
    for (int64_t e = 0; e < b->edges; e++) {
        if (s->new_edges[e] < 0) continue;
        s->new_edges[e] = (int32_t)numbers->edges++;
        s->new_vertices[b->edge[e].from] = s->new_vertices[b->edge[e].to] = 0;
    }
    for (int64_t v = 0; v < b->vertices; v++)
        if (!s->new_vertices[v]) s->new_vertices[v] = (int32_t)numbers->vertices++;
    numbers->evaluated = numbers->vertices;
}

/* Put the second half of the block on the stack. */
static void halve_block(plane *s)
{
    block *const b = &s->block;
    const int64_t half = b->faces / 2, steps = b->first[b->faces] - b->first[half];
    block waiting = {0}, kept = *b;
    number_anew(s, half, b->faces, &waiting);
    int64_t *const place = s->arena + s->arena_top;
    lay_out_block(s, &waiting, place + BLOCK_HEAD, steps);
    copy_faces(s, half, b->faces, &waiting);
    memcpy(place, &waiting, sizeof waiting);
    put_head(s, BLOCK_HEAD + words_of(s, &waiting, steps), b->depth, steps, BLOCK);
    number_anew(s, 0, half, &kept);
    copy_faces(s, 0, half, &kept);
    *b = kept;
    s->work += s->widest * b->vertices / 4;
}

/* The words that a halving or the leaving of all faces takes at most. */
static int64_t room_to_advance(const plane *s)
{
    const block *const b = &s->block;
    return words_of(s, b, b->first[b->faces]) + BLOCK_HEAD + b->faces * (HEAD + 3);
}

/* Go on with the block; gives 0 if the arena has no room for what that leaves there. */
static int advance(plane *s, int64_t work)
{
    block *const b = &s->block;
    if (s->arena_top + room_to_advance(s) > s->arena_words) return 0;
    const layer *const now = s->layers + b->depth;
    if (b->evaluated < b->vertices) {
        evaluate_block(s, work);
    } else if (b->depth == s->hidden - 1) {
        mark_block(s, 0, now->neurons);
        s->predicates += now->neurons * b->vertices;
        for (int64_t f = 0; f < b->faces; f++)
            if (!count_face(s, f)) leave_face(s, f);
        b->faces = 0;
    } else {
        const int64_t neurons = smaller(smaller(s->at_once, 64 - b->done % 64), now->neurons - b->done);
        mark_block(s, b->done, neurons);
        const int fits = plan_split(s, neurons);
        if (fits) split_block(s, neurons);
        else if (b->faces > 1) halve_block(s);
        else if (s->at_once > LEAST_SPLIT) s->at_once /= 2;
        else leave_face(s, 0), b->faces = 0;
        if (fits || !b->faces) s->at_once = MOST_SPLIT;
    }
    return 1;
}

/* Make the block that waits on top of the stack the current one. */
static void take_block(plane *s)
{
    const int64_t *const head = s->arena + s->arena_top - HEAD;
    int64_t *const place = s->arena + head[0];
    block waiting, *const b = &s->block;
    memcpy(&waiting, place, sizeof waiting);
    lay_out_block(s, &waiting, place + BLOCK_HEAD, head[3]);
    b->depth = waiting.depth, b->done = waiting.done, b->evaluated = waiting.evaluated;
    b->faces = waiting.faces, b->vertices = waiting.vertices, b->edges = waiting.edges;
    memcpy(b->corners, waiting.corners, (size_t)b->vertices * sizeof *b->corners);
    memcpy(b->values, waiting.values, (size_t)(b->vertices * s->widest) * sizeof *b->values);
    memcpy(b->edge, waiting.edge, (size_t)b->edges * sizeof *b->edge);
    memcpy(b->patterns, waiting.patterns, (size_t)(b->faces * s->pattern_size) * sizeof *b->patterns);
    memcpy(b->first, waiting.first, (size_t)(b->faces + 1) * sizeof *b->first);
    memcpy(b->steps, waiting.steps, (size_t)waiting.first[b->faces] * sizeof *b->steps);
    s->arena_top = head[0];
    s->work += s->widest * b->vertices / 8;
}

/* Make a face that waits on top of the stack the current piece. */
static void take_face(plane *s)
{
    const int64_t *const head = s->arena + s->arena_top - HEAD, depth = head[2];
    const uint64_t *const states = (const uint64_t *)(s->arena + head[0] + 1);
    const int32_t *const lines = (const int32_t *)(states + s->pattern_size);
    for (int64_t d = 1; d <= depth; d++) set_forms(s, d, states + s->layers[d - 1].states);
    piece *const p = &s->now;
    p->vertices = 0;
    for (int64_t i = 0; i < head[3]; i++) {
        const point met = meet(s, lines[i ? i - 1 : head[3] - 1], lines[i]);
        add_vertex(p, met.x, met.y, met.error, lines[i]);
    }
    if (depth)
        memcpy(p->on, states + s->layers[depth - 1].states,
               (size_t)mask_words(s->layers[depth].inputs) * sizeof *p->on);
    s->arena_top = head[0];
    enter(s, depth);
}

/* Bound what the evaluation of layers takes part in. */
static void set_norms_of_layers(plane *s)
{
    const double steepest = most_of(1, fabs(s->slope));
    for (layer *now = s->layers; now < s->layers + s->hidden; now++) {
        double gradients = 0, weights = 0, biases = 0, doubts = 0;
        for (int64_t k = 0; k < now->neurons; k++) {
            const int64_t line = now->first + k;
            const double doubt = now == s->layers ? s->error[line] : now->bias_error[k];
            doubts += doubt * doubt;
            if (now == s->layers) {
                gradients += (reach_of(s, line) + doubt) * (reach_of(s, line) + doubt);
            } else {
                weights += now->norm[k] * now->norm[k];
                biases += s->unit == 2 ? 0 : now->bias[k] * now->bias[k];
            }
        }
        now->total_norm = norm_of(weights), now->bias_norm = norm_of(biases), now->bias_doubt = norm_of(doubts);
        now->steepness = norm_of(gradients);
        if (now > s->layers) now->steepness = 1.001 * now->spread * steepest * now[-1].steepness + now->bias_norm;
    }
}

/* Begin with the domain, as the only face of the block. */
static void start_block(plane *s)
{
    block *const b = &s->block;
    const layer *const now = s->layers;
    set_norms_of_layers(s);
    b->faces = 1, b->vertices = b->edges = b->evaluated = s->sides;
    b->first[0] = 0, b->first[1] = (int32_t)s->sides;
    memset(b->patterns, 0, (size_t)s->pattern_size * sizeof *b->patterns);
    for (int32_t i = 0; i < s->sides; i++) {
        const point met = meet(s, i ? i - 1 : (int32_t)s->sides - 1, i);
        double squares = 0;
        for (int64_t k = 0; k < now->padded; k++) {
            const double value = value_at(s, now->first + k, met.x, met.y);
            values_of(s, i)[k] = value;
            squares += value * value;
        }
        const double place = 1.5 * met.error, doubt = 1.001 * (now->bias_doubt + now->steepness * place);
        b->corners[i] = (corner){met.x, met.y, place, now->bias_doubt, doubt, norm_of(squares), 0, place};
        b->edge[i] = (edge){i, i + 1 < s->sides ? i + 1 : 0, i, 0};
        b->steps[i] = (step){2 * i, i};
    }
    for (int32_t i = 0; i < s->sides; i++)
        b->edge[i].off = most_of(b->corners[b->edge[i].from].place, b->corners[b->edge[i].to].place);
}
