// molt::causal_conv1d(Tensor x, Tensor weight, Tensor? bias, Tensor? seq_idx, Tensor? initial_state, bool silu)
//   -> (Tensor y, Tensor final_state)
// Depthwise causal convolution: y_t = act(bias + Σ_k weight_k x_(t − taps + 1 + k)), act = SiLU or nothing.
//   x [batch, length, channels] may be a strided view with contiguous rows; weight [channels, taps]; bias
//   [channels]; states [batch, channels, taps − 1]: the inputs before the first and up to the last token.
//   seq_idx [batch, length]: taps do not reach across a change of it. y and final_state have x's type; sums in
//   float at least.
#include "fused.hpp"
#include "documents.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

namespace molt {
namespace {

struct ConvArguments {
    const Tensor &x, &weight;
    Tensor bias, documents, initial;
    bool silu;
};

void check(const ConvArguments &in) {
    const char *name = "molt::causal_conv1d";
    TORCH_CHECK(in.x.dim() == 3, name, ": x must be [batch, length, channels], but has shape ", in.x.sizes());
    TORCH_CHECK(isSupported(in.x.scalar_type()), name, ": x must be floating, but is ", in.x.scalar_type());
    TORCH_CHECK(
        in.weight.dim() == 2 && in.weight.size(0) == in.x.size(2), name,
        ": weight must be [channels, taps] with ", in.x.size(2), " channels as x has, but has shape ",
        in.weight.sizes());
    const int64_t taps = in.weight.size(1);
    TORCH_CHECK(
        taps >= 1 && taps <= largestTaps, name, ": weight must have 1 to ", largestTaps, " taps, but has ",
        taps);
    if (in.bias.defined()) checkShape(name, "bias", in.bias, {in.x.size(2)});
    if (in.documents.defined()) checkShape(name, "seq_idx", in.documents, {in.x.size(0), in.x.size(1)});
    if (in.initial.defined())
        checkShape(name, "initial_state", in.initial, {in.x.size(0), in.x.size(2), taps - 1});
}

/// [batch, channels, k] as rows of `padded` channels.
Tensor stateRows(const Tensor &state, int64_t padded, at::ScalarType type) {
    Tensor rows = at::zeros({state.size(0), state.size(2), padded}, state.options().dtype(type));
    rows.narrow(2, 0, state.size(1)).copy_(state.transpose(1, 2));
    return rows;
}

/// The plan of either direction, and the tensors that it points into.
template <class real>
struct Convolution {
    ConvPlan<real> plan{};
    Tensor x, weight, bias, starts, initial;

    explicit Convolution(const ConvArguments &in, at::ScalarType type) {
        x = withRows(in.x, stored(in.x.scalar_type()));
        plan.batch = x.size(0), plan.length = x.size(1), plan.channels = x.size(2),
        plan.taps = in.weight.size(1);
        plan.padded = paddedTo(plan.channels, fusedCode<real>().padding);
        plan.block = std::max<int64_t>(64, (plan.length + 63) / 64), plan.silu = in.silu;
        plan.blocks = (plan.length + plan.block - 1) / plan.block;
        weight = at::zeros({plan.taps, plan.padded}, in.weight.options().dtype(type));
        weight.narrow(1, 0, plan.channels).copy_(in.weight.t());
        bias = in.bias.defined() ? paddedVector(in.bias, plan.padded, type)
                                 : at::zeros({plan.padded}, weight.options());
        starts = documentStarts(in.documents);
        if (in.initial.defined()) initial = stateRows(in.initial, plan.padded, type);
        plan.x = rowsOf(x), plan.xBatch = x.stride(0);
        plan.weight = pointerTo<real>(weight), plan.bias = pointerTo<real>(bias);
        plan.initial = pointerTo<real>(initial), plan.starts = pointerTo<uint8_t>(starts);
    }
};

/// The last taps − 1 inputs of the last document, zeros where it has fewer.
Tensor finalState(const ConvArguments &in, const Tensor &starts) {
    const int64_t kept = in.weight.size(1) - 1, length = in.x.size(1);
    Tensor state = at::zeros({in.x.size(0), in.x.size(2), kept}, in.x.options());
    for (int64_t b = 0; b < in.x.size(0); ++b) {
        for (int64_t slot = kept - 1; slot >= 0; --slot) {
            const int64_t position = length - kept + slot;
            if (position >= 0)
                state[b].select(1, slot).copy_(in.x[b][position]);
            else if (in.initial.defined())
                state[b].select(1, slot).copy_(in.initial[b].select(1, position + kept));
            if (starts.defined() && position >= 0 && starts[b][position].item<uint8_t>() != 0) break;
        }
    }
    return state;
}

std::tuple<Tensor, Tensor> forward(
    const Tensor &x, const Tensor &weight, const OptionalTensor &bias, const OptionalTensor &documents,
    const OptionalTensor &initial, bool silu) {
    const ConvArguments in{x, weight, orUndefined(bias), orUndefined(documents), orUndefined(initial), silu};
    check(in);
    return computingIn(x.scalar_type(), [&](auto zero) -> std::tuple<Tensor, Tensor> {
        using real = decltype(zero);
        Convolution<real> run(in, computing(x.scalar_type()));
        Tensor y = at::empty(x.sizes(), run.x.options());
        ConvPlan<real> &plan = run.plan;
        plan.y = {y.data_ptr(), plan.channels, element(y.scalar_type())};
        if (x.numel() > 0)
            forEach<real>(
                plan.batch * plan.blocks, (plan.taps + 1) * plan.padded, [&](int64_t i, real *scratch) {
                    fusedCode<real>().convolve(plan, i / plan.blocks, i % plan.blocks, scratch);
                });
        return {y.to(x.scalar_type()), finalState(in, run.starts)};
    });
}

using Gradients = std::tuple<Tensor, Tensor, Tensor, Tensor>;

Gradients backward(
    const Tensor &dy, const OptionalTensor &dFinal, const Tensor &x, const Tensor &weight,
    const OptionalTensor &bias, const OptionalTensor &documents, const OptionalTensor &initial, bool silu) {
    const ConvArguments in{x, weight, orUndefined(bias), orUndefined(documents), orUndefined(initial), silu};
    check(in);
    checkShape("molt::causal_conv1d_backward", "dy", dy, x.sizes());
    return computingIn(x.scalar_type(), [&](auto zero) -> Gradients {
        using real = decltype(zero);
        const at::ScalarType type = computing(x.scalar_type());
        Convolution<real> run(in, type);
        ConvPlan<real> &plan = run.plan;
        const Tensor gradient = withRows(dy, run.x.scalar_type());
        Tensor dx = at::empty(x.sizes(), run.x.options()), final, dInitial;
        if (given(dFinal)) final = stateRows(*dFinal, plan.padded, type);
        if (in.initial.defined()) dInitial = at::zeros_like(run.initial);
        Tensor partial =
            at::zeros({plan.batch * plan.blocks, plan.taps + 1, plan.padded}, run.weight.options());
        plan.dy = rowsOf(gradient), plan.dyBatch = gradient.stride(0);
        plan.dx = {dx.data_ptr(), plan.channels, element(dx.scalar_type())};
        plan.dFinal = pointerTo<real>(final), plan.dInitial = pointerTo<real>(dInitial);
        plan.partial = pointerTo<real>(partial);
        if (x.numel() > 0)
            forEach<real>(
                plan.batch * plan.blocks, (2 * plan.taps + 1) * plan.padded, [&](int64_t i, real *scratch) {
                    fusedCode<real>().convolveBackward(plan, i / plan.blocks, i % plan.blocks, scratch);
                });
        const Tensor sums = sumInOrder(partial).narrow(1, 0, plan.channels);
        Tensor dBias = in.bias.defined() ? sums[plan.taps] : Tensor();
        if (dInitial.defined()) dInitial = dInitial.narrow(2, 0, plan.channels).transpose(1, 2);
        return {dx, sums.narrow(0, 0, plan.taps).t(), dBias, dInitial};
    });
}

using Forward = std::tuple<Tensor, Tensor>(
    const Tensor &, const Tensor &, const OptionalTensor &, const OptionalTensor &, const OptionalTensor &,
    bool);
using Backward = Gradients(
    const Tensor &, const OptionalTensor &, const Tensor &, const Tensor &, const OptionalTensor &,
    const OptionalTensor &, const OptionalTensor &, bool);

struct Function : torch::autograd::Function<Function> {
    static torch::autograd::variable_list forward(
        torch::autograd::AutogradContext *context, const Tensor &x, const Tensor &weight,
        const OptionalTensor &bias, const OptionalTensor &documents, const OptionalTensor &initial, bool silu) {
        static const auto run = operatorNamed<Forward>("molt::causal_conv1d");
        at::AutoDispatchBelowADInplaceOrView below;
        auto [y, final] = run.call(x, weight, bias, documents, initial, silu);
        context->save_for_backward(
            {x, weight, orUndefined(bias), orUndefined(documents), orUndefined(initial)});
        context->saved_data["silu"] = silu;
        context->set_materialize_grads(false);
        return {y, final};
    }
    static torch::autograd::variable_list backward(
        torch::autograd::AutogradContext *context, const torch::autograd::variable_list &gradients) {
        static const auto run = operatorNamed<Backward>("molt::causal_conv1d_backward");
        const auto saved = context->get_saved_variables();
        const Tensor dy = gradients[0].defined() ? gradients[0] : at::zeros_like(saved[0]);
        auto [dx, dWeight, dBias, dInitial] = run.call(
            dy, orNone(gradients[1]), saved[0], saved[1], orNone(saved[2]), orNone(saved[3]), orNone(saved[4]),
            context->saved_data["silu"].toBool());
        return {inTypeOf(saved[0], dx),       inTypeOf(saved[1], dWeight),
                inTypeOf(saved[2], dBias),    Tensor(),
                inTypeOf(saved[4], dInitial), Tensor()};
    }
};

std::tuple<Tensor, Tensor> differentiable(
    const Tensor &x, const Tensor &weight, const OptionalTensor &bias, const OptionalTensor &documents,
    const OptionalTensor &initial, bool silu) {
    auto results = Function::apply(x, weight, bias, documents, initial, silu);
    return {results[0], results[1]};
}

std::tuple<Tensor, Tensor> shapes(
    const Tensor &x, const Tensor &weight, const OptionalTensor &, const OptionalTensor &,
    const OptionalTensor &, bool) {
    return {
        at::empty_like(x, at::MemoryFormat::Contiguous),
        x.new_empty({x.size(0), x.size(2), weight.size(1) - 1})};
}
Gradients gradientShapes(
    const Tensor &, const OptionalTensor &, const Tensor &x, const Tensor &weight, const OptionalTensor &bias,
    const OptionalTensor &, const OptionalTensor &initial, bool) {
    return {emptyLike(x), emptyLike(weight), emptyLike(bias), emptyLike(initial)};
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(molt, library) {
    library.def(
        "causal_conv1d(Tensor x, Tensor weight, Tensor? bias, Tensor? seq_idx, Tensor? initial_state, bool "
        "silu) -> "
        "(Tensor y, Tensor final_state)");
    library.def(
        "causal_conv1d_backward(Tensor dy, Tensor? d_final_state, Tensor x, Tensor weight, Tensor? bias, "
        "Tensor? seq_idx, Tensor? initial_state, bool silu) -> "
        "(Tensor dx, Tensor dweight, Tensor dbias, Tensor d_initial_state)");
}
TORCH_LIBRARY_IMPL(molt, CPU, library) {
    library.impl("causal_conv1d", &forward);
    library.impl("causal_conv1d_backward", &backward);
}
TORCH_LIBRARY_IMPL(molt, Autograd, library) { library.impl("causal_conv1d", &differentiable); }
TORCH_LIBRARY_IMPL(molt, Meta, library) {
    library.impl("causal_conv1d", &shapes);
    library.impl("causal_conv1d_backward", &gradientShapes);
}

}  // namespace molt
