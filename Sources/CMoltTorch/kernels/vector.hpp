// Vectors of one register, for code that is compiled once per instruction set.
// A file that includes this defines MOLT_ISA (the namespace) and MOLT_REGISTER (bytes of a register) first and
// includes nothing else that defines inline functions: the linker could pick its AVX-512 copy of a shared one
// on an older processor.
#pragma once
#include <stdint.h>

#ifdef __AVX512F__
#define MOLT_TILE_ROWS 8
#else
#define MOLT_TILE_ROWS 4
#endif
#define MOLT_INLINE inline __attribute__((always_inline))

namespace molt::MOLT_ISA {

template <class T>
struct Register;
typedef float FloatVector __attribute__((vector_size(MOLT_REGISTER)));
typedef double DoubleVector __attribute__((vector_size(MOLT_REGISTER)));
typedef int32_t Int32Vector __attribute__((vector_size(MOLT_REGISTER)));
typedef int64_t Int64Vector __attribute__((vector_size(MOLT_REGISTER)));
template <>
struct Register<float> {
    typedef FloatVector vector;
    typedef Int32Vector mask;
    typedef int32_t integer;
    typedef float loose __attribute__((vector_size(MOLT_REGISTER), aligned(4), may_alias));
};
template <>
struct Register<double> {
    typedef DoubleVector vector;
    typedef Int64Vector mask;
    typedef int64_t integer;
    typedef double loose __attribute__((vector_size(MOLT_REGISTER), aligned(8), may_alias));
};

template <class T>
using Vec = typename Register<T>::vector;
template <class T>
using Mask = typename Register<T>::mask;
template <class T>
inline constexpr long lanes = MOLT_REGISTER / long(sizeof(T));
/// Rows and columns of every tile are padded to a multiple of this.
template <class T>
inline constexpr long padding = lanes<T> > MOLT_TILE_ROWS ? lanes<T> : MOLT_TILE_ROWS;

MOLT_INLINE long roundUp(long value, long multiple) { return (value + multiple - 1) / multiple * multiple; }
template <class T>
MOLT_INLINE T least(T a, T b) {
    return a < b ? a : b;
}
template <class T>
MOLT_INLINE T most(T a, T b) {
    return a < b ? b : a;
}

template <class T>
MOLT_INLINE Vec<T> load(const T *p) {
    return *reinterpret_cast<const typename Register<T>::loose *>(p);
}
template <class T>
MOLT_INLINE void store(T *p, Vec<T> v) {
    *reinterpret_cast<typename Register<T>::loose *>(p) = v;
}
template <class T>
MOLT_INLINE Vec<T> splat(T x) {
    return x - Vec<T>{};
}
template <class T>
MOLT_INLINE void fill(T *p, long count, T value) {
    for (long i = 0; i < count; ++i) p[i] = value;
}

/// 0, 1, 2, ...
template <class T>
MOLT_INLINE Mask<T> ramp() {
    Mask<T> m{};
    for (long i = 0; i < lanes<T>; ++i) m[i] = typename Register<T>::integer(i);
    return m;
}
/// Lanes of columns [at, at + lanes) that lie in [first, last].
template <class T>
MOLT_INLINE Mask<T> within(long at, long first, long last) {
    using I = typename Register<T>::integer;
    Mask<T> columns = ramp<T>() + I(at);
    return (columns >= I(first)) & (columns <= I(last));
}

template <class T>
MOLT_INLINE T sum(Vec<T> v) {
    T lane[lanes<T>];
    store(lane, v);
    for (long half = lanes<T> / 2; half > 0; half /= 2)
        for (long i = 0; i < half; ++i) lane[i] += lane[i + half];
    return lane[0];
}

/// e^x for x <= 88; below -87 the result is 0. Within 1.5 units in the last place.
MOLT_INLINE FloatVector exponential(FloatVector x) {
    const float magic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer that sits in the low bits
    Int32Vector tiny = x < -87.0f;
    x = tiny ? splat(0.0f) : x;
    FloatVector shifted = x * 1.44269504088896341f + magic;
    FloatVector n = shifted - magic;
    FloatVector r = x - n * 0.693359375f;
    r = r + n * 2.12194440e-4f;
    FloatVector p = splat(1.9875691500e-4f);
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    Int32Vector scale = ((Int32Vector)shifted - 0x4B400000 + 127) << 23;
    p = p * (FloatVector)scale;
    return tiny ? splat(0.0f) : p;
}
MOLT_INLINE DoubleVector exponential(DoubleVector x) {
    for (long i = 0; i < lanes<double>; ++i) x[i] = __builtin_exp(x[i]);
    return x;
}

/// Transposes one square of `lanes` rows and columns.
template <class T>
MOLT_INLINE void transposeSquare(const T *from, long fromRow, T *to, long toRow) {
    constexpr long count = lanes<T>;
    Vec<T> rows[count];
    for (long i = 0; i < count; ++i) rows[i] = load(from + i * fromRow);
#pragma GCC unroll 4
    for (long step = 1; step < count; step *= 2) {
        Mask<T> low{}, high{};
        for (long i = 0; i < count; ++i) {
            low[i] = (i & step) ? count + i - step : i;
            high[i] = (i & step) ? count + i : i + step;
        }
#pragma GCC unroll 16
        for (long i = 0; i < count; ++i) {
            if (i & step) continue;
            Vec<T> a = rows[i], b = rows[i + step];
            rows[i] = __builtin_shuffle(a, b, low);
            rows[i + step] = __builtin_shuffle(a, b, high);
        }
    }
    for (long i = 0; i < count; ++i) store(to + i * toRow, rows[i]);
}
/// `rows` and `columns` are multiples of the number of lanes.
template <class T>
MOLT_INLINE void transpose(long rows, long columns, const T *from, long fromRow, T *to, long toRow) {
    for (long i = 0; i < rows; i += lanes<T>)
        for (long j = 0; j < columns; j += lanes<T>)
            transposeSquare(from + i * fromRow + j, fromRow, to + j * toRow + i, toRow);
}

}  // namespace molt::MOLT_ISA
