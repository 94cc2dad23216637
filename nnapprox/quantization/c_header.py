"""A quantised network as one C header for a microcontroller: its coded integers, their decoder, the forward pass.

The decoder is that of ``_coder.h``, in integers alone; the forward pass is in float32.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from nnapprox.activation import Activation
from nnapprox.atomic import write_atomically
from nnapprox.errors import UsageError
from nnapprox.files.nnq import Encoded, to_bytes

_BYTES_A_LINE = 20

_FIXED_HEADER = 3 + 1 + 4 + 8
"""Magic, version, checksum and source of a ``.nnq`` file."""

_TABLES = 2 * 4096 + 3 * 4 * 256
"""Bytes that the decoder computes once."""

_DECODER_STACK = 4_000
"""Bytes that the decoder takes on the stack while a model starts, at most."""

_SQUASHED = {
    "relu": "x > 0 ? x : 0",
    "identity": "x",
    "sigmoid": "1 / (1 + expf(-x))",
    "tanh": "tanhf(x)",
}

_TEMPLATE = r"""/* @ABOUT@
 *
 * Written by nnapprox. Include it in one C file (C99, linked with -lm), and call
 *
 *     static nnapprox_weights weights;      once decoded, all that stays in RAM
 *     static nnapprox_scratch scratch;      free again after decoding
 *     nnapprox_decode(&weights, &scratch);
 *     nnapprox_forward(&weights, x, y);     float x[@INPUTS@], y[@OUTPUTS@]
 *
 * Decoding is in integers and gives the same integers on every machine; the forward pass is in float32.
 * Flash: @FLASH@ bytes of data. RAM: @WEIGHTS@ bytes of weights, @TABLES@ of tables, @SCRATCH@ for decoding,
 * @STACK@ on the stack.
 */
#ifndef NNAPPROX_NETWORK_H
#define NNAPPROX_NETWORK_H

#include <math.h>

@DECODER@
#endif

enum { NNAPPROX_DEPTH = @DEPTH@, NNAPPROX_INPUTS = @INPUTS@, NNAPPROX_OUTPUTS = @OUTPUTS@, NNAPPROX_WIDEST = @WIDEST@ };

static const int32_t NNAPPROX_WIDTHS[] = {@WIDTHS@};
static const float NNAPPROX_MANTISSAS[] = {@MANTISSAS@};
static const int NNAPPROX_EXPONENTS[] = {@EXPONENTS@};
/* Whether the activation stands before a map: not before the first, nor between two whose product is one layer. */
static const uint8_t NNAPPROX_ACTIVATED[] = {@ACTIVATED@};

/* The coded integers, as they end the .nnq file. */
static const uint8_t NNAPPROX_STREAM[] = {
@BYTES@
};

/* Shifts of rows and columns, and integers row by row with the bias last, of one map after another. */
typedef struct {
    int8_t shifts[@SHIFTS@];
    @TYPE@ integers[@INTEGERS@];
} nnapprox_weights;

typedef struct {
    model learnt;
    int32_t rows[3][NNAPPROX_WIDEST + 1], column_size[NNAPPROX_WIDEST + 1], column_sign[NNAPPROX_WIDEST + 1];
} nnapprox_scratch;

/* Decode one matrix row by row, to shifts or to integers; a row needs the two before it. */
static void nnapprox_matrix(nnapprox_scratch *s, stream *t, scan place, int32_t rows, int8_t *shifts, @TYPE@ *integers)
{
    restart_model(&s->learnt);
    memset(s->column_size, 0, sizeof s->column_size);
    memset(s->column_sign, 0, sizeof s->column_sign);
    place.column_size = s->column_size, place.column_sign = s->column_sign;
    for (int32_t i = 0; i < rows; i++) {
        int32_t *const row = s->rows[i % 3];
        begin_row(&place, row, i > 0 ? s->rows[(i + 2) % 3] : 0, i > 1 ? s->rows[(i + 1) % 3] : 0);
        for (int32_t j = 0; j < place.columns; j++) row[j] = 0;
        for (int32_t j = 0; j < place.columns; j++) {
            look(&place, j);
            row[j] = code_integer(&s->learnt, t, &place, READ, 0);
            pass(&place, j, row[j]);
            if (integers) *integers++ = (@TYPE@)row[j];
            else *shifts++ = (int8_t)row[j];
        }
        end_row(&place);
    }
}

static scan nnapprox_place(int32_t columns, int32_t image, const int8_t *row_shifts, const int8_t *column_shifts)
{
    scan place;
    memset(&place, 0, sizeof place);
    place.columns = columns, place.image = image, place.trellis = row_shifts ? @TRELLIS@ : 0;
    place.row_shifts = row_shifts, place.column_shifts = column_shifts;
    return place;
}

static void nnapprox_decode(nnapprox_weights *w, nnapprox_scratch *s)
{
    stream t = {0, 0xffffffffu, 0, (uint8_t *)NNAPPROX_STREAM, 0, (int64_t)sizeof NNAPPROX_STREAM};
    int8_t *shifts = w->shifts;
    @TYPE@ *integers = w->integers;
    (void)finish;
    make_tables();
    for (int k = 0; k < 4; k++) t.code = t.code << 8 | (uint32_t)next_byte(&t);
    start_model(&s->learnt);
    for (int l = 0; l < NNAPPROX_DEPTH; l++) {
        const int32_t columns = NNAPPROX_WIDTHS[l] + 1, rows = NNAPPROX_WIDTHS[l + 1], image = l ? 0 : @IMAGE@;
        nnapprox_matrix(s, &t, nnapprox_place(rows, 0, 0, 0), 1, shifts, 0);
        nnapprox_matrix(s, &t, nnapprox_place(columns, image, 0, 0), 1, shifts + rows, 0);
        shifts += rows + columns;
    }
    start_model(&s->learnt);
    shifts = w->shifts;
    for (int l = 0; l < NNAPPROX_DEPTH; l++) {
        const int32_t columns = NNAPPROX_WIDTHS[l] + 1, rows = NNAPPROX_WIDTHS[l + 1], image = l ? 0 : @IMAGE@;
        nnapprox_matrix(s, &t, nnapprox_place(columns, image, shifts, shifts + rows), rows, 0, integers);
        shifts += rows + columns;
        integers += (int64_t)rows * columns;
    }
}

static inline float nnapprox_activation(float x) { return @ACTIVATION@; }

static void nnapprox_forward(const nnapprox_weights *w, const float *x, float *y)
{
    float in[NNAPPROX_WIDEST + 1], out[NNAPPROX_WIDEST];
    const int8_t *shifts = w->shifts;
    const @TYPE@ *integers = w->integers;
    memcpy(out, x, NNAPPROX_INPUTS * sizeof *x);
    for (int l = 0; l < NNAPPROX_DEPTH; l++) {
        const int32_t columns = NNAPPROX_WIDTHS[l] + 1, rows = NNAPPROX_WIDTHS[l + 1];
        for (int32_t j = 0; j < columns; j++)
            in[j] = ldexpf(j + 1 == columns ? 1 : NNAPPROX_ACTIVATED[l] ? nnapprox_activation(out[j]) : out[j],
                           shifts[rows + j]);
        for (int32_t i = 0; i < rows; i++) {
            float sum = 0;
            for (int32_t j = 0; j < columns; j++) sum += (float)*integers++ * in[j];
            out[i] = ldexpf(NNAPPROX_MANTISSAS[l] * sum, NNAPPROX_EXPONENTS[l] + shifts[i]);
        }
        shifts += rows + columns;
    }
    memcpy(y, out, NNAPPROX_OUTPUTS * sizeof *y);
}

#endif
"""


@dataclass(frozen=True)
class Footprint:
    """Bytes that the network takes on the device.

    Attributes
    ----------
    flash : int
        Of constant data: the coded integers, and the decoder's tables. Code comes to it.
    weights, tables, scratch, stack : int
        Of RAM: for the decoded network, for tables of the decoder, while it decodes, and in a forward pass.
    """

    flash: int
    weights: int
    tables: int
    scratch: int
    stack: int


def write_c_header(encoded: Encoded, path: str | Path, about: str = "A quantised network.") -> Footprint:
    """Write the header.

    Parameters
    ----------
    encoded : Encoded
    path : str or path
    about : str
        A line that says what it is.

    Raises
    ------
    UsageError
        The activation is one that the forward pass does not have, or a shift is too large for a byte.
    WriteError
        The file cannot be written.
    """
    text, footprint = c_header(encoded, about)
    with write_atomically(path) as file:
        file.write(text.encode())
    return footprint


def c_header(encoded: Encoded, about: str) -> tuple[str, Footprint]:
    """The text of the header, and what the network takes; raises as `write_c_header` does."""
    maps = encoded.maps
    widths = [maps[0].integers.shape[1] - 1, *(len(layer.integers) for layer in maps)]
    content = to_bytes(encoded)
    content = content[_stream_start(content, encoded) :]
    kind = _integer_type(max(int(np.abs(layer.integers).max()) for layer in maps))
    count = sum(layer.integers.size for layer in maps)
    shifts = sum(layer.rows.size + layer.columns.size for layer in maps)
    widest, decoder = max(widths), _decoder()
    footprint = Footprint(
        flash=len(content) + 4 * 129 + 13 * len(widths),
        weights=shifts + kind[1] * count,
        tables=_TABLES,
        scratch=_model_bytes(decoder) + 5 * 4 * (widest + 1),
        stack=max(4 * (2 * widest + 1), _DECODER_STACK),
    )
    filled = {
        "ABOUT": re.sub(r"[^ -~]|\*/", "?", about),
        "DECODER": decoder,
        "FLASH": footprint.flash,
        "WEIGHTS": footprint.weights,
        "TABLES": footprint.tables,
        "SCRATCH": footprint.scratch,
        "STACK": footprint.stack,
        "DEPTH": len(maps),
        "INPUTS": widths[0],
        "OUTPUTS": widths[-1],
        "WIDEST": widest,
        "WIDTHS": ", ".join(map(str, widths)),
        "MANTISSAS": ", ".join(str(layer.mantissa) for layer in maps),
        "EXPONENTS": ", ".join(str(layer.exponent) for layer in maps),
        "ACTIVATED": ", ".join(str(int(start > 0 and start - 1 not in encoded.joints)) for start in range(len(maps))),
        "BYTES": "\n".join(_lines(content)),
        "SHIFTS": shifts,
        "INTEGERS": count,
        "TYPE": kind[0],
        "IMAGE": encoded.image,
        "TRELLIS": int(encoded.trellis),
        "ACTIVATION": _activation(encoded.activation),
    }
    return re.sub(r"@([A-Z]+)@", lambda found: str(filled[found[1]]), _TEMPLATE), footprint


def _decoder() -> str:
    """``_coder.h`` without its last ``#endif``."""
    text = resources.files("nnapprox").joinpath("_coder.h").read_text(encoding="utf-8")
    return text[: text.rindex("#endif")]


def _model_bytes(decoder: str) -> int:
    """Size of the decoder's struct `model`, by the constants that it names."""
    constants = {name: int(value) for name, value in re.findall(r"\b([A-Z]+) = (\d+)\b", decoder)}
    inputs, bins = constants["INPUTS"], constants["BINS"]
    rows = bins + constants["KINDS"] * constants["SETS"]
    return 4 * inputs * bins * constants["CONTEXTS"] + 4 * rows * inputs + 4 * math.ceil(rows / 2)


def _stream_start(content: bytes, encoded: Encoded) -> int:
    """Where the coded integers begin in a file: after numbers of seven bits a byte, and texts with their lengths."""

    def number(place: int) -> tuple[int, int]:
        value, shift = 0, 0
        while content[place] & 128:
            value |= (content[place] & 127) << shift
            place, shift = place + 1, shift + 7
        return value | content[place] << shift, place + 1

    place = _FIXED_HEADER
    # kind, depth, widths, joints, trellis, image, steps
    for _ in range(6 + 3 * len(encoded.maps) + len(encoded.joints)):
        _, place = number(place)
    for _ in range(1 + (encoded.activation.slope is not None)):
        length, place = number(place)
        place += length
    return place


def _integer_type(largest: int) -> tuple[str, int]:
    for bits in (8, 16):
        if largest < 1 << (bits - 1):
            return f"int{bits}_t", bits // 8
    return "int32_t", 4


def _activation(activation: Activation) -> str:
    if activation.slope is not None:
        return f"x > 0 ? x : {float(activation.slope)!r}f * x"
    if activation.name not in _SQUASHED:
        raise UsageError(f"a C header has no {activation.name}: it takes {', '.join(_SQUASHED)} and leaky-relu")
    return _SQUASHED[activation.name]


def _lines(content: bytes) -> Iterator[str]:
    for start in range(0, len(content), _BYTES_A_LINE):
        yield "    " + " ".join(f"{byte}," for byte in content[start : start + _BYTES_A_LINE])
