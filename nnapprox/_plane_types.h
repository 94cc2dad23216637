/* What _plane.h and the files that it includes work on. */
#ifndef NNAPPROX_PLANE_TYPES_H
#define NNAPPROX_PLANE_TYPES_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
#if defined(_MSC_VER)
#include <intrin.h>
#endif

#include "_integer.h"
#include "_residues.h"
#include "_targets.h"

/* Arrays over the neurons of a layer are padded with zeros to a multiple of this. */
#define LANES 16

/* So many neurons may change state before the next layer is computed from scratch. */
#define MOST_FLIPS 64

/* Forms of this size or larger are left to the integers, so that nothing overflows; and minors of lines that are not
 * larger than SMALLEST, next to which what underflows is nothing. */
#define LARGEST 1e150
#define SMALLEST 1e-290

/* More than the square root of what is lost where bounds of errors are squared. */
#define UNNOTICED 1e-150

#define INFINITE 0x7ff0000000000000 /* as a double */

enum { DONE, PAUSED, NEEDS_ROOM, NEEDS_INTEGERS };

/* A vertex of a block, where it about is; see _plane_block.h for its bounds. */
typedef struct {
    double x, y, place, error, doubt;
    double size; /* the Euclidean norm of its values, at most */
    double blur; /* by how much x and y are off the point that it stands for */
    double off;  /* and that point the line of the neuron that made it in this layer */
} corner;

/* Which neurons are positive, and which are negative. */
typedef struct {
    uint64_t on, off;
} states;

static inline int lowest_bit(uint64_t word)
{
#if defined(_MSC_VER)
    unsigned long place;
    _BitScanForward64(&place, word);
    return (int)place;
#else
    return __builtin_ctzll(word);
#endif
}

typedef void accumulate_loop(const double *, int64_t, const int32_t *, const double *, int64_t, const double *,
                             const double *, const double *, double *, double *, double *);
typedef void bound_loop(const double *, const double *, const double *, const double *, const double *, double, int64_t,
                          double, double, double *, double *);
typedef double evaluate_loop(const double *, const double *, int64_t, int64_t, double, double, double *, double *,
                             uint64_t *);
typedef double between_loop(const double *, const double *, double, int64_t, double *);
typedef void add_row_loop(uint64_t *, const uint64_t *, int64_t, int);
typedef void products_loop(const double *, const double *, const double *, int64_t, double[3]);
typedef void mark_loop(const double *, int64_t, const corner *, int64_t, int64_t, states *);
typedef void judge_loop(const double *, const double *, const double *, const double *, int64_t, const double *,
                        const double *, int64_t, double, uint64_t *, uint64_t *, uint64_t *);

/* Registers of neurons whose forms a loop fills side by side; they take three registers each. */
#define MOST_TOGETHER 4

/* A hidden layer. Of the first, the forms are given: it has no weights. */
typedef struct {
    int64_t inputs, neurons, padded;
    int64_t first;         /* the line of its first neuron */
    const double *weights; /* `inputs` rows */
    const double *bias, *bias_error;
    double rounding;       /* bound on the relative error that the sums over its inputs add */
    const int64_t *row; /* entries row[k] to row[k + 1] are those of neuron k that are not zero; the last input is 1 */
    const int32_t *column;
    const limb *entries;
    int64_t entry_words;
    limb *exact; /* three integers a neuron */
    int64_t exact_words;
    uint64_t *inputs_on;     /* the states of its inputs that its forms hold for */
    double *norm;            /* Euclidean, of each neuron's weights */
    double *passed;          /* bounds on the errors of its forms as terms of the next layer's, times 1 + |slope| */
    double gathered;         /* the Euclidean norm of the errors of all terms of its forms, at most */
    int64_t flips;           /* since its forms were computed from scratch */
    const uint64_t *residue_weights; /* `inputs` rows */
    const uint64_t *residue_bias;
    uint64_t *residue_terms; /* what an active input adds to all neurons' residues, if that is always the same */
    uint64_t *residues;      /* of its forms, at the random point */
    int64_t version, source; /* of its forms, and of those of the layer below that they were computed from */
    int64_t tight;           /* the version of its forms that tighten has seen */
    double spread;           /* bound on the Euclidean operator norm of its weights */
    double steepness;        /* and on the Euclidean norm of its forms' gradients, anywhere */
    double total_norm, bias_norm, bias_doubt; /* Euclidean: of its weights, of biases that move, of errors of biases */
    int64_t states;          /* the place of its neurons' states in the pattern of a face */
} layer;

/* A convex polygon, the layer that is to split it, those of its neurons that do, and the states of the others. */
typedef struct {
    int64_t depth, vertices, crossing;
    double *x, *y, *error;
    uint64_t *on;
    int32_t *line, *neuron;
} piece;

/* An end of a chord: where its line meets a side of the piece, and its place on the way around the piece. */
typedef struct {
    double x, y, error;
    int32_t side, place;
} point;

/* A chord of the current piece; several neurons may share it. */
typedef struct {
    double a, b, c, error, reach;
    point ends[2];
    uint64_t step; /* what a fingerprint changes by from its left to its right */
    int32_t line;
    int32_t right; /* the sign of its form to the right */
} chord;

/* Where a chord meets another: bounds on the parameter along it. */
typedef struct {
    double low, high;
    int32_t chord;
    int8_t from_right, sign; /* where the chord that is followed begins: if it is right of the other, and the other's sign */
    int8_t same;             /* whether this is the same point as the meeting before */
} meeting;

/* The chords that neurons of the last layer make in the current piece: those before neuron[next]. */
typedef struct {
    int64_t next, count, walked;
    uint64_t left; /* the fingerprint left of them all */
    chord *list;
    meeting *meetings;
} chord_list;

/* An edge between faces of a block, on a line that the points of its ends are off by at most so much. */
typedef struct {
    int32_t from, to, line;
    double off;
} edge;

/* A part of the boundary of a face: twice the number of an edge, and one more if it is followed backwards. */
typedef struct {
    int32_t edge, start;
} step;

/* Where a neuron vanishes between two vertices, as a share of the way, with a bound. */
typedef struct {
    double where, bound, span;
    int32_t neuron, from, to;
} cut_place;

/* Faces that a layer splits next, or has partly split. */
typedef struct {
    int64_t depth, done; /* the layer, and its neurons that have split them */
    int64_t faces, vertices, edges;
    int64_t evaluated; /* vertices whose values are those of this layer, and not of the one before */
    corner *corners;
    double *values;
    states *signs; /* at the vertices, where they are sure */
    edge *edge;
    step *steps; /* steps[first[f]] and on lead around face f */
    int32_t *first;
    uint64_t *patterns;     /* the states of neurons in all layers */
} block;

typedef struct {
    /* given */
    int64_t hidden, sides;
    int64_t unit; /* the place of the number in a form that constants are added to */
    layer *layers;
    const double *given; /* a, b, c and error of the sides and the first layer, padded */
    const limb *side_exact;
    double slope; /* at negative arguments */
    const limb *numerator, *denominator;
    int64_t side_words, slope_words;
    int printing; /* whether fingerprints are asked for */
    uint64_t slope_residue;
    const uint64_t *first_residues, *output_residues, *output_bias;
    uint64_t *prints; /* of the regions found since `printed` was 0; room for two layers' neurons and one more at least */
    int64_t print_room;
    const uint64_t *wanted; /* in order: the fingerprints of regions that are to be listed; if none, regions are only counted */
    int64_t wanted_count;
    uint64_t *patterns; /* of the regions listed: their states, through all hidden layers */
    int32_t *offsets, *labels; /* labels[offsets[n]] and on are the neurons that made the sides of region n */
    int64_t pattern_words, list_room, label_room;
    accumulate_loop *accumulate;
    bound_loop *bound;
    judge_loop *judge;
    evaluate_loop *evaluate;
    between_loop *between;
    mark_loop *mark;
    products_loop *products;
    add_row_loop *add_row;

    /* furnished */
    int64_t lines, vertices, widest; /* the most vertices that a piece can have; the width of the widest layer, padded */
    double *a, *b, *c, *error;       /* of all lines, errors being those of values in the square */
    int64_t *computed;               /* versions of their integer forms */
    int32_t *inputs; /* whose forms are added, times the factors */
    double *factors;
    const uint64_t **rows; /* the same of residues */
    uint64_t *residue_factors;
    uint64_t *printed_on, print; /* the fingerprint for these states of the last layer, and this version of its forms */
    int64_t print_version;
    uint64_t *crossing, *unsure; /* what judge finds */
    signed char *signs; /* of a line at the vertices of a piece */
    piece now, next;    /* the current one, and room to cut it */
    chord_list chords;
    int64_t words, cross_words;           /* of the largest integer that is no product, and of cross products */
    limb *product, *scaled, *sum, *cross; /* the last is three numbers */
    int32_t cross_lines[2];               /* whose cross product is in `cross` */
    int64_t *arena;                       /* the pieces that wait, one upon the other */
    int64_t arena_words, arena_top;

    block block, made;              /* the current one, and room for faces and edges to split it */
    int64_t most_faces, most_vertices; /* in a block */
    int64_t at_once;                /* neurons that split it in one go */
    int64_t pattern_size;           /* words */
    int32_t *parts;                 /* what is made of edge e are those from parts[e] to parts[e + 1] */
    uint64_t *active;               /* what neurons of the layer below do not vanish */
    states *any;                    /* what neurons are somewhere in each face */
    unsigned char *open, *tangled;  /* faces and edges that doubles do not tell all of */
    int32_t *owner;                 /* a face of each edge; negative if there is none left */
    double *steepness;              /* of faces: bounds on how their forms change; negative where not yet computed */
    step *steps, *spare;            /* of parts of a face that are still to be split */
    int64_t *boundary, waiting;     /* where they begin, and how many there are */
    int32_t *new_edges, *new_vertices;

    double area;  /* of the domain */
    int splitting; /* whether there is a current piece */
    int counting; /* whether the chords of the current piece are being counted */
    int64_t regions, predicates, exact_decisions;
    int64_t printed, listed, labelled;
    int64_t work; /* since this run began; a unit is about a nanosecond */
} plane;

#endif
