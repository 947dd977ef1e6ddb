// Schema, derivative and shapes of molt::ssd; see ssd.cpp for what the arguments mean.
#include "fused.hpp"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

namespace molt {
namespace {

using Forward = std::tuple<Tensor, Tensor>(
    const Tensor &, const Tensor &, const Tensor &, const Tensor &, const Tensor &, const OptionalTensor &,
    const OptionalTensor &, const OptionalTensor &, int64_t);
using Gradients = std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor>;
using Backward = Gradients(
    const Tensor &, const OptionalTensor &, const Tensor &, const Tensor &, const Tensor &, const Tensor &,
    const Tensor &, const OptionalTensor &, const OptionalTensor &, const OptionalTensor &, int64_t);

struct SSDFunction : torch::autograd::Function<SSDFunction> {
    static torch::autograd::variable_list forward(
        torch::autograd::AutogradContext *context, const Tensor &x, const Tensor &dt, const Tensor &a,
        const Tensor &b, const Tensor &c, const OptionalTensor &d, const OptionalTensor &initial,
        const OptionalTensor &documents, int64_t chunk) {
        static const auto run = operatorNamed<Forward>("molt::ssd");
        at::AutoDispatchBelowADInplaceOrView below;
        auto [y, final] = run.call(x, dt, a, b, c, d, initial, documents, chunk);
        context->save_for_backward(
            {x, dt, a, b, c, orUndefined(d), orUndefined(initial), orUndefined(documents)});
        context->saved_data["chunk"] = chunk;
        context->set_materialize_grads(false);
        return {y, final};
    }

    static torch::autograd::variable_list backward(
        torch::autograd::AutogradContext *context, const torch::autograd::variable_list &gradients) {
        static const auto run = operatorNamed<Backward>("molt::ssd_backward");
        const auto saved = context->get_saved_variables();
        const Tensor &x = saved[0];
        const Tensor dy = gradients[0].defined() ? gradients[0] : at::zeros_like(x);
        auto [dx, ddt, da, db, dc, dd, dInitial] = run.call(
            dy, orNone(gradients[1]), x, saved[1], saved[2], saved[3], saved[4], orNone(saved[5]),
            orNone(saved[6]), orNone(saved[7]), context->saved_data["chunk"].toInt());
        return {
            inTypeOf(x, dx),
            inTypeOf(saved[1], ddt),
            inTypeOf(saved[2], da),
            inTypeOf(saved[3], db),
            inTypeOf(saved[4], dc),
            inTypeOf(saved[5], dd),
            inTypeOf(saved[6], dInitial),
            Tensor(),
            Tensor()};
    }
};

std::tuple<Tensor, Tensor> differentiable(
    const Tensor &x, const Tensor &dt, const Tensor &a, const Tensor &b, const Tensor &c,
    const OptionalTensor &d, const OptionalTensor &initial, const OptionalTensor &documents, int64_t chunk) {
    auto results = SSDFunction::apply(x, dt, a, b, c, d, initial, documents, chunk);
    return {results[0], results[1]};
}

at::TensorOptions computingOptions(const Tensor &x) { return x.options().dtype(computing(x.scalar_type())); }

std::tuple<Tensor, Tensor> shapes(
    const Tensor &x, const Tensor &, const Tensor &, const Tensor &b, const Tensor &, const OptionalTensor &,
    const OptionalTensor &, const OptionalTensor &, int64_t) {
    TORCH_CHECK(x.dim() == 4 && b.dim() == 4, "molt::ssd: x and B must have four dimensions");
    return {
        at::empty_like(x, at::MemoryFormat::Contiguous),
        at::empty({x.size(0), x.size(2), x.size(3), b.size(3)}, computingOptions(x))};
}

Gradients gradientShapes(
    const Tensor &, const OptionalTensor &, const Tensor &x, const Tensor &dt, const Tensor &a, const Tensor &b,
    const Tensor &c, const OptionalTensor &d, const OptionalTensor &initial, const OptionalTensor &, int64_t) {
    return {emptyLike(x), emptyLike(dt), emptyLike(a),      emptyLike(b),
            emptyLike(c), emptyLike(d),  emptyLike(initial)};
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(molt, library) {
    library.def(
        "ssd(Tensor x, Tensor dt, Tensor A, Tensor B, Tensor C, Tensor? D, Tensor? initial_state, Tensor? "
        "seq_idx, "
        "int chunk) -> (Tensor y, Tensor final_state)");
    library.def(
        "ssd_backward(Tensor dy, Tensor? d_final_state, Tensor x, Tensor dt, Tensor A, Tensor B, Tensor C, "
        "Tensor? D, "
        "Tensor? initial_state, Tensor? seq_idx, int chunk) -> "
        "(Tensor dx, Tensor ddt, Tensor dA, Tensor dB, Tensor dC, Tensor dD, Tensor d_initial_state)");
}
TORCH_LIBRARY_IMPL(molt, Autograd, library) { library.impl("ssd", &differentiable); }
TORCH_LIBRARY_IMPL(molt, Meta, library) {
    library.impl("ssd", &shapes);
    library.impl("ssd_backward", &gradientShapes);
}

}  // namespace molt
