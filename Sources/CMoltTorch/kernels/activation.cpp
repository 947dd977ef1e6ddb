// molt::squared_relu(Tensor x) -> Tensor          max(x, 0)²
// molt::swiglu(Tensor a, Tensor b) -> Tensor      silu(a) · b
// Computed in float at least and rounded once; only the inputs are kept for the backward. Rows may be strided,
// so a and b can be halves of one projection.
#include "fused.hpp"

#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

namespace molt {
namespace {

ActivationPlan planFor(const Tensor &a, const Tensor &b) {
    ActivationPlan plan{};
    plan.function = b.defined() ? Activation::swiglu : Activation::squaredReLU;
    plan.rows = a.size(0), plan.width = a.size(1), plan.a = rowsOf(a), plan.b = rowsOf(b);
    return plan;
}

void check(const Tensor &a, const OptionalTensor &b) {
    TORCH_CHECK(
        a.dim() >= 1 && isSupported(a.scalar_type()),
        "molt activation: the argument must be a floating tensor");
    if (!given(b)) return;
    checkShape("molt::swiglu", "b", *b, a.sizes());
    TORCH_CHECK(
        a.scalar_type() == b->scalar_type(), "molt::swiglu: a and b must share one type, but are ",
        a.scalar_type(), " and ", b->scalar_type());
}

Tensor activationForward(const Tensor &a, const OptionalTensor &b) {
    check(a, b);
    const at::ScalarType type = stored(a.scalar_type());
    const Tensor first = asRows(a, type), second = given(b) ? asRows(*b, type) : Tensor();
    Tensor y = at::empty(a.sizes(), first.options()), rows = y.view({-1, a.size(-1)});
    ActivationPlan plan = planFor(first, second);
    plan.y = rowsOf(rows);
    if (a.numel() > 0)
        computingIn(type, [&](auto zero) {
            using real = decltype(zero);
            forEach<real>(
                plan.rows, 4096, [&](int64_t i, real *s) { fusedCode<real>().activate(plan, i, s); }, 16);
        });
    return y.to(a.scalar_type());
}

std::tuple<Tensor, Tensor> activationBackward(const Tensor &dy, const Tensor &a, const OptionalTensor &b) {
    check(a, b);
    const at::ScalarType type = stored(a.scalar_type());
    const Tensor first = asRows(a, type), second = given(b) ? asRows(*b, type) : Tensor(),
                 gradient = asRows(dy, type);
    Tensor da = at::empty(a.sizes(), first.options()), daRows = da.view({-1, a.size(-1)}), db, dbRows;
    if (second.defined()) db = at::empty(a.sizes(), first.options()), dbRows = db.view({-1, a.size(-1)});
    ActivationPlan plan = planFor(first, second);
    plan.dy = rowsOf(gradient), plan.da = rowsOf(daRows), plan.db = rowsOf(dbRows);
    if (a.numel() > 0)
        computingIn(type, [&](auto zero) {
            using real = decltype(zero);
            forEach<real>(
                plan.rows, 4096, [&](int64_t i, real *s) { fusedCode<real>().activateBackward(plan, i, s); },
                16);
        });
    return {da.to(a.scalar_type()), db.defined() ? db.to(a.scalar_type()) : db};
}

using Forward = Tensor(const Tensor &, const OptionalTensor &);
using Backward = std::tuple<Tensor, Tensor>(const Tensor &, const Tensor &, const OptionalTensor &);

struct Function : torch::autograd::Function<Function> {
    static torch::autograd::variable_list forward(
        torch::autograd::AutogradContext *context, const Tensor &a, const OptionalTensor &b) {
        static const auto run = operatorNamed<Forward>("molt::activation_forward");
        at::AutoDispatchBelowADInplaceOrView below;
        context->save_for_backward({a, orUndefined(b)});
        return {run.call(a, b)};
    }
    static torch::autograd::variable_list backward(
        torch::autograd::AutogradContext *context, const torch::autograd::variable_list &gradients) {
        static const auto run = operatorNamed<Backward>("molt::activation_backward");
        const auto saved = context->get_saved_variables();
        auto [da, db] = run.call(gradients[0], saved[0], orNone(saved[1]));
        return {da, db};
    }
};

Tensor squaredReLU(const Tensor &x) { return Function::apply(x, std::nullopt)[0]; }
Tensor swiglu(const Tensor &a, const Tensor &b) { return Function::apply(a, OptionalTensor(b))[0]; }
Tensor forwardShape(const Tensor &a, const OptionalTensor &) { return emptyLike(a); }
std::tuple<Tensor, Tensor> backwardShapes(const Tensor &, const Tensor &a, const OptionalTensor &b) {
    return {emptyLike(a), emptyLike(b)};
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(molt, library) {
    library.def("squared_relu(Tensor x) -> Tensor");
    library.def("swiglu(Tensor a, Tensor b) -> Tensor");
    library.impl("squared_relu", c10::DispatchKey::CompositeImplicitAutograd, TORCH_FN(squaredReLU));
    library.impl("swiglu", c10::DispatchKey::CompositeImplicitAutograd, TORCH_FN(swiglu));
    library.def("activation_forward(Tensor a, Tensor? b) -> Tensor");
    library.def("activation_backward(Tensor dy, Tensor a, Tensor? b) -> (Tensor da, Tensor db)");
}
TORCH_LIBRARY_IMPL(molt, CPU, library) {
    library.impl("activation_forward", &activationForward);
    library.impl("activation_backward", &activationBackward);
}
TORCH_LIBRARY_IMPL(molt, Meta, library) {
    library.impl("activation_forward", &forwardShape);
    library.impl("activation_backward", &backwardShapes);
}

}  // namespace molt
