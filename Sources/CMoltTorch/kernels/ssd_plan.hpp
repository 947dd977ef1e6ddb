// What the tensor side of molt::ssd hands to the code compiled per instruction set. Plain pointers, no
// libtorch.
#pragma once
#include "element.hpp"

namespace molt {

/// A tensor [batch, token, group or head, last] whose last dimension is contiguous; strides in elements.
struct SSDView {
    void *data = nullptr;
    long batch = 0, token = 0, lane = 0;
    long at(long b, long t, long l) const { return b * batch + t * token + l * lane; }
};

/// Sizes, and the padded sizes of a tile's matrices in the working buffers.
struct SSDShape {
    long batch, length, heads, width, groups, state;
    long tile, tiles;
    long paddedTile, paddedWidth, paddedState;
    Element kind;
    long headsPerGroup() const { return heads / groups; }
    long tokens(long c) const { return c + 1 < tiles ? tile : length - c * tile; }
};

/// `real` is float or double.
template <class real>
struct SSDForward {
    SSDShape shape;
    SSDView x, b, c, y;
    const real *dt, *a, *d;       // [batch, length, heads], [heads], [heads] or null
    const unsigned char *starts;  // [batch, length], 1 where a document starts; or null
    const real *initial;          // [batch, heads, width, state] or null
    real *final;
    long firstTile, lastTile, tilesHeld;  // the tiles of this pass, and room for how many
    real *keys, *queries, *scores;        // per (batch, group, tile of this pass): B, C, C·Bᵀ as `real`
    real *states;                         // per (batch, head), from one pass to the next
    long piece(long b, long group, long tile) const {
        return (b * shape.groups + group) * tilesHeld + tile - firstTile;
    }
};

template <class real>
struct SSDBackward {
    SSDShape shape;
    SSDView x, b, c, dy, dx, db, dc;
    const real *dt, *a, *d;
    const unsigned char *starts;
    const real *initial, *dFinal;
    real *dInitial, *ddt;  // ddt [batch, length, heads]
    double *da, *dd;       // partial sums [batch, tiles, heads]
    real *keys, *queries, *scores, *keysFlipped;
    real *dKeys, *dQueries, *dScores;  // per (batch, group, tile), summed over heads in their order
    long firstHead, lastHead;          // the heads of this pass
    real *states,
        *dStates;  // per (batch, head of this pass, tile): the state entering, the gradient of the one leaving
};

/// One instruction set's code. Each function does one independent piece of work; `scratch` belongs to the
/// calling thread; the heads from `firstHead` up to `lastHead` share a group.
template <class real>
struct SSDCode {
    long padding;
    long (*scratchSize)(const SSDShape &);
    void (*scores)(const SSDForward<real> &, long batch, long group, long tile, real *scratch);
    void (*forward)(const SSDForward<real> &, long batch, long firstHead, long lastHead, real *scratch);
    void (*prepareBackward)(const SSDBackward<real> &, long batch, long group, long tile, real *scratch);
    void (*states)(const SSDBackward<real> &, long batch, long firstHead, long lastHead, real *scratch);
    void (*gradients)(const SSDBackward<real> &, long batch, long group, long tile, real *scratch);
    void (*finish)(const SSDBackward<real> &, long batch, long group, long tile, real *scratch);
};

namespace generic {
extern const SSDCode<float> ssdFloat;
extern const SSDCode<double> ssdDouble;
}  // namespace generic
namespace avx2 {
extern const SSDCode<float> ssdFloat;
extern const SSDCode<double> ssdDouble;
}  // namespace avx2
namespace avx512 {
extern const SSDCode<float> ssdFloat;
extern const SSDCode<double> ssdDouble;
}  // namespace avx512

}  // namespace molt
