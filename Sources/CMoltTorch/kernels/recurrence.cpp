// molt::rg_lru(Tensor x, Tensor input_gate, Tensor recurrent_gate, Tensor decay, Tensor? seq_idx, Tensor? initial)
//   -> (Tensor y, Tensor final)
// The real-gated linear recurrent unit: r = σ(recurrent_gate), i = σ(input_gate), a = exp(−8 r softplus(decay)),
// y_t = a y_(t−1) + √(1 − a²) i x; where a document starts, and at the first token without an initial state,
// y_t = i x.
//   x and gates [batch, length, width]; decay [width]; seq_idx [batch, length]; initial, final [batch, width], of
//   the computing type, float at least. y has x's type. The derivative of the root is held below 1000.
#include "documents.hpp"
#include "fused.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/softplus.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

namespace molt {
namespace {

constexpr int64_t tileWidth = 64;

struct RecurrenceArguments {
    const Tensor &x, &inputGate, &recurrentGate, &rate;
    Tensor documents, initial;
};

void check(const RecurrenceArguments &in) {
    const char *name = "molt::rg_lru";
    TORCH_CHECK(
        in.x.dim() == 3 && in.x.size(1) > 0, name, ": x must be [batch, length, width] with tokens, but has shape ",
        in.x.sizes());
    TORCH_CHECK(isSupported(in.x.scalar_type()), name, ": x must be floating, but is ", in.x.scalar_type());
    checkShape(name, "input_gate", in.inputGate, in.x.sizes());
    checkShape(name, "recurrent_gate", in.recurrentGate, in.x.sizes());
    checkShape(name, "decay", in.rate, {in.x.size(2)});
    if (in.documents.defined()) checkShape(name, "seq_idx", in.documents, {in.x.size(0), in.x.size(1)});
    if (in.initial.defined()) checkShape(name, "initial", in.initial, {in.x.size(0), in.x.size(2)});
}

/// The plan of either direction, and the tensors that it points into.
template <class real>
struct Recurrence {
    RecurrencePlan<real> plan{};
    Tensor x, inputGate, recurrentGate, rate, initial, starts;
    int64_t tiles;

    Recurrence(const RecurrenceArguments &in, at::ScalarType type) {
        const at::ScalarType rows = stored(in.x.scalar_type());
        x = asRows(in.x, rows), inputGate = asRows(in.inputGate, rows), recurrentGate = asRows(in.recurrentGate, rows);
        tiles = (in.x.size(2) + tileWidth - 1) / tileWidth;
        rate = paddedVector(in.rate, tiles * tileWidth, type);
        if (in.initial.defined()) initial = in.initial.to(type).contiguous();
        starts = documentStarts(in.documents);
        plan.batch = in.x.size(0), plan.length = in.x.size(1), plan.channels = in.x.size(2), plan.tile = tileWidth;
        plan.x = rowsOf(x), plan.inputGate = rowsOf(inputGate), plan.recurrentGate = rowsOf(recurrentGate);
        plan.rate = pointerTo<real>(rate), plan.initial = pointerTo<real>(initial);
        plan.starts = pointerTo<uint8_t>(starts);
    }
    template <class Body>
    void run(int64_t rowsOfScratch, Body body) {
        forEach<real>(plan.batch * tiles, rowsOfScratch * tileWidth, [&](int64_t i, real *scratch) {
            body(i / tiles, i % tiles, scratch);
        });
    }
};

using Results = std::tuple<Tensor, Tensor, Tensor>;

/// y, the final state, and h in the computing type where y is rounded.
Results forward(
    const Tensor &x, const Tensor &inputGate, const Tensor &recurrentGate, const Tensor &rate,
    const OptionalTensor &documents, const OptionalTensor &initial) {
    const RecurrenceArguments in{x, inputGate, recurrentGate, rate, orUndefined(documents), orUndefined(initial)};
    check(in);
    return computingIn(x.scalar_type(), [&](auto zero) -> Results {
        using real = decltype(zero);
        const at::ScalarType type = computing(x.scalar_type());
        Recurrence<real> work(in, type);
        Tensor y = at::empty(x.sizes(), work.x.options()), yRows = y.view({-1, x.size(2)}), h, hRows;
        if (y.scalar_type() != type)
            h = at::empty(x.sizes(), y.options().dtype(type)), hRows = h.view({-1, x.size(2)});
        else if (x.scalar_type() != type)
            h = y;
        Tensor final = at::empty({x.size(0), x.size(2)}, y.options().dtype(type));
        work.plan.y = rowsOf(yRows), work.plan.h = rowsOf(hRows), work.plan.final = pointerTo<real>(final);
        work.run(4, [&](int64_t batch, int64_t tile, real *scratch) {
            fusedCode<real>().recur(work.plan, batch, tile, scratch);
        });
        return {y.to(x.scalar_type()), final, h};
    });
}

using Gradients = std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor>;

Gradients backward(
    const Tensor &dy, const OptionalTensor &dFinal, const Tensor &h, const Tensor &x, const Tensor &inputGate,
    const Tensor &recurrentGate, const Tensor &rate, const OptionalTensor &documents,
    const OptionalTensor &initial) {
    const RecurrenceArguments in{x, inputGate, recurrentGate, rate, orUndefined(documents), orUndefined(initial)};
    check(in);
    checkShape("molt::rg_lru_backward", "dy", dy, x.sizes());
    return computingIn(x.scalar_type(), [&](auto zero) -> Gradients {
        using real = decltype(zero);
        const at::ScalarType type = computing(x.scalar_type());
        Recurrence<real> work(in, type);
        const Tensor states = asRows(h, type), gradient = asRows(dy, work.x.scalar_type());
        Tensor final, dInitial, outputs[3], rows[3];
        for (int i = 0; i < 3; ++i)
            outputs[i] = at::empty(x.sizes(), work.x.options()), rows[i] = outputs[i].view({-1, x.size(2)});
        Tensor partial = at::empty({x.size(0), x.size(2)}, work.rate.options());
        if (given(dFinal)) final = dFinal->to(type).contiguous();
        if (in.initial.defined()) dInitial = at::empty(in.initial.sizes(), work.rate.options());
        work.plan.h = rowsOf(states), work.plan.dy = rowsOf(gradient);
        work.plan.dx = rowsOf(rows[0]), work.plan.dInputGate = rowsOf(rows[1]);
        work.plan.dRecurrentGate = rowsOf(rows[2]);
        work.plan.dFinal = pointerTo<real>(final), work.plan.dInitial = pointerTo<real>(dInitial);
        work.plan.partial = pointerTo<real>(partial);
        work.run(7, [&](int64_t batch, int64_t tile, real *scratch) {
            fusedCode<real>().recurBackward(work.plan, batch, tile, scratch);
        });
        return {outputs[0], outputs[1], outputs[2], sumInOrder(partial), dInitial};
    });
}

using Forward = Results(
    const Tensor &, const Tensor &, const Tensor &, const Tensor &, const OptionalTensor &, const OptionalTensor &);
using Backward = Gradients(
    const Tensor &, const OptionalTensor &, const Tensor &, const Tensor &, const Tensor &, const Tensor &,
    const Tensor &, const OptionalTensor &, const OptionalTensor &);

struct Function : torch::autograd::Function<Function> {
    static torch::autograd::variable_list forward(
        torch::autograd::AutogradContext *context, const Tensor &x, const Tensor &inputGate,
        const Tensor &recurrentGate, const Tensor &rate, const OptionalTensor &documents,
        const OptionalTensor &initial) {
        static const auto run = operatorNamed<Forward>("molt::rg_lru_forward");
        at::AutoDispatchBelowADInplaceOrView below;
        auto [y, final, h] = run.call(x, inputGate, recurrentGate, rate, documents, initial);
        context->save_for_backward(
            {h.defined() ? h : y, x, inputGate, recurrentGate, rate, orUndefined(documents),
             orUndefined(initial)});
        context->set_materialize_grads(false);
        return {y, final};
    }
    static torch::autograd::variable_list backward(
        torch::autograd::AutogradContext *context, const torch::autograd::variable_list &gradients) {
        static const auto run = operatorNamed<Backward>("molt::rg_lru_backward");
        const auto saved = context->get_saved_variables();
        const Tensor dy = gradients[0].defined() ? gradients[0] : at::zeros_like(saved[1]);
        auto [dx, dInputGate, dRecurrentGate, dRate, dInitial] = run.call(
            dy, orNone(gradients[1]), saved[0], saved[1], saved[2], saved[3], saved[4], orNone(saved[5]),
            orNone(saved[6]));
        return {inTypeOf(saved[1], dx),    inTypeOf(saved[2], dInputGate), inTypeOf(saved[3], dRecurrentGate),
                inTypeOf(saved[4], dRate), Tensor(),                       inTypeOf(saved[6], dInitial)};
    }
};

std::tuple<Tensor, Tensor> recurrence(
    const Tensor &x, const Tensor &inputGate, const Tensor &recurrentGate, const Tensor &decay,
    const OptionalTensor &documents, const OptionalTensor &initial) {
    const Tensor rate = at::softplus(decay.to(computing(x.scalar_type())));
    auto results = Function::apply(
        x, inputGate.to(x.scalar_type()), recurrentGate.to(x.scalar_type()), rate, documents, initial);
    return {results[0], results[1]};
}

Results shapes(
    const Tensor &x, const Tensor &, const Tensor &, const Tensor &, const OptionalTensor &, const OptionalTensor &) {
    const auto options = x.options().dtype(computing(x.scalar_type()));
    return {
        emptyLike(x), at::empty({x.size(0), x.size(2)}, options),
        x.scalar_type() == computing(x.scalar_type()) ? Tensor() : at::empty(x.sizes(), options)};
}
Gradients gradientShapes(
    const Tensor &, const OptionalTensor &, const Tensor &, const Tensor &x, const Tensor &, const Tensor &,
    const Tensor &rate, const OptionalTensor &, const OptionalTensor &initial) {
    return {emptyLike(x), emptyLike(x), emptyLike(x), emptyLike(rate), emptyLike(initial)};
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(molt, library) {
    library.def(
        "rg_lru(Tensor x, Tensor input_gate, Tensor recurrent_gate, Tensor decay, Tensor? seq_idx, "
        "Tensor? initial) -> (Tensor y, Tensor final)");
    library.impl("rg_lru", c10::DispatchKey::CompositeImplicitAutograd, TORCH_FN(recurrence));
    library.def(
        "rg_lru_forward(Tensor x, Tensor input_gate, Tensor recurrent_gate, Tensor rate, Tensor? seq_idx, "
        "Tensor? initial) -> (Tensor y, Tensor final, Tensor h)");
    library.def(
        "rg_lru_backward(Tensor dy, Tensor? d_final, Tensor h, Tensor x, Tensor input_gate, Tensor recurrent_gate, "
        "Tensor rate, Tensor? seq_idx, Tensor? initial) -> "
        "(Tensor dx, Tensor d_input_gate, Tensor d_recurrent_gate, Tensor d_rate, Tensor d_initial)");
}
TORCH_LIBRARY_IMPL(molt, CPU, library) {
    library.impl("rg_lru_forward", &forward);
    library.impl("rg_lru_backward", &backward);
}
TORCH_LIBRARY_IMPL(molt, Meta, library) {
    library.impl("rg_lru_forward", &shapes);
    library.impl("rg_lru_backward", &gradientShapes);
}

}  // namespace molt
