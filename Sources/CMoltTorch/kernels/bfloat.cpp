// molt::linear_bfloat(Tensor input, Tensor weight, Tensor? bias) -> Tensor
//   input · weightᵀ + bias with the numerics of bfloat16 hardware: factors rounded to bfloat16, sums in float,
//   the result rounded to bfloat16. Made for processors without such hardware: the factors are widened and
//   multiplied in float. The weight may be a float parameter; its gradient is then not rounded.
// molt::multiplies_bfloat() -> bool, for the choice and for the numerics record.
#include "bfloat.hpp"
#include "fused.hpp"

#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

namespace molt {

bool multipliesBfloat() {
    static const bool native =
        instructionSet() == InstructionSet::avx512 && __builtin_cpu_supports("avx512bf16");
    return native;
}

static void roundRange(const float *from, float *to, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
        union {
            float f;
            uint32_t u;
        } both = {from[i]};
        both.u = (both.u + 0x7FFFu + ((both.u >> 16) & 1u)) & 0xFFFF0000u;
        to[i] = from[i] == from[i] ? both.f : from[i];
    }
}

Tensor roundedToBfloat(const Tensor &tensor) {
    if (tensor.scalar_type() == at::kBFloat16) return tensor.to(at::kFloat).contiguous();
    const Tensor source = tensor.to(at::kFloat).contiguous();
    Tensor result = at::empty(source.sizes(), source.options());
    const float *from = source.const_data_ptr<float>();
    float *to = result.mutable_data_ptr<float>();
    at::parallel_for(0, source.numel(), 1 << 15, [&](int64_t first, int64_t last) {
        roundRange(from + first, to + first, last - first);
    });
    return result;
}

namespace {

Tensor asMatrix(const Tensor &tensor) { return tensor.reshape({-1, tensor.size(-1)}); }

struct Function : torch::autograd::Function<Function> {
    static torch::autograd::variable_list forward(
        torch::autograd::AutogradContext *context, const Tensor &input, const Tensor &weight,
        const OptionalTensor &bias) {
        const at::AutoDispatchBelowADInplaceOrView below;
        const c10::impl::ExcludeDispatchKeyGuard exactly(c10::autocast_dispatch_keyset);
        const Tensor narrow = input.to(at::kBFloat16);
        context->save_for_backward({narrow, weight});
        context->saved_data["input"] = input.scalar_type();
        context->saved_data["bias"] = given(bias) ? at::IValue(bias->scalar_type()) : at::IValue();
        const Tensor x = roundedToBfloat(asMatrix(narrow)), w = roundedToBfloat(weight).t();
        const Tensor y = given(bias) ? at::addmm(roundedToBfloat(*bias), x, w) : at::mm(x, w);
        auto sizes = input.sizes().vec();
        sizes.back() = weight.size(0);
        return {y.to(at::kBFloat16).view(sizes)};
    }
    static torch::autograd::variable_list backward(
        torch::autograd::AutogradContext *context, const torch::autograd::variable_list &gradients) {
        const c10::impl::ExcludeDispatchKeyGuard exactly(c10::autocast_dispatch_keyset);
        const auto saved = context->get_saved_variables();
        const Tensor dy = roundedToBfloat(asMatrix(gradients[0]));
        Tensor dInput, dWeight, dBias;
        if (context->needs_input_grad(0)) {
            dInput = at::mm(dy, roundedToBfloat(saved[1])).to(at::kBFloat16).view(saved[0].sizes());
            dInput = dInput.to(context->saved_data["input"].toScalarType());
        }
        if (context->needs_input_grad(1))
            dWeight = at::mm(dy.t(), roundedToBfloat(asMatrix(saved[0]))).to(saved[1].scalar_type());
        const at::IValue bias = context->saved_data["bias"];
        if (!bias.isNone() && context->needs_input_grad(2)) dBias = dy.sum(0).to(bias.toScalarType());
        return {dInput, dWeight, dBias};
    }
};

}  // namespace

Tensor linearBfloat(const Tensor &input, const Tensor &weight, const OptionalTensor &bias) {
    TORCH_CHECK(
        weight.dim() == 2 && input.dim() >= 1 && input.size(-1) == weight.size(1),
        "molt::linear_bfloat: input must be [..., in] and weight [out, in], but have shapes ", input.sizes(),
        " and ", weight.sizes());
    if (given(bias)) checkShape("molt::linear_bfloat", "bias", *bias, {weight.size(0)});
    return Function::apply(input, weight, bias)[0];
}

TORCH_LIBRARY_FRAGMENT(molt, library) {
    library.def("linear_bfloat(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor");
    library.impl("linear_bfloat", c10::DispatchKey::CompositeImplicitAutograd, TORCH_FN(linearBfloat));
    library.def("multiplies_bfloat() -> bool", &multipliesBfloat);
}

}  // namespace molt
