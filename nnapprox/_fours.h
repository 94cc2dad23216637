/* The first layer's sums at sparse samples of floats, where its rows are short, by four columns at a time: for AVX-512.
 *
 * What the list of single columns costs is loads: of the column, its value, and a short row that may lie on two cache
 * lines. Strokes are some pixels wide. So the weights are packed anew, the rows of four columns as one that is whole
 * vectors: vector v holds neurons 4 v to 4 v + 3, of each its four weights. A sample's four values are read at once.
 */

/* Such rows, of (outputs + 3) / 4 vectors; after the last input, zeros. */
static void pack_fours(const float *rows, int64_t inputs, int64_t outputs, int64_t stride, float *out)
{
    static const float zeros[32];
    for (int64_t k = 0; k < inputs; k += 4)
        for (int64_t n = 0; n < outputs; n += 4, out += 16) {
            __m128 r[4];
            UNROLL for (int c = 0; c < 4; c++)
                r[c] = _mm_loadu_ps((k + c < inputs ? rows + (k + c) * stride : zeros) + n);
            _MM_TRANSPOSE4_PS(r[0], r[1], r[2], r[3]);
            UNROLL for (int c = 0; c < 4; c++) _mm_storeu_ps(out + 4 * c, r[c]);
        }
}

/* Where in a sample's first values, a whole number of 16, four are that are not all zero, in bytes of floats; how many.
 * The values times scale go to x, where that is not NULL. */
INLINE int64_t list_fours(const char *row, int are_bytes, int64_t count, float scale, float *x, uint32_t *places)
{
    __m512i at = _mm512_slli_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), 4);
    int64_t kept = 0;
    for (int64_t k = 0; k < count; k += 64) {
        uint64_t any = 0;
        UNROLL for (int i = 0; i < 64; i += 16) {
            const char *from = row + (k + i) * (are_bytes ? 1 : (int64_t)sizeof(float));
            if (k + i == count) break;
            const __m512 v = are_bytes ? _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const void *)from)))
                                       : _mm512_loadu_ps(from);
            any |= (uint64_t)_mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_NEQ_UQ) << i;
            if (x) _mm512_storeu_ps(x + k + i, _mm512_mul_ps(v, _mm512_set1_ps(scale)));
        }
        any |= any >> 1;
        any |= any >> 2;
        const __mmask16 fours = (__mmask16)_pext_u64(any, 0x1111111111111111);
        _mm512_storeu_si512(places + kept, _mm512_maskz_compress_epi32(fours, at));
        at = _mm512_add_epi32(at, _mm512_set1_epi32(64 * sizeof(float)));
        kept += __builtin_popcount(fours);
    }
    return kept;
}

/* Sums of neighbours, of a in the lower half of each 128 bits, of b in the upper. */
INLINE __m512 add_neighbours(__m512 a, __m512 b)
{
    return _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x88), _mm512_shuffle_ps(a, b, 0xdd));
}

/* out = start + the sums over fours of x, in rows of NV vectors; 16 at a time are written. Meanwhile what is at `later`
 * comes to the second cache, pace bytes a four: evenly, since memory that is asked for much at once makes the sums
 * wait. */
INLINE void sum_fours(const float *packed, const float *x, const uint32_t *places, int64_t count, const char *later,
                      int64_t pace, const float *start, float *out, const int NV)
{
    __m512 sums[8];
    UNROLL for (int v = 0; v < 8; v++) sums[v] = _mm512_setzero_ps();
    for (int64_t k = 0; k < count; k++) {
        const int64_t at = places[k];
        const __m512 values = _mm512_broadcast_f32x4(_mm_loadu_ps((const float *)((const char *)x + at)));
        const float *row = packed + at * NV;
        KEEP_ADDRESS(row);
        PREFETCH_FAR(later + k * pace);
        UNROLL for (int v = 0; v < NV; v++) sums[v] = _mm512_fmadd_ps(values, _mm512_load_ps(row + 16 * v), sums[v]);
    }
    UNROLL for (int v = 0; v < NV; v += 4) {
        const __m512 *s = sums + v;
        const __m512 mixed = add_neighbours(add_neighbours(s[0], s[1]), add_neighbours(s[2], s[3]));
        const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
        const __m512 total = _mm512_permutexvar_ps(order, mixed);
        _mm512_storeu_ps(out + 4 * v, _mm512_add_ps(_mm512_loadu_ps(start + 4 * v), total));
    }
}

/* to[j * to_stride + i] = from[i * from_stride + j], for whole fours of both. */
static void transpose(const float *from, int64_t from_stride, int64_t rows, int64_t columns, float *to,
                      int64_t to_stride)
{
    for (int64_t j = 0; j < columns; j += 4)
        for (int64_t i = 0; i < rows; i += 4) {
            __m128 r[4];
            UNROLL for (int c = 0; c < 4; c++) r[c] = _mm_loadu_ps(from + (i + c) * from_stride + j);
            _MM_TRANSPOSE4_PS(r[0], r[1], r[2], r[3]);
            UNROLL for (int c = 0; c < 4; c++) _mm_storeu_ps(to + (j + c) * to_stride + i, r[c]);
        }
}

/* The layer's sums at a sample. Its values times scale are in x afterwards, or in the sample itself: returns where. */
static const float *sums_by_fours(const layer_plan *layer, const float *packed, const float *bias, const char *row,
                                  int are_bytes, float scale, float *x, uint32_t *places, float *sums)
{
    const int64_t inputs = layer->inputs, whole = inputs / 16 * 16, bytes = inputs * (are_bytes ? 1 : 4);
    const int ready = !are_bytes && scale == 1 && inputs % 4 == 0;
    const float *values = ready ? (const float *)row : x;
    int64_t count = ready       ? list_fours(row, 0, whole, scale, NULL, places)
                    : are_bytes ? list_fours(row, 1, whole, scale, x, places)
                                : list_fours(row, 0, whole, scale, x, places);
    if (!ready) {
        for (int64_t k = whole; k < inputs; k++)
            x[k] = (are_bytes ? (float)((const uint8_t *)row)[k] : ((const float *)row)[k]) * scale;
        memset(x + inputs, 0, 4 * sizeof(float));
    }
    for (int64_t k = whole; k < inputs; k += 4) {
        places[count] = (uint32_t)(k * (int64_t)sizeof(float));
        count += values[k] != 0 || values[k + 1] != 0 || values[k + 2] != 0 || values[k + 3] != 0;
    }
    const char *later = row + bytes;
    const int64_t pace = bytes / (count + 1) + 1;
#define CALL(n)                                                              \
    case n:                                                                  \
        sum_fours(packed, values, places, count, later, pace, bias, sums, n); \
        break;
    switch ((layer->outputs + 3) / 4) { CALL(1) CALL(2) CALL(3) CALL(4) CALL(5) CALL(6) CALL(7) CALL(8) }
#undef CALL
    return values;
}
