// molt::linear: y = x wᵀ + b. On CPUs in fp32 the product goes to MKL or to oneDNN, whichever the run's numerics record
// names; everywhere else it is at::linear. oneDNN's operator has no autograd, so the gradients are written out here.
#include "guard.hpp"

#include <ATen/autocast_mode.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

namespace {

// Process-wide, as libtorch's own choices (threads, determinism) are.
std::atomic<int32_t> matmul_choice{MT_MATMUL_MKL};

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

struct Linear final : torch::autograd::Function<Linear> {
    static at::Tensor forward(
        torch::autograd::AutogradContext *context, const at::Tensor &input, const at::Tensor &weight,
        const Optional &bias) {
        context->save_for_backward({input, weight});
        context->saved_data["bias"] = bias.has_value() && bias->defined();
        const at::AutoDispatchBelowADInplaceOrView guard;
        return onednn_linear(input, weight, bias);
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
        at::Tensor to_input, to_weight, to_bias;
        if (context->needs_input_grad(0)) {
            to_input = recorded ? at::matmul(gradient, weight) : onednn_linear(gradient, weight.t(), std::nullopt);
            to_input = to_input.view(input.sizes());
        }
        if (context->needs_input_grad(1)) {
            to_weight = recorded ? at::matmul(gradient.t(), rows)
                                 : onednn_linear(gradient.t(), rows.t(), std::nullopt);
        }
        if (context->saved_data["bias"].toBool() && context->needs_input_grad(2)) {
            to_bias = gradient.sum(0);
        }
        return {to_input, to_weight, to_bias};
    }
};

bool wants_onednn(const at::Tensor &input, const at::Tensor &weight) {
    return matmul_choice.load(std::memory_order_relaxed) == MT_MATMUL_ONEDNN && input.is_cpu() && weight.is_cpu() &&
           input.scalar_type() == at::kFloat && weight.scalar_type() == at::kFloat && weight.dim() == 2 &&
           input.dim() >= 2 && input.size(-1) == weight.size(1) && input.numel() > 0 &&
           !at::autocast::is_autocast_enabled(at::kCPU);
}

at::Tensor linear(const at::Tensor &input, const at::Tensor &weight, const Optional &bias) {
    return wants_onednn(input, weight) ? Linear::apply(input, weight, bias) : at::linear(input, weight, bias);
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(molt, library) {
    library.def("linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor");
    library.impl("linear", c10::DispatchKey::CompositeImplicitAutograd, TORCH_FN(linear));
}

extern "C" {

void mt_matmul_set(mt_matmul choice) {
    matmul_choice.store(choice, std::memory_order_relaxed);
}

mt_matmul mt_matmul_get(void) {
    return static_cast<mt_matmul>(matmul_choice.load(std::memory_order_relaxed));
}

}  // extern "C"
