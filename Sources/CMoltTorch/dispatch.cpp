// One boxed entry into libtorch's dispatcher: every operator of every library that is loaded, autograd included.
#include "guard.hpp"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/stack.h>

#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

using c10::IValue;
using molt::guarded;

namespace {

/// What an argument needs besides being pushed: callers have fewer types than schemas.
enum class Coercion : uint8_t {
    none,
    real,
    integers,
    list_of_scalars,
    list_of_optional_scalars,
    list_of_optional_tensors,
};

Coercion coercion_for(c10::TypePtr type) {
    if (auto optional = type->cast<c10::OptionalType>()) {
        type = optional->getElementType();
    }
    if (type->kind() == c10::TypeKind::FloatType) {
        return Coercion::real;
    }
    auto list = type->cast<c10::ListType>();
    if (!list) {
        return Coercion::none;
    }
    const c10::TypePtr element = list->getElementType();
    if (element->kind() == c10::TypeKind::NumberType) {
        return Coercion::list_of_scalars;
    }
    if (element->kind() == c10::TypeKind::IntType || element->kind() == c10::TypeKind::SymIntType) {
        return Coercion::integers;
    }
    if (auto optional = element->cast<c10::OptionalType>()) {
        if (optional->getElementType()->kind() == c10::TypeKind::TensorType) {
            return Coercion::list_of_optional_tensors;
        }
        if (optional->getElementType()->kind() == c10::TypeKind::NumberType) {
            return Coercion::list_of_optional_scalars;
        }
    }
    return Coercion::none;
}

template <typename Element>
IValue scalars(const IValue &value) {
    c10::List<Element> list;
    if (value.isDoubleList()) {
        for (const double number : value.toDoubleVector()) {
            list.push_back(at::Scalar(number));
        }
    } else {
        for (const int64_t number : value.toIntVector()) {
            list.push_back(at::Scalar(number));
        }
    }
    return list;
}

IValue optional_tensors(const IValue &value) {
    c10::List<std::optional<at::Tensor>> list;
    for (const at::Tensor &tensor : value.toTensorVector()) {
        list.push_back(tensor.defined() ? std::optional<at::Tensor>(tensor) : std::nullopt);
    }
    return list;
}

void coerce(IValue &value, Coercion coercion) {
    switch (coercion) {
    case Coercion::none:
        return;
    case Coercion::real:
        if (value.isInt()) {
            value = static_cast<double>(value.toInt());
        }
        return;
    case Coercion::integers:
        if (value.isInt()) {
            value = c10::List<int64_t>({value.toInt()});
        }
        return;
    case Coercion::list_of_scalars:
        if (value.isDoubleList() || value.isIntList()) {
            value = scalars<at::Scalar>(value);
        }
        return;
    case Coercion::list_of_optional_scalars:
        if (value.isDoubleList() || value.isIntList()) {
            value = scalars<std::optional<at::Scalar>>(value);
        }
        return;
    case Coercion::list_of_optional_tensors:
        if (value.isTensorList()) {
            value = optional_tensors(value);
        }
        return;
    }
}

}  // namespace

struct mt_operator_s {
    c10::OperatorHandle handle;
    std::vector<Coercion> coercions;
    /// By position; nothing where the caller must give the argument.
    std::vector<std::optional<IValue>> defaults;

    explicit mt_operator_s(c10::OperatorHandle found) : handle(found) {
        for (const c10::Argument &argument : handle.schema().arguments()) {
            coercions.push_back(coercion_for(argument.real_type()));
            defaults.push_back(argument.default_value());
        }
    }
};

struct mt_stack_s {
    torch::jit::Stack values;
    /// What a push threw; the call reports it.
    std::exception_ptr failure;

    template <typename Make>
    void push(Make &&make) noexcept {
        try {
            values.emplace_back(make());
        } catch (...) {
            failure = std::current_exception();
        }
    }

    IValue &at(size_t index) {
        TORCH_CHECK(index < values.size(), "result ", index, " was asked of an operator with ", values.size());
        return values[index];
    }
};

extern "C" {

mt_status mt_operator_find(const char *name, const char *overload, mt_operator *out) {
    mt_status status = MT_OK;
    const mt_status outer = guarded([&] {
        static std::mutex mutex;
        static std::unordered_map<std::string, std::unique_ptr<mt_operator_s>> known;
        const std::lock_guard lock(mutex);
        const std::string key = std::string(name) + "." + overload;
        if (auto found = known.find(key); found != known.end()) {
            *out = found->second.get();
            return;
        }
        auto handle = c10::Dispatcher::singleton().findSchema({name, overload});
        if (!handle) {
            const std::string shown = *overload == 0 ? name : key;
            status = molt::failed(MT_UNKNOWN_OPERATOR, ("libtorch has no operator " + shown).c_str());
            return;
        }
        *out = known.emplace(key, std::make_unique<mt_operator_s>(*handle)).first->second.get();
    });
    return outer == MT_OK ? status : outer;
}

mt_stack mt_stack_new(void) {
    auto *stack = new (std::nothrow) mt_stack_s;
    if (stack != nullptr) {
        guarded([&] { stack->values.reserve(8); });
    }
    return stack;
}

void mt_stack_free(mt_stack stack) {
    delete stack;
}

void mt_push_tensor(mt_stack stack, mt_tensor tensor) {
    stack->push([&] { return tensor == nullptr ? IValue() : IValue(tensor->value); });
}

void mt_push_tensors(mt_stack stack, const mt_tensor *tensors, size_t count) {
    stack->push([&] {
        c10::List<at::Tensor> list;
        list.reserve(count);
        for (size_t i = 0; i < count; i++) {
            list.push_back(molt::unwrap(tensors[i]));
        }
        return IValue(std::move(list));
    });
}

void mt_push_int(mt_stack stack, int64_t value) {
    stack->push([&] { return IValue(value); });
}

void mt_push_double(mt_stack stack, double value) {
    stack->push([&] { return IValue(value); });
}

void mt_push_bool(mt_stack stack, bool value) {
    stack->push([&] { return IValue(value); });
}

void mt_push_string(mt_stack stack, const char *bytes, size_t count) {
    stack->push([&] { return IValue(std::string(bytes, count)); });
}

void mt_push_ints(mt_stack stack, const int64_t *values, size_t count) {
    stack->push([&] { return IValue(at::IntArrayRef(values, count)); });
}

void mt_push_doubles(mt_stack stack, const double *values, size_t count) {
    stack->push([&] { return IValue(std::vector<double>(values, values + count)); });
}

void mt_push_bools(mt_stack stack, const bool *values, size_t count) {
    stack->push([&] {
        c10::List<bool> list;
        for (size_t i = 0; i < count; i++) {
            list.push_back(values[i]);
        }
        return IValue(std::move(list));
    });
}

void mt_push_device(mt_stack stack, mt_device device) {
    stack->push([&] { return IValue(molt::device_of(device)); });
}

void mt_push_none(mt_stack stack) {
    stack->push([] { return IValue(); });
}

mt_status mt_call(mt_operator op, mt_stack stack) {
    return guarded([&] {
        if (stack->failure) {
            std::rethrow_exception(stack->failure);
        }
        auto &values = stack->values;
        const size_t given = values.size();
        TORCH_CHECK(
            given <= op->defaults.size(), op->handle.operator_name(), " takes ", op->defaults.size(),
            " arguments, not ", given);
        for (size_t i = 0; i < given; i++) {
            coerce(values[i], op->coercions[i]);
        }
        for (size_t i = given; i < op->defaults.size(); i++) {
            TORCH_CHECK(
                op->defaults[i].has_value(), op->handle.operator_name(), " needs its argument ",
                op->handle.schema().arguments()[i].name());
            values.push_back(*op->defaults[i]);
        }
        op->handle.callBoxed(&values);
    });
}

size_t mt_stack_count(mt_stack stack) {
    return stack->values.size();
}

mt_status mt_take_tensor(mt_stack stack, size_t index, mt_tensor *out) {
    return guarded([&] {
        IValue &value = stack->at(index);
        *out = value.isNone() ? nullptr : molt::wrap(std::move(value).toTensor());
    });
}

mt_status mt_take_tensor_count(mt_stack stack, size_t index, size_t *out) {
    return guarded([&] { *out = stack->at(index).toListRef().size(); });
}

mt_status mt_take_tensors(mt_stack stack, size_t index, mt_tensor *out, size_t count) {
    return guarded([&] {
        const auto list = stack->at(index).toListRef();
        TORCH_CHECK(list.size() == count, "the list holds ", list.size(), " tensors, not ", count);
        std::vector<std::unique_ptr<mt_tensor_s>> made;
        for (const IValue &value : list) {
            made.emplace_back(value.isNone() ? nullptr : molt::wrap(value.toTensor()));
        }
        for (size_t i = 0; i < count; i++) {
            out[i] = made[i].release();
        }
    });
}

mt_status mt_take_int(mt_stack stack, size_t index, int64_t *out) {
    return guarded([&] { *out = stack->at(index).toInt(); });
}

mt_status mt_take_double(mt_stack stack, size_t index, double *out) {
    return guarded([&] { *out = stack->at(index).toDouble(); });
}

mt_status mt_take_bool(mt_stack stack, size_t index, bool *out) {
    return guarded([&] { *out = stack->at(index).toBool(); });
}

}  // extern "C"
