// molt::selective_scan(Tensor x, Tensor dt, Tensor a, Tensor b, Tensor c, Tensor d, Tensor? seq_idx, Tensor? initial)
//   -> (Tensor y, Tensor final)
// Mamba-1's selective scan: h_t = exp(dt_t a) h_(t−1) + dt_t x_t b_t, y_t = c_t·h_t + d x_t; h before a document is 0.
//   x, dt [batch, length, width], dt after softplus, in the computing type; a [width, state], negative; b, c [batch, length, state];
//   d [width]; seq_idx [batch, length]; initial, final [batch, width, state] of the computing type, float at least.
#include "documents.hpp"
#include "fused.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

namespace molt {
namespace {

constexpr int64_t tileWidth = 64, tokensPerBlock = 64;

struct SelectiveArguments {
    const Tensor &x, &step, &a, &b, &c, &d;
    Tensor documents, initial;
};

void check(const SelectiveArguments &in) {
    const char *name = "molt::selective_scan";
    TORCH_CHECK(
        in.x.dim() == 3 && in.x.size(1) > 0, name, ": x must be [batch, length, width] with tokens, but has shape ",
        in.x.sizes());
    TORCH_CHECK(isSupported(in.x.scalar_type()), name, ": x must be floating, but is ", in.x.scalar_type());
    const int64_t batch = in.x.size(0), length = in.x.size(1), width = in.x.size(2);
    TORCH_CHECK(
        in.a.dim() == 2 && in.a.size(0) == width, name, ": a must be [", width, ", state], but has shape ",
        in.a.sizes());
    checkShape(name, "dt", in.step, in.x.sizes());
    checkShape(name, "b", in.b, {batch, length, in.a.size(1)});
    checkShape(name, "c", in.c, {batch, length, in.a.size(1)});
    checkShape(name, "d", in.d, {width});
    if (in.documents.defined()) checkShape(name, "seq_idx", in.documents, {batch, length});
    if (in.initial.defined()) checkShape(name, "initial", in.initial, {batch, width, in.a.size(1)});
}

/// [.., width, state] as [.., state, padded].
Tensor byState(const Tensor &tensor, int64_t padded, at::ScalarType type) {
    auto shape = tensor.sizes().vec();
    const size_t last = shape.size() - 1;
    const int64_t width = shape[last - 1];
    shape[last - 1] = shape[last], shape[last] = padded;
    Tensor result = at::zeros(shape, tensor.options().dtype(type));
    result.narrow(-1, 0, width).copy_(tensor.transpose(-1, -2));
    return result;
}

/// The plan of either direction, and the tensors that it points into.
template <class real>
struct Selective {
    SelectivePlan<real> plan{};
    Tensor x, step, a, b, c, d, initial, starts;
    int64_t tiles;

    Selective(const SelectiveArguments &in, at::ScalarType type) {
        const at::ScalarType rows = stored(in.x.scalar_type());
        plan.batch = in.x.size(0), plan.length = in.x.size(1), plan.channels = in.x.size(2);
        plan.state = in.a.size(1), plan.tile = tileWidth, plan.block = tokensPerBlock;
        plan.padded = paddedTo(plan.channels, tileWidth), tiles = plan.padded / tileWidth;
        plan.blocks = (plan.length + tokensPerBlock - 1) / tokensPerBlock;
        x = asRows(in.x, rows), step = asRows(in.step, type);
        a = byState(in.a, plan.padded, type), d = paddedVector(in.d, plan.padded, type);
        b = in.b.to(type).contiguous(), c = in.c.to(type).contiguous();
        if (in.initial.defined()) initial = byState(in.initial, plan.padded, type);
        starts = documentStarts(in.documents);
        plan.x = rowsOf(x), plan.step = rowsOf(step), plan.a = pointerTo<real>(a), plan.d = pointerTo<real>(d);
        plan.b = pointerTo<real>(b), plan.c = pointerTo<real>(c), plan.initial = pointerTo<real>(initial);
        plan.starts = pointerTo<uint8_t>(starts);
    }
    Tensor perSequence() const { return at::zeros({plan.batch, plan.state, plan.padded}, a.options()); }
    /// [.., state, padded] as [.., width, state].
    Tensor byChannel(const Tensor &tensor) const {
        return tensor.narrow(-1, 0, plan.channels).transpose(-1, -2).contiguous();
    }
    template <class Body>
    void run(int64_t scratch, Body body) {
        forEach<real>(plan.batch * tiles, scratch, [&](int64_t i, real *memory) {
            body(i / tiles, i % tiles, memory);
        });
    }
};

using Results = std::tuple<Tensor, Tensor, Tensor>;

/// y, the final state, and the states before each block for the backward.
Results forward(
    const Tensor &x, const Tensor &step, const Tensor &a, const Tensor &b, const Tensor &c, const Tensor &d,
    const OptionalTensor &documents, const OptionalTensor &initial, bool keeps) {
    const SelectiveArguments in{x, step, a, b, c, d, orUndefined(documents), orUndefined(initial)};
    check(in);
    return computingIn(x.scalar_type(), [&](auto zero) -> Results {
        using real = decltype(zero);
        Selective<real> work(in, computing(x.scalar_type()));
        SelectivePlan<real> &plan = work.plan;
        Tensor y = at::empty(x.sizes(), work.x.options()), yRows = y.view({-1, x.size(2)});
        Tensor final = work.perSequence(), kept;
        if (keeps) kept = at::empty({plan.batch, plan.blocks, plan.state, plan.padded}, work.a.options());
        plan.y = rowsOf(yRows), plan.final = pointerTo<real>(final), plan.kept = pointerTo<real>(kept);
        work.run((3 + plan.state) * tileWidth, [&](int64_t batch, int64_t tile, real *scratch) {
            fusedCode<real>().select(plan, batch, tile, scratch);
        });
        return {y.to(x.scalar_type()), work.byChannel(final), kept};
    });
}

using Gradients = std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor>;

/// dx, d dt, da, db, dc, dd, d initial.
Gradients backward(
    const Tensor &dy, const OptionalTensor &dFinal, const Tensor &kept, const Tensor &x, const Tensor &step,
    const Tensor &a, const Tensor &b, const Tensor &c, const Tensor &d, const OptionalTensor &documents,
    const OptionalTensor &initial) {
    const SelectiveArguments in{x, step, a, b, c, d, orUndefined(documents), orUndefined(initial)};
    check(in);
    checkShape("molt::selective_scan_backward", "dy", dy, x.sizes());
    return computingIn(x.scalar_type(), [&](auto zero) -> Gradients {
        using real = decltype(zero);
        const at::ScalarType type = computing(x.scalar_type());
        Selective<real> work(in, type);
        SelectivePlan<real> &plan = work.plan;
        const Tensor gradient = asRows(dy, work.x.scalar_type());
        Tensor dx = at::empty(x.sizes(), work.x.options()), dStep = at::empty(x.sizes(), work.a.options()), final,
               dInitial;
        const Tensor dxRows = dx.view({-1, x.size(2)}), dStepRows = dStep.view({-1, x.size(2)});
        if (given(dFinal)) final = byState(*dFinal, plan.padded, type);
        if (in.initial.defined()) dInitial = work.perSequence();
        Tensor dB = at::empty({work.tiles, plan.batch, plan.length, plan.state}, work.a.options());
        Tensor dC = at::empty_like(dB), dA = work.perSequence();
        Tensor dD = at::empty({plan.batch, plan.channels}, work.a.options());
        plan.kept = pointerTo<real>(kept), plan.dy = rowsOf(gradient), plan.dx = rowsOf(dxRows);
        plan.dStep = rowsOf(dStepRows), plan.dFinal = pointerTo<real>(final);
        plan.dInitial = pointerTo<real>(dInitial), plan.dB = pointerTo<real>(dB), plan.dC = pointerTo<real>(dC);
        plan.dA = pointerTo<real>(dA), plan.dD = pointerTo<real>(dD);
        const int64_t states = 2 + tokensPerBlock + 1;
        work.run((4 + states * plan.state) * tileWidth, [&](int64_t batch, int64_t tile, real *scratch) {
            fusedCode<real>().selectBackward(plan, batch, tile, scratch);
        });
        return {
            dx, dStep, work.byChannel(sumInOrder(dA)), sumInOrder(dB), sumInOrder(dC), sumInOrder(dD),
            dInitial.defined() ? work.byChannel(dInitial) : dInitial};
    });
}

using Forward = Results(
    const Tensor &, const Tensor &, const Tensor &, const Tensor &, const Tensor &, const Tensor &,
    const OptionalTensor &, const OptionalTensor &, bool);
using Backward = Gradients(
    const Tensor &, const OptionalTensor &, const Tensor &, const Tensor &, const Tensor &, const Tensor &,
    const Tensor &, const Tensor &, const Tensor &, const OptionalTensor &, const OptionalTensor &);

struct Function : torch::autograd::Function<Function> {
    static torch::autograd::variable_list forward(
        torch::autograd::AutogradContext *context, const Tensor &x, const Tensor &step, const Tensor &a,
        const Tensor &b, const Tensor &c, const Tensor &d, const OptionalTensor &documents,
        const OptionalTensor &initial, bool keeps) {
        static const auto run = operatorNamed<Forward>("molt::selective_scan_forward");
        at::AutoDispatchBelowADInplaceOrView below;
        auto [y, final, kept] = run.call(x, step, a, b, c, d, documents, initial, keeps);
        context->save_for_backward(
            {kept, x, step, a, b, c, d, orUndefined(documents), orUndefined(initial)});
        context->set_materialize_grads(false);
        return {y, final};
    }
    static torch::autograd::variable_list backward(
        torch::autograd::AutogradContext *context, const torch::autograd::variable_list &gradients) {
        static const auto run = operatorNamed<Backward>("molt::selective_scan_backward");
        const auto saved = context->get_saved_variables();
        const Tensor dy = gradients[0].defined() ? gradients[0] : at::zeros_like(saved[1]);
        auto [dx, dStep, dA, dB, dC, dD, dInitial] = run.call(
            dy, orNone(gradients[1]), saved[0], saved[1], saved[2], saved[3], saved[4], saved[5], saved[6],
            orNone(saved[7]), orNone(saved[8]));
        return {inTypeOf(saved[1], dx), inTypeOf(saved[2], dStep), inTypeOf(saved[3], dA),
                inTypeOf(saved[4], dB), inTypeOf(saved[5], dC),    inTypeOf(saved[6], dD),
                Tensor(),               inTypeOf(saved[8], dInitial), Tensor()};
    }
};

std::tuple<Tensor, Tensor> selectiveScan(
    const Tensor &x, const Tensor &step, const Tensor &a, const Tensor &b, const Tensor &c, const Tensor &d,
    const OptionalTensor &documents, const OptionalTensor &initial) {
    auto results = Function::apply(x, step, a, b, c, d, documents, initial, at::GradMode::is_enabled());
    return {results[0], results[1]};
}

Results shapes(
    const Tensor &x, const Tensor &, const Tensor &a, const Tensor &, const Tensor &, const Tensor &,
    const OptionalTensor &, const OptionalTensor &, bool) {
    const auto options = x.options().dtype(computing(x.scalar_type()));
    return {emptyLike(x), at::empty({x.size(0), x.size(2), a.size(1)}, options), Tensor()};
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(molt, library) {
    library.def(
        "selective_scan(Tensor x, Tensor dt, Tensor a, Tensor b, Tensor c, Tensor d, Tensor? seq_idx, "
        "Tensor? initial) -> (Tensor y, Tensor final)");
    library.impl("selective_scan", c10::DispatchKey::CompositeImplicitAutograd, TORCH_FN(selectiveScan));
    library.def(
        "selective_scan_forward(Tensor x, Tensor dt, Tensor a, Tensor b, Tensor c, Tensor d, Tensor? seq_idx, "
        "Tensor? initial, bool keeps) -> (Tensor y, Tensor final, Tensor kept)");
    library.def(
        "selective_scan_backward(Tensor dy, Tensor? d_final, Tensor kept, Tensor x, Tensor dt, Tensor a, Tensor b, "
        "Tensor c, Tensor d, Tensor? seq_idx, Tensor? initial) -> "
        "(Tensor dx, Tensor ddt, Tensor da, Tensor db, Tensor dc, Tensor dd, Tensor d_initial)");
}
TORCH_LIBRARY_IMPL(molt, CPU, library) {
    library.impl("selective_scan_forward", &forward);
    library.impl("selective_scan_backward", &backward);
}
TORCH_LIBRARY_IMPL(molt, Meta, library) { library.impl("selective_scan_forward", &shapes); }

}  // namespace molt
