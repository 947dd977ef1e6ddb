// molt::rms_norm(Tensor x, Tensor weight, float eps) -> Tensor
//   y = x / rms(x) · weight over the last dimension.
// molt::gated_rms_norm(Tensor x, Tensor? z, Tensor weight, float eps, int group_size) -> Tensor
//   the same of x · silu(z), rms per group of channels (Mamba-2's norm).
// molt::add_rms_norm(Tensor x, Tensor residual, Tensor weight, float eps) -> (Tensor y, Tensor sum)
//   sum = x + residual in the residual's type, y the norm of it in x's type: a block's entry, one pass over
//   memory.
// Any leading dimensions, rows may be strided. Statistics in float at least. Where x and the weight are bfloat16,
// x / rms is rounded before the weight multiplies it, as transformers does; with a float weight it is not.
#include "fused.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

namespace molt {
namespace {

constexpr int64_t rowsPerBlock = 16;

struct NormArguments {
    const Tensor &x, &weight;
    Tensor gate, residual;
    double epsilon;
    int64_t group;
};

void check(const char *name, const NormArguments &in) {
    TORCH_CHECK(in.x.dim() >= 1, name, ": x must have a dimension to normalize over");
    TORCH_CHECK(isSupported(in.x.scalar_type()), name, ": x must be floating, but is ", in.x.scalar_type());
    checkShape(name, "weight", in.weight, {in.x.size(-1)});
    if (in.gate.defined()) checkShape(name, "z", in.gate, in.x.sizes());
    if (in.residual.defined()) checkShape(name, "residual", in.residual, in.x.sizes());
    TORCH_CHECK(
        in.group > 0 && in.x.size(-1) % in.group == 0, name, ": group_size ", in.group, " must divide the ",
        in.x.size(-1), " channels of x");
}

/// Rows of an input in a type that the kernels read: its own, or the computing type where that is not one of
/// theirs.
Tensor readable(const Tensor &tensor, at::ScalarType real) {
    const at::ScalarType type = tensor.scalar_type();
    const bool fits = type == at::kBFloat16 ? real == at::kFloat : type == real;
    return asRows(tensor, fits ? type : real);
}

template <class real>
NormPlan<real> planFor(const NormArguments &in, const Tensor &x, const Tensor &weight) {
    NormPlan<real> plan{};
    plan.rows = x.size(0), plan.width = x.size(1), plan.padded = weight.size(0), plan.group = in.group;
    plan.block = rowsPerBlock, plan.epsilon = in.epsilon;
    plan.x = rowsOf(x), plan.weight = pointerTo<real>(weight);
    return plan;
}
int64_t blocks(int64_t rows) { return (rows + rowsPerBlock - 1) / rowsPerBlock; }

using Results = std::tuple<Tensor, Tensor, Tensor>;

/// y, the sum with the residual (undefined without one), 1 / rms.
Results normForward(
    const Tensor &x, const OptionalTensor &gate, const OptionalTensor &residual, const Tensor &weight,
    double epsilon, int64_t group) {
    const NormArguments in{x, weight, orUndefined(gate), orUndefined(residual), epsilon, group};
    check("molt::rms_norm", in);
    return computingIn(x.scalar_type(), [&](auto zero) -> Results {
        using real = decltype(zero);
        const at::ScalarType type = computing(x.scalar_type());
        const Tensor rows = readable(x, type), z = in.gate.defined() ? readable(in.gate, type) : Tensor();
        const Tensor other = in.residual.defined() ? readable(in.residual, type) : Tensor();
        const Tensor w = paddedVector(weight, paddedTo(rows.size(1), fusedCode<real>().padding), type);
        NormPlan<real> plan = planFor<real>(in, rows, w);
        Tensor y = at::empty(x.sizes(), rows.options()), total, yRows = y.view({-1, x.size(-1)}), totalRows;
        Tensor scale = at::empty({rows.size(0), x.size(-1) / group}, w.options());
        if (other.defined())
            total = at::empty(x.sizes(), other.options()), totalRows = total.view({-1, x.size(-1)});
        plan.roundFirst = x.scalar_type() == at::kBFloat16 && weight.scalar_type() == at::kBFloat16;
        plan.gate = rowsOf(z), plan.residual = rowsOf(other), plan.y = rowsOf(yRows),
        plan.total = rowsOf(totalRows);
        plan.scale = pointerTo<real>(scale);
        if (x.numel() > 0)
            forEach<real>(blocks(plan.rows), 2 * plan.padded, [&](int64_t i, real *scratch) {
                fusedCode<real>().normalize(plan, i, scratch);
            });
        return {y.to(x.scalar_type()), total.defined() ? total.to(in.residual.scalar_type()) : total, scale};
    });
}

/// dx (also the residual's), dgate, dweight. `x` is the sum where there was a residual.
Results normBackward(
    const Tensor &dy, const OptionalTensor &dTotal, const Tensor &x, const OptionalTensor &gate,
    const Tensor &weight, const Tensor &scale, double epsilon, int64_t group) {
    const NormArguments in{x, weight, orUndefined(gate), Tensor(), epsilon, group};
    check("molt::rms_norm_backward", in);
    return computingIn(x.scalar_type(), [&](auto zero) -> Results {
        using real = decltype(zero);
        const at::ScalarType type = computing(x.scalar_type());
        const Tensor rows = readable(x, type), z = in.gate.defined() ? readable(in.gate, type) : Tensor();
        const Tensor gradient = readable(dy, type), more = given(dTotal) ? readable(*dTotal, type) : Tensor();
        const Tensor w = paddedVector(weight, paddedTo(rows.size(1), fusedCode<real>().padding), type);
        NormPlan<real> plan = planFor<real>(in, rows, w);
        Tensor dx = at::empty(x.sizes(), rows.options()), dxRows = dx.view({-1, x.size(-1)}), dGate, dGateRows;
        if (z.defined()) dGate = at::empty(x.sizes(), z.options()), dGateRows = dGate.view({-1, x.size(-1)});
        Tensor partial = at::empty({blocks(plan.rows), plan.padded}, w.options());
        plan.gate = rowsOf(z), plan.dy = rowsOf(gradient), plan.dTotal = rowsOf(more);
        plan.dx = rowsOf(dxRows), plan.dGate = rowsOf(dGateRows);
        plan.scale = pointerTo<real>(scale), plan.partial = pointerTo<real>(partial);
        if (x.numel() > 0)
            forEach<real>(blocks(plan.rows), 4 * plan.padded, [&](int64_t i, real *scratch) {
                fusedCode<real>().normalizeBackward(plan, i, scratch);
            });
        return {dx, dGate, sumInOrder(partial).narrow(0, 0, plan.width)};
    });
}

using Forward =
    Results(const Tensor &, const OptionalTensor &, const OptionalTensor &, const Tensor &, double, int64_t);
using Backward = Results(
    const Tensor &, const OptionalTensor &, const Tensor &, const OptionalTensor &, const Tensor &,
    const Tensor &, double, int64_t);

struct Function : torch::autograd::Function<Function> {
    static torch::autograd::variable_list forward(
        torch::autograd::AutogradContext *context, const Tensor &x, const OptionalTensor &gate,
        const OptionalTensor &residual, const Tensor &weight, double epsilon, int64_t group) {
        static const auto run = operatorNamed<Forward>("molt::rms_norm_forward");
        at::AutoDispatchBelowADInplaceOrView below;
        auto [y, total, scale] = run.call(x, gate, residual, weight, epsilon, group);
        context->save_for_backward({total.defined() ? total : x, orUndefined(gate), weight, scale});
        context->saved_data["epsilon"] = epsilon;
        context->saved_data["group"] = group;
        context->saved_data["x"] = x.scalar_type();
        context->set_materialize_grads(false);
        if (total.defined()) return {y, total};
        return {y};
    }
    static torch::autograd::variable_list backward(
        torch::autograd::AutogradContext *context, const torch::autograd::variable_list &gradients) {
        static const auto run = operatorNamed<Backward>("molt::rms_norm_backward");
        const auto saved = context->get_saved_variables();
        const bool summed = gradients.size() > 1;
        const Tensor dy = gradients[0].defined() ? gradients[0] : at::zeros_like(saved[0]);
        auto [dx, dGate, dWeight] = run.call(
            dy, summed ? orNone(gradients[1]) : std::nullopt, saved[0], orNone(saved[1]), saved[2], saved[3],
            context->saved_data["epsilon"].toDouble(), context->saved_data["group"].toInt());
        return {
            dx.to(context->saved_data["x"].toScalarType()),
            inTypeOf(saved[1], dGate),
            summed ? inTypeOf(saved[0], dx) : Tensor(),
            inTypeOf(saved[2], dWeight),
            Tensor(),
            Tensor()};
    }
};

Tensor rmsNorm(const Tensor &x, const Tensor &weight, double epsilon) {
    TORCH_CHECK(x.dim() >= 1, "molt::rms_norm: x must have a dimension to normalize over");
    return Function::apply(x, std::nullopt, std::nullopt, weight, epsilon, x.size(-1))[0];
}
Tensor gatedRMSNorm(
    const Tensor &x, const OptionalTensor &z, const Tensor &weight, double epsilon, int64_t group) {
    return Function::apply(x, z, std::nullopt, weight, epsilon, group)[0];
}
std::tuple<Tensor, Tensor> addRMSNorm(
    const Tensor &x, const Tensor &residual, const Tensor &weight, double epsilon) {
    TORCH_CHECK(x.dim() >= 1, "molt::add_rms_norm: x must have a dimension to normalize over");
    auto results = Function::apply(x, std::nullopt, OptionalTensor(residual), weight, epsilon, x.size(-1));
    return {results[0], results[1]};
}

Results forwardShapes(
    const Tensor &x, const OptionalTensor &, const OptionalTensor &residual, const Tensor &, double,
    int64_t group) {
    const auto options = x.options().dtype(computing(x.scalar_type()));
    return {
        emptyLike(x), emptyLike(residual), at::empty({x.numel() / x.size(-1), x.size(-1) / group}, options)};
}
Results backwardShapes(
    const Tensor &, const OptionalTensor &, const Tensor &x, const OptionalTensor &gate, const Tensor &weight,
    const Tensor &, double, int64_t) {
    return {emptyLike(x), emptyLike(gate), emptyLike(weight)};
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(molt, library) {
    library.def("rms_norm(Tensor x, Tensor weight, float eps) -> Tensor");
    library.def("gated_rms_norm(Tensor x, Tensor? z, Tensor weight, float eps, int group_size) -> Tensor");
    library.def("add_rms_norm(Tensor x, Tensor residual, Tensor weight, float eps) -> (Tensor y, Tensor sum)");
    library.impl("rms_norm", c10::DispatchKey::CompositeImplicitAutograd, TORCH_FN(rmsNorm));
    library.impl("gated_rms_norm", c10::DispatchKey::CompositeImplicitAutograd, TORCH_FN(gatedRMSNorm));
    library.impl("add_rms_norm", c10::DispatchKey::CompositeImplicitAutograd, TORCH_FN(addRMSNorm));
    library.def(
        "rms_norm_forward(Tensor x, Tensor? z, Tensor? residual, Tensor weight, float eps, int group_size) -> "
        "(Tensor y, Tensor sum, Tensor scale)");
    library.def(
        "rms_norm_backward(Tensor dy, Tensor? dsum, Tensor x, Tensor? z, Tensor weight, Tensor scale, float "
        "eps, "
        "int group_size) -> (Tensor dx, Tensor dz, Tensor dweight)");
}
TORCH_LIBRARY_IMPL(molt, CPU, library) {
    library.impl("rms_norm_forward", &normForward);
    library.impl("rms_norm_backward", &normBackward);
}
TORCH_LIBRARY_IMPL(molt, Meta, library) {
    library.impl("rms_norm_forward", &forwardShapes);
    library.impl("rms_norm_backward", &backwardShapes);
}

}  // namespace molt
