// Gradients: the engine, leaves and their hooks.
#include "guard.hpp"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

using molt::guarded;
using molt::unwrap;
using torch::autograd::variable_list;

namespace {

variable_list list_of(const mt_tensor *tensors, size_t count) {
    variable_list list;
    list.reserve(count);
    for (size_t i = 0; i < count; i++) {
        list.push_back(unwrap(tensors[i]));
    }
    return list;
}

variable_list list_or_empty(const mt_tensor *tensors, size_t count) {
    return tensors == nullptr ? variable_list() : list_of(tensors, count);
}

struct Hook final : torch::autograd::PostAccumulateGradHook {
    mt_gradient_hook call;
    void *context;

    Hook(mt_gradient_hook call, void *context) : call(call), context(context) {}

    void operator()(const torch::autograd::Variable &) override {
        TORCH_CHECK(call(context) == 0, "a gradient hook failed");
    }
};

}  // namespace

extern "C" {

mt_status mt_requires_grad_set(mt_tensor tensor, bool value) {
    return guarded([&] { tensor->value.requires_grad_(value); });
}

bool mt_requires_grad(mt_tensor tensor) {
    return tensor->value.requires_grad();
}

bool mt_is_leaf(mt_tensor tensor) {
    return tensor->value.is_leaf();
}

mt_status mt_grad_get(mt_tensor tensor, mt_tensor *out) {
    return guarded([&] { *out = molt::wrap(tensor->value.grad()); });
}

mt_status mt_grad_set(mt_tensor tensor, mt_tensor gradient) {
    return guarded([&] { tensor->value.mutable_grad() = unwrap(gradient); });
}

mt_status mt_backward(const mt_tensor *roots, const mt_tensor *gradients, size_t count, bool keep_graph) {
    return guarded([&] {
        torch::autograd::backward(list_of(roots, count), list_or_empty(gradients, count), keep_graph);
    });
}

mt_status mt_gradients(
    const mt_tensor *outputs, const mt_tensor *output_gradients, size_t output_count, const mt_tensor *inputs,
    size_t input_count, bool keep_graph, bool create_graph, bool allow_unused, mt_tensor *out) {
    return guarded([&] {
        auto gradients = torch::autograd::grad(
            list_of(outputs, output_count), list_of(inputs, input_count), list_or_empty(output_gradients, output_count),
            keep_graph, create_graph, allow_unused);
        for (size_t i = 0; i < input_count; i++) {
            out[i] = molt::wrap(gradients[i]);
        }
    });
}

bool mt_grad_mode(void) {
    return at::GradMode::is_enabled();
}

void mt_grad_mode_set(bool enabled) {
    at::GradMode::set_enabled(enabled);
}

mt_status mt_hook_set(mt_tensor leaf, mt_gradient_hook hook, void *context) {
    return guarded([&] {
        TORCH_CHECK(leaf->value.is_leaf() && leaf->value.requires_grad(), "only a leaf that requires grad has hooks");
        torch::autograd::impl::set_post_acc_grad_hooks(leaf->value, std::make_unique<Hook>(hook, context));
    });
}

mt_status mt_hook_remove(mt_tensor leaf) {
    return guarded([&] { torch::autograd::impl::set_post_acc_grad_hooks(leaf->value, nullptr); });
}

}  // extern "C"
