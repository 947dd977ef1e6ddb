// Products of small matrices: a block of rows times a panel of columns stays in registers.
#pragma once
#include "vector.hpp"

namespace molt::MOLT_ISA {

template <int count>
struct Count {
    static constexpr int value = count;
};

template <class T, int width>
struct Block {
    Vec<T> at[MOLT_TILE_ROWS][width];
};

/// Where the left factor's element (row i, step k) lies: at i·row + k·step. `flat` says that row is 1, else
/// step is 1.
template <bool flat>
struct Left {
    long stride;
    MOLT_INLINE long row(long i) const { return flat ? i : i * stride; }
    MOLT_INLINE long step() const { return flat ? stride : 1; }
};

/// block += left[rows × steps] · right[steps × width registers].
template <class T, int width, bool flat>
MOLT_INLINE void accumulate(
    Block<T, width> &block, long steps, const T *left, Left<flat> shape, const T *right, long rightRow) {
    Vec<T> sums[MOLT_TILE_ROWS][width];
    for (int i = 0; i < MOLT_TILE_ROWS; ++i)
        for (int v = 0; v < width; ++v) sums[i][v] = block.at[i][v];
    for (long k = 0; k < steps; ++k) {
        Vec<T> panel[width];
#pragma GCC unroll 4
        for (int v = 0; v < width; ++v) panel[v] = load(right + v * lanes<T>);
#pragma GCC unroll 8
        for (int i = 0; i < MOLT_TILE_ROWS; ++i) {
            Vec<T> factor = splat(left[shape.row(i)]);
#pragma GCC unroll 4
            for (int v = 0; v < width; ++v) sums[i][v] += factor * panel[v];
        }
        left += shape.step();
        right += rightRow;
    }
    for (int i = 0; i < MOLT_TILE_ROWS; ++i)
        for (int v = 0; v < width; ++v) block.at[i][v] = sums[i][v];
}

/// Calls body(Count<2>, column) for each pair of registers across `columns`, and Count<1> for a last single
/// one.
template <class T, class Body>
MOLT_INLINE void forPanels(long columns, Body body) {
    constexpr long wide = 2 * lanes<T>;
    long column = 0;
    for (; column + wide <= columns; column += wide) body(Count<2>{}, column);
    if (column < columns) body(Count<1>{}, column);
}

/// Every element of a block: body(row in block, register in panel, value).
template <class T, int width, class Body>
MOLT_INLINE void forBlock(Block<T, width> &block, Body body) {
#pragma GCC unroll 8
    for (int i = 0; i < MOLT_TILE_ROWS; ++i)
#pragma GCC unroll 4
        for (int v = 0; v < width; ++v) body(i, v, block.at[i][v]);
}

}  // namespace molt::MOLT_ISA
