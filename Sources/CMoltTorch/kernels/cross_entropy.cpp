// molt::cross_entropy(Tensor hidden, Tensor weight, Tensor targets, Tensor? loss_weights, int chunk, float softcap)
//   -> (Tensor loss, Tensor count)
// The last linear layer and the cross entropy together, `chunk` rows at a time, so that all logits never exist
// at once.
//   hidden [rows, width]; weight [vocabulary, width]; targets [rows], integers, −100 is ignored; loss_weights
//   [rows]. loss = Σ weight_t · −log softmax(hidden_t · weightᵀ)[target_t], count = Σ weight_t over the rows
//   that are not ignored; both float. A softcap c above 0 takes c · tanh(logit / c) for each logit. The gradients of hidden and weight are made on the way, since the logits
//   are there, and scaled in the backward. In bfloat16 (hidden is, or autocast says so) factors are rounded to
//   it; where the processor multiplies bfloat16 its products, the logits, come back rounded once, as everybody's do
//   there; softmax and sums are in float.
#include "bfloat.hpp"
#include "fused.hpp"

#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/zeros.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

namespace molt {
namespace {

constexpr int64_t ignored = -100;

void check(
    const Tensor &hidden, const Tensor &weight, const Tensor &targets, const OptionalTensor &weights,
    int64_t chunk, double softcap) {
    const char *name = "molt::cross_entropy";
    TORCH_CHECK(hidden.dim() == 2, name, ": hidden must be [rows, width], but has shape ", hidden.sizes());
    TORCH_CHECK(
        isSupported(hidden.scalar_type()), name, ": hidden must be floating, but is ", hidden.scalar_type());
    TORCH_CHECK(
        weight.dim() == 2 && weight.size(1) == hidden.size(1), name, ": weight must be [vocabulary, ",
        hidden.size(1), "] as hidden is that wide, but has shape ", weight.sizes());
    checkShape(name, "targets", targets, {hidden.size(0)});
    TORCH_CHECK(
        !targets.is_floating_point(), name, ": targets must hold integers, but are ", targets.scalar_type());
    if (given(weights)) checkShape(name, "loss_weights", *weights, {hidden.size(0)});
    TORCH_CHECK(chunk > 0, name, ": chunk must be positive, but is ", chunk);
    TORCH_CHECK(softcap >= 0, name, ": softcap must not be negative, but is ", softcap);
}

/// Rows of logits become rows of d loss / d logits; losses go out row by row.
template <class real>
void softmaxRows(
    Tensor &logits, const int64_t *target, const real *rowWeight, double *loss, bool gradient, double softcap) {
    const int64_t vocabulary = logits.size(1);
    real *rows = logits.mutable_data_ptr<real>();
    at::parallel_for(0, logits.size(0), 4, [&](int64_t first, int64_t last) {
        Scratch<real> slope(softcap > 0 ? vocabulary : 0);
        for (int64_t i = first; i < last; ++i) {
            const bool counts = target[i] != ignored;
            TORCH_CHECK(
                !counts || (target[i] >= 0 && target[i] < vocabulary),
                "molt::cross_entropy: targets must lie in 0..<", vocabulary, " or be ", ignored,
                ", but one is ", target[i]);
            const real weight = !counts ? real(0) : rowWeight ? rowWeight[i] : real(1);
            real *row = rows + i * vocabulary;
            const int64_t wanted = counts ? target[i] : 0;
            loss[i] = softcap > 0 ? fusedCode<real>().cappedCrossEntropy(
                                        row, vocabulary, wanted, weight, gradient, real(softcap), slope.get())
                                  : fusedCode<real>().crossEntropy(row, vocabulary, wanted, weight, gradient);
        }
    });
}

using Results = std::tuple<Tensor, Tensor, Tensor, Tensor>;

struct Products {
    bool bfloat;  // factors in bfloat16, on hardware that has it
    at::ScalarType real;
    Tensor factor(const Tensor &tensor, bool rounded) const {
        if (bfloat) return tensor.to(at::kBFloat16).contiguous();
        return rounded ? roundedToBfloat(tensor) : tensor.to(real).contiguous();
    }
    Tensor product(const Tensor &a, const Tensor &b) const {
        return bfloat ? at::mm(a.to(at::kBFloat16), b).to(real) : at::mm(a, b);
    }
};

Results forward(
    const Tensor &hidden, const Tensor &weight, const Tensor &targets, const OptionalTensor &weights,
    int64_t chunk, double softcap, bool rounded, bool wantsHidden, bool wantsWeight) {
    check(hidden, weight, targets, weights, chunk, softcap);
    const at::ScalarType type = computing(hidden.scalar_type());
    const Products use{rounded && multipliesBfloat(), type};
    const int64_t rows = hidden.size(0);
    const Tensor w = use.factor(weight, rounded), ids = targets.to(at::kLong).contiguous();
    const auto options = hidden.options().dtype(type);
    const Tensor rowWeights = given(weights) ? weights->to(type).contiguous() : Tensor();
    Tensor losses = at::zeros({rows}, hidden.options().dtype(at::kDouble)), dHidden, dWeight;
    if (wantsHidden) dHidden = at::empty(hidden.sizes(), hidden.options());
    if (wantsWeight) dWeight = at::zeros(weight.sizes(), options);
    computingIn(type, [&](auto zero) {
        using real = decltype(zero);
        for (int64_t first = 0; first < rows; first += chunk) {
            const int64_t count = std::min(chunk, rows - first);
            const Tensor h = use.factor(hidden.narrow(0, first, count), rounded);
            Tensor logits = use.product(h, w.t());
            softmaxRows<real>(
                logits, ids.const_data_ptr<int64_t>() + first,
                rowWeights.defined() ? rowWeights.const_data_ptr<real>() + first : nullptr,
                losses.mutable_data_ptr<double>() + first, wantsHidden || wantsWeight, softcap);
            if (wantsHidden) dHidden.narrow(0, first, count).copy_(use.product(logits, w));
            if (wantsWeight) {
                if (use.bfloat)
                    dWeight.add_(use.product(logits.t(), h));
                else
                    dWeight.addmm_(logits.t(), h);
            }
        }
    });
    const double *loss = losses.const_data_ptr<double>();
    const int64_t *id = ids.const_data_ptr<int64_t>();
    double total = 0, counted = 0;
    for (int64_t i = 0; i < rows; ++i) {
        total += loss[i];
        if (id[i] != ignored) counted += rowWeights.defined() ? rowWeights[i].item<double>() : 1;
    }
    return {at::scalar_tensor(total, options), at::scalar_tensor(counted, options), dHidden, dWeight};
}

Results shapes(
    const Tensor &hidden, const Tensor &weight, const Tensor &, const OptionalTensor &, int64_t, double,
    bool, bool wantsHidden, bool wantsWeight) {
    const auto options = hidden.options().dtype(computing(hidden.scalar_type()));
    return {
        at::empty({}, options), at::empty({}, options), wantsHidden ? emptyLike(hidden) : Tensor(),
        wantsWeight ? at::empty(weight.sizes(), options) : Tensor()};
}

using Forward =
    Results(
        const Tensor &, const Tensor &, const Tensor &, const OptionalTensor &, int64_t, double, bool, bool, bool);

struct Function : torch::autograd::Function<Function> {
    static torch::autograd::variable_list forward(
        torch::autograd::AutogradContext *context, const Tensor &hidden, const Tensor &weight,
        const Tensor &targets, const OptionalTensor &weights, int64_t chunk, double softcap, bool rounded,
        bool recorded) {
        static const auto run = operatorNamed<Forward>("molt::cross_entropy_forward");
        const at::AutoDispatchBelowADInplaceOrView below;
        const c10::impl::ExcludeDispatchKeyGuard exactly(c10::autocast_dispatch_keyset);
        auto [loss, count, dHidden, dWeight] = run.call(
            hidden, weight, targets, weights, chunk, softcap, rounded, recorded && hidden.requires_grad(),
            recorded && weight.requires_grad());
        context->save_for_backward({dHidden, dWeight});
        context->saved_data["weight"] = weight.scalar_type();
        context->mark_non_differentiable({count});
        return {loss, count};
    }
    static torch::autograd::variable_list backward(
        torch::autograd::AutogradContext *context, const torch::autograd::variable_list &gradients) {
        const auto saved = context->get_saved_variables();
        Tensor dHidden, dWeight;
        if (saved[0].defined()) dHidden = saved[0].mul(gradients[0]);
        if (saved[1].defined())
            dWeight = saved[1].mul(gradients[0]).to(context->saved_data["weight"].toScalarType());
        return {dHidden, dWeight, Tensor(), Tensor(), Tensor(), Tensor(), Tensor(), Tensor()};
    }
};

std::tuple<Tensor, Tensor> crossEntropy(
    const Tensor &hidden, const Tensor &weight, const Tensor &targets, const OptionalTensor &weights,
    int64_t chunk, double softcap) {
    const bool autocast = hidden.is_cpu() && at::autocast::is_autocast_enabled(at::kCPU) &&
                          at::autocast::get_autocast_dtype(at::kCPU) == at::kBFloat16;
    const bool rounded =
        hidden.scalar_type() == at::kBFloat16 || (autocast && hidden.scalar_type() == at::kFloat);
    auto results =
        Function::apply(hidden, weight, targets, weights, chunk, softcap, rounded, at::GradMode::is_enabled());
    return {results[0], results[1]};
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(molt, library) {
    library.def(
        "cross_entropy(Tensor hidden, Tensor weight, Tensor targets, Tensor? loss_weights, int chunk, "
        "float softcap=0.) -> "
        "(Tensor loss, Tensor count)");
    library.impl("cross_entropy", c10::DispatchKey::CompositeImplicitAutograd, TORCH_FN(crossEntropy));
    library.def(
        "cross_entropy_forward(Tensor hidden, Tensor weight, Tensor targets, Tensor? loss_weights, int chunk, "
        "float softcap, bool rounded, bool wants_hidden, bool wants_weight) -> "
        "(Tensor loss, Tensor count, Tensor dhidden, Tensor dweight)");
}
TORCH_LIBRARY_IMPL(molt, CPU, library) { library.impl("cross_entropy_forward", &forward); }
TORCH_LIBRARY_IMPL(molt, Meta, library) { library.impl("cross_entropy_forward", &shapes); }

}  // namespace molt
