/* Samples as the kernels read them: rows of an array for evaluation, records for training.
 *
 * Included by _steps.h, for one number type T. Every way of reading gives values times scale and the byte offsets of
 * the first layer's rows that they meet, padded to whole groups of LIST_STEP with zeros times row 0.
 */

static NAME(inputs) NAME(input_room)(const layer_plan *first, T *scratch)
{
    const int64_t room = PADDED(first->inputs);
    NAME(inputs) in = {scratch, (uint32_t *)(scratch + GROUP * room), 0, room, NULL, 0};
    return in;
}

/* Offsets of all rows of a layer, for inputs that are not a list; the padding takes different rows, so that it does
 * not wait for itself. */
static void NAME(name_all_rows)(const layer_plan *layer, uint32_t *offsets)
{
    for (int64_t k = 0; k < WHOLE(layer->inputs); k++)
        offsets[k] = (uint32_t)(k % layer->inputs * layer->stride * (int64_t)sizeof(T));
}

static const record_head *NAME(record)(const records *data, int64_t n)
{
    CHECK(n >= 0 && n < data->count);
    return (const record_head *)(data->start + data->where[n]);
}

/* Values of a sparse record, padded with zeros, are a whole number of 16; so are its columns. */
static void NAME(fetch_sparse)(const records *data, const record_head *head, int64_t row_bytes, NAME(inputs) *in)
{
    const int64_t stored = (head->count + 15) & ~15;
    const void *values = head + 1;
    const uint16_t *restrict columns =
        (const uint16_t *)((const char *)values + stored * (data->are_bytes ? 1 : (int64_t)sizeof(T)));
    const T scale = (T)data->scale;
    T *restrict x = in->x;
    uint32_t *restrict offsets = in->offsets;
    in->count = (head->count + 3) & ~3;
#ifdef UNPACK
    if (data->are_bytes) {
        UNPACK(values, columns, stored, scale, (uint32_t)row_bytes, x, offsets);
        return;
    }
#endif
    if (data->are_bytes)
        for (int64_t k = 0; k < stored; k++) x[k] = (T)((const uint8_t *)values)[k] * scale;
    else
        for (int64_t k = 0; k < stored; k++) x[k] = ((const T *)values)[k] * scale;
    for (int64_t k = 0; k < stored; k++) offsets[k] = (uint32_t)columns[k] * (uint32_t)row_bytes;
}

static void NAME(prefetch_record)(const records *data, int64_t n, int64_t first, int64_t end)
{
    const uint8_t *start = data->start + data->where[n];
    for (int64_t line = first; line < end; line++) PREFETCH(start + 64 * line);
}

static void NAME(fetch_row)(const samples *data, int64_t n, NAME(inputs) *in)
{
    const T *restrict values = (const T *)data->values + n * data->inputs;
    T *restrict x = in->x;
    int64_t k = 0;
    for (; k < data->inputs; k++) x[k] = values[k] * (T)data->scale;
    for (; k < WHOLE(data->inputs); k++) x[k] = 0;
    in->count = k;
}

/* Whether some samples have a value that is not zero among up to eight, so many bytes from start on. */
INLINE uint64_t NAME(any_of_eight)(const char *const *rows, int count, int64_t start, int64_t bytes)
{
    uint64_t any = 0;
    for (int g = 0; g < count; g++) {
        uint64_t words[sizeof(T)] = {0};
        memcpy(words, rows[g] + start, (size_t)bytes);
        UNROLL for (unsigned i = 0; i < sizeof(T); i++) any |= words[i];
    }
    return any;
}

/* The columns where at least one of the samples at rows[0..GROUP) is not zero: most of an image is background.
 * Returns whether all values are finite. */
INLINE int NAME(fetch_columns)(const char *const *rows, const int are_bytes, T scale, int64_t inputs, int64_t row_bytes,
                               NAME(inputs) *in)
{
    const int64_t item = are_bytes ? 1 : sizeof(T), room = in->room;
    T *restrict x = in->x;
    uint32_t *restrict offsets = in->offsets;
    uint32_t offset = 0;
    int64_t kept = 0, k = 0;
    int strange = 0;
#ifdef COMPRESS_COLUMNS
    for (; k + COMPRESS_LANES <= inputs; k += COMPRESS_LANES) {
        kept += COMPRESS_COLUMNS(rows, are_bytes, k, scale, offset, (uint32_t)row_bytes, x + kept, room,
                                 offsets + kept, &strange);
        offset += COMPRESS_LANES * (uint32_t)row_bytes;
    }
#endif
    for (; k < inputs; k += 8) {
        const int64_t width = inputs - k < 8 ? inputs - k : 8;
        if (NAME(any_of_eight)(rows, GROUP, k * item, width * item))
            for (int64_t i = 0; i < width; i++) {
                int keep = 0;
                for (int64_t g = 0; g < GROUP; g++) {
                    const T value = are_bytes ? (T)((const uint8_t *)rows[g])[k + i] : ((const T *)rows[g])[k + i];
                    x[g * room + kept] = value * scale;
                    strange |= value * 0 != 0;
                    keep |= value != 0;
                }
                offsets[kept] = offset + (uint32_t)i * (uint32_t)row_bytes;
                kept += keep;
            }
        offset += 8 * (uint32_t)row_bytes;
    }
    for (int64_t i = kept; i < WHOLE(kept); i++) {
        for (int64_t g = 0; g < GROUP; g++) x[g * room + i] = 0;
        offsets[i] = 0;
    }
    in->count = kept;
    return !strange;
}

static int NAME(fetch_group)(const char *const *rows, int are_bytes, T scale, int64_t inputs, int64_t row_bytes,
                             NAME(inputs) *in)
{
    return are_bytes ? NAME(fetch_columns)(rows, 1, scale, inputs, row_bytes, in)
                     : NAME(fetch_columns)(rows, 0, scale, inputs, row_bytes, in);
}

static void NAME(parts_room)(const layer_plan *first, T *scratch, NAME(inputs) parts[PARTS])
{
    const int64_t room = PADDED(first->inputs);
    for (int p = 0; p < PARTS; p++, scratch += (TOGETHER + 1) * room) {
        const NAME(inputs) in = {scratch, (uint32_t *)(scratch + TOGETHER * room), 0, room, NULL, 0};
        parts[p] = in;
    }
}

/* The lists of two groups, whose samples are at rows[0..TOGETHER): most of an image is background. */
INLINE void NAME(fetch_parts_of)(const char *const *rows, const int are_bytes, T scale, int64_t inputs,
                                 int64_t row_bytes, NAME(inputs) parts[PARTS])
{
    const int64_t item = are_bytes ? 1 : sizeof(T), room = parts[0].room;
    T *x[PARTS] = {parts[0].x, parts[1].x, parts[2].x};
    uint32_t *offsets[PARTS] = {parts[0].offsets, parts[1].offsets, parts[2].offsets}, offset = 0;
    int64_t counts[PARTS] = {0}, k = 0;
#ifdef LIST_PARTS_OF_BYTES
    k = inputs / COMPRESS_LANES * COMPRESS_LANES;
    offset = (uint32_t)k * (uint32_t)row_bytes;
    if (are_bytes) LIST_PARTS_OF_BYTES(rows, k, scale, (uint32_t)row_bytes, x, room, offsets, counts);
    else LIST_PARTS_OF_NUMBERS(rows, k, scale, (uint32_t)row_bytes, x, room, offsets, counts);
#endif
    for (; k < inputs; k += 8, offset += 8 * (uint32_t)row_bytes) {
        const int64_t width = inputs - k < 8 ? inputs - k : 8;
        if (NAME(any_of_eight)(rows, TOGETHER, k * item, width * item))
            for (int64_t i = 0; i < width; i++) {
                T values[TOGETHER];
                int keep[2] = {0};
                UNROLL for (int64_t g = 0; g < TOGETHER; g++) {
                    values[g] = are_bytes ? (T)((const uint8_t *)rows[g])[k + i] : ((const T *)rows[g])[k + i];
                    keep[g / GROUP] |= values[g] != 0;
                }
                const int part = keep[1] ? SECOND_ONLY + keep[0] : FIRST_ONLY;
                UNROLL for (int64_t g = 0; g < TOGETHER; g++) x[part][g * room + counts[part]] = values[g] * scale;
                offsets[part][counts[part]] = offset + (uint32_t)i * (uint32_t)row_bytes;
                counts[part] += keep[0] | keep[1];
            }
    }
    for (int p = 0; p < PARTS; p++) {
        for (int64_t i = counts[p]; i < WHOLE(counts[p]); i++)
            for (int64_t g = 0; g < TOGETHER; g++) x[p][g * room + i] = 0;
        parts[p].count = counts[p];
    }
}

static void NAME(fetch_parts)(const char *const *rows, int are_bytes, T scale, int64_t inputs, int64_t row_bytes,
                              NAME(inputs) parts[PARTS])
{
    if (are_bytes) NAME(fetch_parts_of)(rows, 1, scale, inputs, row_bytes, parts);
    else NAME(fetch_parts_of)(rows, 0, scale, inputs, row_bytes, parts);
}

/* What a part lists, as the samples of one of the groups have it. */
static NAME(inputs) NAME(of_group)(const NAME(inputs) *part, int group)
{
    NAME(inputs) in = *part;
    in.x += group * GROUP * in.room;
    return in;
}
