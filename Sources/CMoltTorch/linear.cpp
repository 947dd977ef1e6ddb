// molt::linear: y = x wᵀ + b. On CPUs in fp32 each of its three products goes to MKL or to oneDNN, whichever the
// run's numerics record names; everywhere else it is at::linear. oneDNN's operator has no autograd, so the gradients
// are written out here.
// Where the processor has no bfloat16 products, those go through widened factors: same numerics, four times faster.
#include "guard.hpp"
#include "kernels/bfloat.hpp"

#include <ATen/autocast_mode.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

namespace {

// Process-wide, as libtorch's own choices (threads, determinism) are. A bit for each product: 1 is oneDNN.
std::atomic<uint32_t> packed_choice{0};

mt_matmul chosen_libraries() {
    const uint32_t bits = packed_choice.load(std::memory_order_relaxed);
    const auto library = [bits](uint32_t bit) { return (bits & bit) != 0 ? MT_ONEDNN : MT_MKL; };
    return {library(1), library(2), library(4)};
}

using Optional = std::optional<at::Tensor>;

/// x wᵀ + b by oneDNN in true fp32.
at::Tensor onednn_linear(const at::Tensor &input, const at::Tensor &weight, const Optional &bias) {
    using Signature = at::Tensor(
        const at::Tensor &, const at::Tensor &, const Optional &, std::string_view,
        c10::List<std::optional<at::Scalar>>, std::optional<std::string_view>);
    static const auto op =
        c10::Dispatcher::singleton().findSchemaOrThrow("mkldnn::_linear_pointwise", "").typed<Signature>();
    return op.call(input, weight, bias, "none", c10::List<std::optional<at::Scalar>>(), "");
}

at::Tensor product(mt_library library, const at::Tensor &a, const at::Tensor &b_transposed) {
    return library == MT_ONEDNN ? onednn_linear(a, b_transposed, std::nullopt) : at::matmul(a, b_transposed.t());
}

struct Linear final : torch::autograd::Function<Linear> {
    static at::Tensor forward(
        torch::autograd::AutogradContext *context, const at::Tensor &input, const at::Tensor &weight,
        const Optional &bias) {
        context->save_for_backward({input, weight});
        context->saved_data["bias"] = bias.has_value() && bias->defined();
        const at::AutoDispatchBelowADInplaceOrView guard;
        return chosen_libraries().forward == MT_ONEDNN ? onednn_linear(input, weight, bias)
                                                       : at::linear(input, weight, bias);
    }

    static torch::autograd::variable_list backward(
        torch::autograd::AutogradContext *context, torch::autograd::variable_list gradients) {
        const auto saved = context->get_saved_variables();
        const at::Tensor &input = saved[0];
        const at::Tensor &weight = saved[1];
        const at::Tensor gradient = gradients[0].reshape({-1, weight.size(0)});
        const at::Tensor rows = input.reshape({-1, weight.size(1)});
        // A gradient that is itself differentiated needs operators that record.
        const bool recorded = at::GradMode::is_enabled();
        const mt_matmul chosen = recorded ? mt_matmul{MT_MKL, MT_MKL, MT_MKL} : chosen_libraries();
        at::Tensor to_input, to_weight, to_bias;
        if (context->needs_input_grad(0)) {
            to_input = product(chosen.input_gradient, gradient, weight.t()).view(input.sizes());
        }
        if (context->needs_input_grad(1)) {
            to_weight = product(chosen.weight_gradient, gradient.t(), rows.t());
        }
        if (context->saved_data["bias"].toBool() && context->needs_input_grad(2)) {
            to_bias = gradient.sum(0);
        }
        return {to_input, to_weight, to_bias};
    }
};

bool wants_onednn(const at::Tensor &input, const at::Tensor &weight) {
    const mt_matmul chosen = chosen_libraries();
    const bool named = chosen.forward == MT_ONEDNN || chosen.input_gradient == MT_ONEDNN ||
                       chosen.weight_gradient == MT_ONEDNN;
    return named && input.is_cpu() && weight.is_cpu() && input.scalar_type() == at::kFloat &&
           weight.scalar_type() == at::kFloat && weight.dim() == 2 && input.dim() >= 2 &&
           input.size(-1) == weight.size(1) && input.numel() > 0 && weight.numel() > 0 &&
           !at::autocast::is_autocast_enabled(at::kCPU);
}

/// Whether this is a bfloat16 product, by its types or by autocast, on a processor that has no instructions for it.
bool is_foreign_bfloat(const at::Tensor &input, const at::Tensor &weight) {
    if (!input.is_cpu() || !weight.is_cpu() || weight.dim() != 2 || input.dim() < 1 || input.numel() == 0 ||
        input.size(-1) != weight.size(1) || molt::multipliesBfloat()) {
        return false;
    }
    const auto narrow = [](const at::Tensor &t) { return t.scalar_type() == at::kBFloat16; };
    const auto castable = [&](const at::Tensor &t) { return narrow(t) || t.scalar_type() == at::kFloat; };
    const bool cast = at::autocast::is_autocast_enabled(at::kCPU) &&
                      at::autocast::get_autocast_dtype(at::kCPU) == at::kBFloat16;
    return (narrow(input) && narrow(weight)) || (cast && castable(input) && castable(weight));
}

at::Tensor linear(const at::Tensor &input, const at::Tensor &weight, const Optional &bias) {
    if (is_foreign_bfloat(input, weight)) return molt::linearBfloat(input, weight, bias);
    return wants_onednn(input, weight) ? Linear::apply(input, weight, bias) : at::linear(input, weight, bias);
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(molt, library) {
    library.def("linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor");
    library.impl("linear", c10::DispatchKey::CompositeImplicitAutograd, TORCH_FN(linear));
}

extern "C" {

void mt_matmul_set(mt_matmul wanted) {
    const uint32_t bits = (wanted.forward == MT_ONEDNN ? 1 : 0) | (wanted.input_gradient == MT_ONEDNN ? 2 : 0) |
                          (wanted.weight_gradient == MT_ONEDNN ? 4 : 0);
    packed_choice.store(bits, std::memory_order_relaxed);
}

mt_matmul mt_matmul_get(void) {
    return chosen_libraries();
}

}  // extern "C"
