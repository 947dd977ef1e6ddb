// molt::ssd(Tensor x, Tensor dt, Tensor A, Tensor B, Tensor C, Tensor? D, Tensor? initial_state, Tensor?
// seq_idx, int chunk)
//   -> (Tensor y, Tensor final_state)
// The state-space dual form of Mamba-2, differentiable in every floating argument:
//   H_t = e^(dt_t A) H_(t−1) + dt_t x_t B_tᵀ,   y_t = H_t C_t + D x_t
//   x [batch, length, heads, width]; dt [batch, length, heads], softplus already applied; A [heads], negative;
//   B, C [batch, length, groups, state]; D [heads]; states [batch, heads, width, state] in float (double for
//   double x); seq_idx [batch, length], integers: a document starts wherever it differs from the token before.
// x, B, C share one type (float, bfloat16, half, double) and may be strided views with contiguous rows; y has
// x's type. dt, A, D are computed in float at least, whatever their type. The initial state belongs to the
// first document, the final state to the last. The result does not depend on `chunk` but for rounding; tiles of
// at most 64 tokens are used. It does not depend on the number of threads at all.
#include "ssd_plan.hpp"
#include "documents.hpp"
#include "fused.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/library.h>

namespace molt {
namespace {

constexpr int64_t largestTile = 64;
// What one pass prepares for the heads: B, C and their products in the forward, which a core's cache should hold for
// the most part, and the states in the backward, which the last-level cache should.
constexpr int64_t forwardPassBytes = int64_t(2) << 20, backwardPassBytes = int64_t(24) << 20;

struct SSDArguments {
    const Tensor &x, &dt, &a, &b, &c;
    Tensor d, initial, documents;
    int64_t chunk;
};

void check(const SSDArguments &in) {
    const char *name = "molt::ssd";
    TORCH_CHECK(
        in.x.dim() == 4, name, ": x must be [batch, length, heads, width], but has shape ", in.x.sizes());
    TORCH_CHECK(
        in.b.dim() == 4, name, ": B must be [batch, length, groups, state], but has shape ", in.b.sizes());
    TORCH_CHECK(
        isSupported(in.x.scalar_type()), name, ": x must be float, bfloat16, half or double, but is ",
        in.x.scalar_type());
    TORCH_CHECK(
        in.b.scalar_type() == in.x.scalar_type() && in.c.scalar_type() == in.x.scalar_type(), name,
        ": x, B and C must share one type, but are ", in.x.scalar_type(), ", ", in.b.scalar_type(), " and ",
        in.c.scalar_type());
    const int64_t batch = in.x.size(0), length = in.x.size(1), heads = in.x.size(2), width = in.x.size(3);
    checkShape(name, "dt", in.dt, {batch, length, heads});
    checkShape(name, "A", in.a, {heads});
    checkShape(name, "B", in.b, {batch, length, in.b.size(2), in.b.size(3)});
    checkShape(name, "C", in.c, in.b.sizes());
    TORCH_CHECK(
        in.b.size(2) > 0 && heads % in.b.size(2) == 0, name, ": the ", heads,
        " heads of x must be a multiple of the ", in.b.size(2), " groups of B");
    if (in.d.defined()) checkShape(name, "D", in.d, {heads});
    if (in.initial.defined())
        checkShape(name, "initial_state", in.initial, {batch, heads, width, in.b.size(3)});
    if (in.documents.defined()) {
        checkShape(name, "seq_idx", in.documents, {batch, length});
        TORCH_CHECK(
            !in.documents.is_floating_point(), name, ": seq_idx must hold integers, but is ",
            in.documents.scalar_type());
    }
    TORCH_CHECK(
        in.b.size(3) > 0, name, ": B must have a state of one element at least, but has shape ", in.b.sizes());
    TORCH_CHECK(in.chunk > 0, name, ": chunk must be positive, but is ", in.chunk);
}

SSDView view(const Tensor &tensor) {
    return {tensor.data_ptr(), tensor.stride(0), tensor.stride(1), tensor.stride(2)};
}

int64_t roundUp(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

SSDShape shape(const SSDArguments &in, int64_t padding) {
    SSDShape s;
    s.batch = in.x.size(0), s.length = in.x.size(1), s.heads = in.x.size(2), s.width = in.x.size(3);
    s.groups = in.b.size(2), s.state = in.b.size(3);
    s.tile = std::min({in.chunk, largestTile, s.length});
    s.tiles = (s.length + s.tile - 1) / s.tile;
    s.paddedTile = roundUp(s.tile, padding), s.paddedWidth = roundUp(s.width, padding);
    s.paddedState = roundUp(s.state, padding);
    s.kind = element(stored(in.x.scalar_type()));
    return s;
}

template <class real>
const SSDCode<real> &code();
template <>
const SSDCode<float> &code() {
    return choose(generic::ssdFloat, avx2::ssdFloat, avx512::ssdFloat);
}
template <>
const SSDCode<double> &code() {
    return choose(generic::ssdDouble, avx2::ssdDouble, avx512::ssdDouble);
}

template <class real>
real *pointer(const Tensor &tensor) {
    return tensor.defined() ? static_cast<real *>(tensor.data_ptr()) : nullptr;
}

/// The arguments in the types that the kernels read. Keeps them alive.
struct Prepared {
    Tensor x, dt, a, b, c, d, initial, starts;
    Prepared(const SSDArguments &in, at::ScalarType real) {
        const at::ScalarType type = stored(in.x.scalar_type());
        x = withRows(in.x, type), b = withRows(in.b, type), c = withRows(in.c, type);
        dt = in.dt.to(real).contiguous(), a = in.a.to(real).contiguous();
        if (in.d.defined()) d = in.d.to(real).contiguous();
        if (in.initial.defined()) initial = in.initial.to(real).contiguous();
        starts = documentStarts(in.documents);
    }
};

/// Runs body(batch, first, last, scratch) for parts of the heads of each sequence, as many as share evenly among the
/// threads. A part lies in one group. No result depends on how the heads are cut.
template <class real, class Body>
void forHeads(const SSDShape &s, int64_t scratch, int64_t firstHead, int64_t lastHead, Body body) {
    const int64_t heads = lastHead - firstHead, threads = at::get_num_threads();
    int64_t parts = 1;
    while (parts < heads && s.batch * parts % threads != 0) ++parts;
    forEach<real>(s.batch * parts, scratch, [&](int64_t i, real *memory) {
        const int64_t batch = i / parts, part = i % parts, last = firstHead + heads * (part + 1) / parts;
        for (int64_t head = firstHead + heads * part / parts; head < last;) {
            const int64_t end = std::min(last, (head / s.headsPerGroup() + 1) * s.headsPerGroup());
            body(batch, head, end, memory);
            head = end;
        }
    });
}

template <class real>
std::tuple<Tensor, Tensor> forward(const SSDArguments &in, at::ScalarType type) {
    const Prepared p(in, type);
    const auto options = p.dt.options();
    Tensor y = at::empty(in.x.sizes(), p.x.options());
    Tensor final = at::empty({in.x.size(0), in.x.size(2), in.x.size(3), in.b.size(3)}, options);
    if (in.x.numel() == 0) {
        p.initial.defined() ? final.copy_(p.initial) : final.zero_();
        return {y.to(in.x.scalar_type()), final};
    }
    const auto &run = code<real>();
    SSDForward<real> f;
    f.shape = shape(in, run.padding);
    const SSDShape &s = f.shape;
    const int64_t sequences = s.batch * s.groups, matrix = s.paddedTile * s.paddedState;
    const int64_t square = s.paddedTile * s.paddedTile;
    f.tilesHeld = std::clamp<int64_t>(
        forwardPassBytes / int64_t(sizeof(real)) / (sequences * (2 * matrix + square)), 1, s.tiles);
    Tensor keys = at::empty({2, sequences * f.tilesHeld, matrix}, options);
    Tensor scores = at::empty({sequences * f.tilesHeld, square}, options);
    Tensor states = at::empty({s.batch * s.heads, s.paddedState, s.paddedWidth}, options);
    f.x = view(p.x), f.b = view(p.b), f.c = view(p.c), f.y = view(y);
    f.dt = pointer<real>(p.dt), f.a = pointer<real>(p.a), f.d = pointer<real>(p.d);
    f.starts = pointer<unsigned char>(p.starts), f.initial = pointer<real>(p.initial),
    f.final = pointer<real>(final);
    f.keys = pointer<real>(keys), f.queries = f.keys + keys.stride(0), f.scores = pointer<real>(scores);
    f.states = pointer<real>(states);
    const int64_t scratch = run.scratchSize(s);
    for (f.firstTile = 0; f.firstTile < s.tiles; f.firstTile = f.lastTile) {
        f.lastTile = std::min(f.firstTile + f.tilesHeld, s.tiles);
        const int64_t tiles = f.lastTile - f.firstTile;
        forEach<real>(sequences * tiles, scratch, [&](int64_t i, real *memory) {
            run.scores(f, i / tiles / s.groups, i / tiles % s.groups, f.firstTile + i % tiles, memory);
        });
        forHeads<real>(s, scratch, 0, s.heads, [&](int64_t batch, int64_t first, int64_t last, real *memory) {
            run.forward(f, batch, first, last, memory);
        });
    }
    return {y.to(in.x.scalar_type()), final};
}

using Gradients = std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor>;

template <class real>
Gradients backward(
    const SSDArguments &in, at::ScalarType type, const Tensor &dy, const Tensor &dFinal, bool wantsInitial) {
    const Prepared p(in, type);
    const auto options = p.dt.options();
    const auto sums = options.dtype(at::kDouble);
    Tensor dx = at::empty(in.x.sizes(), p.x.options()), db = at::empty(in.b.sizes(), p.x.options());
    Tensor dc = at::empty(in.b.sizes(), p.x.options()), ddt = at::empty(p.dt.sizes(), options);
    Tensor dInitial =
        wantsInitial ? at::zeros({in.x.size(0), in.x.size(2), in.x.size(3), in.b.size(3)}, options) : Tensor();
    const Tensor dyRows = withRows(dy, p.x.scalar_type());
    const Tensor dFinalReal = dFinal.defined() ? dFinal.to(type).contiguous() : Tensor();

    const auto &run = code<real>();
    SSDBackward<real> f;
    f.shape = shape(in, run.padding);
    const SSDShape &s = f.shape;
    const int64_t pieces = s.batch * s.groups * s.tiles;
    Tensor keys = at::empty({3, pieces, s.paddedTile, s.paddedState}, options);
    Tensor scores = at::empty({pieces, s.paddedTile, s.paddedTile}, options), dScores = at::zeros_like(scores);
    Tensor dKeys = at::zeros({2, pieces, s.paddedTile, s.paddedState}, options);
    Tensor da = at::zeros({s.batch * s.tiles, s.heads}, sums),
           dd = p.d.defined() ? at::zeros_like(da) : Tensor();
    f.x = view(p.x), f.b = view(p.b), f.c = view(p.c), f.dy = view(dyRows), f.dx = view(dx), f.db = view(db),
    f.dc = view(dc);
    f.dt = pointer<real>(p.dt), f.a = pointer<real>(p.a), f.d = pointer<real>(p.d);
    f.starts = pointer<unsigned char>(p.starts), f.initial = pointer<real>(p.initial);
    f.dFinal = pointer<real>(dFinalReal), f.dInitial = pointer<real>(dInitial), f.ddt = pointer<real>(ddt);
    f.da = pointer<double>(da), f.dd = pointer<double>(dd);
    f.keys = pointer<real>(keys), f.queries = f.keys + keys.stride(0),
    f.keysFlipped = f.queries + keys.stride(0);
    f.scores = pointer<real>(scores), f.dScores = pointer<real>(dScores);
    f.dKeys = pointer<real>(dKeys), f.dQueries = f.dKeys + dKeys.stride(0);

    const int64_t scratch = run.scratchSize(s);
    const auto forPieces = [&](auto body) {
        forEach<real>(pieces, scratch, [&](int64_t i, real *memory) {
            body(f, i / s.tiles / s.groups, i / s.tiles % s.groups, i % s.tiles, memory);
        });
    };
    forPieces(run.prepareBackward);
    const int64_t perHead = s.batch * s.tiles * s.paddedWidth * s.paddedState;
    const int64_t fitting = backwardPassBytes / int64_t(sizeof(real)) / (2 * perHead);
    const int64_t heads =
        std::clamp<int64_t>(fitting, std::min<int64_t>(s.heads, at::get_num_threads()), s.heads);
    Tensor states = at::empty({2, heads, perHead}, options);
    for (int64_t first = 0; first < s.heads; first += heads) {
        f.firstHead = first, f.lastHead = std::min<int64_t>(first + heads, s.heads);
        f.states = pointer<real>(states), f.dStates = f.states + states.stride(0);
        forHeads<real>(s, scratch, first, f.lastHead, [&](int64_t batch, int64_t from, int64_t to, real *memory) {
            run.states(f, batch, from, to, memory);
        });
        forPieces(run.gradients);
    }
    forPieces(run.finish);
    return {dx, ddt, da.sum(0), db, dc, dd.defined() ? dd.sum(0) : Tensor(), dInitial};
}

/// Without tokens the final state is the initial one, and nothing else counts.
Gradients emptyGradients(const SSDArguments &in, const Tensor &dFinal) {
    const auto none = [](const Tensor &t) {
        return t.defined() ? at::zeros(t.sizes(), t.options()) : Tensor();
    };
    const Tensor dInitial = in.initial.defined() && dFinal.defined() ? dFinal.clone() : none(in.initial);
    return {none(in.x), none(in.dt), none(in.a), none(in.b), none(in.c), none(in.d), dInitial};
}

}  // namespace

std::tuple<Tensor, Tensor> ssdForward(
    const Tensor &x, const Tensor &dt, const Tensor &a, const Tensor &b, const Tensor &c,
    const OptionalTensor &d, const OptionalTensor &initial, const OptionalTensor &documents, int64_t chunk) {
    const SSDArguments in{x, dt, a, b, c, orUndefined(d), orUndefined(initial), orUndefined(documents), chunk};
    check(in);
    return x.scalar_type() == at::kDouble ? forward<double>(in, at::kDouble) : forward<float>(in, at::kFloat);
}

Gradients ssdBackward(
    const Tensor &dy, const OptionalTensor &dFinal, const Tensor &x, const Tensor &dt, const Tensor &a,
    const Tensor &b, const Tensor &c, const OptionalTensor &d, const OptionalTensor &initial,
    const OptionalTensor &documents, int64_t chunk) {
    const SSDArguments in{x, dt, a, b, c, orUndefined(d), orUndefined(initial), orUndefined(documents), chunk};
    check(in);
    checkShape("molt::ssd_backward", "dy", dy, x.sizes());
    const Tensor final = orUndefined(dFinal);
    if (x.numel() == 0) return emptyGradients(in, final);
    return x.scalar_type() == at::kDouble ? backward<double>(in, at::kDouble, dy, final, given(initial))
                                          : backward<float>(in, at::kFloat, dy, final, given(initial));
}

TORCH_LIBRARY_IMPL(molt, CPU, library) {
    library.impl("ssd", &ssdForward);
    library.impl("ssd_backward", &ssdBackward);
}

}  // namespace molt
