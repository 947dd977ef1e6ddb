import CMoltTorch

/// A value that can be handed to an operator.
package protocol OperatorArgument {
    func push(onto stack: ArgumentStack)
}

/// A number that can stand where an operator takes a scalar.
package protocol TensorScalar: OperatorArgument {}

/// The stack of a call that is being made. The shim copies (or, for tensors, retains) what is pushed at once, so
/// nothing that is pushed has to outlive the push.
package struct ArgumentStack {
    let native: mt_stack

    func pushNone() {
        mt_push_none(native)
    }
}

extension Tensor: OperatorArgument {
    package func push(onto stack: ArgumentStack) {
        withExtendedLifetime(self) { mt_push_tensor(stack.native, handle) }
    }
}

extension Int: TensorScalar {
    package func push(onto stack: ArgumentStack) { mt_push_int(stack.native, Int64(self)) }
}

extension Double: TensorScalar {
    package func push(onto stack: ArgumentStack) { mt_push_double(stack.native, self) }
}

extension Float: TensorScalar {
    package func push(onto stack: ArgumentStack) { mt_push_double(stack.native, Double(self)) }
}

extension Bool: OperatorArgument {
    package func push(onto stack: ArgumentStack) { mt_push_bool(stack.native, self) }
}

extension String: OperatorArgument {
    package func push(onto stack: ArgumentStack) {
        var copy = self
        copy.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { mt_push_string(stack.native, $0.baseAddress, $0.count) }
        }
    }
}

extension DType: OperatorArgument {
    package func push(onto stack: ArgumentStack) { mt_push_int(stack.native, Int64(rawValue)) }
}

extension Device: OperatorArgument {
    package func push(onto stack: ArgumentStack) { mt_push_device(stack.native, native) }
}

extension Optional: OperatorArgument where Wrapped: OperatorArgument {
    package func push(onto stack: ArgumentStack) {
        switch self {
        case .some(let value): value.push(onto: stack)
        case .none: stack.pushNone()
        }
    }
}

extension Array: OperatorArgument where Element: OperatorListElement {
    package func push(onto stack: ArgumentStack) { Element.push(self, onto: stack) }
}

/// An element of the lists that operators take.
package protocol OperatorListElement {
    static func push(_ list: [Self], onto stack: ArgumentStack)
}

extension Tensor: OperatorListElement {
    package static func push(_ list: [Tensor], onto stack: ArgumentStack) {
        withHandles(list) { mt_push_tensors(stack.native, $0.baseAddress, $0.count) }
    }
}

extension Int: OperatorListElement {
    package static func push(_ list: [Int], onto stack: ArgumentStack) {
        list.withUnsafeBufferPointer { buffer in
            buffer.withMemoryRebound(to: Int64.self) { mt_push_ints(stack.native, $0.baseAddress, $0.count) }
        }
    }
}

extension Double: OperatorListElement {
    package static func push(_ list: [Double], onto stack: ArgumentStack) {
        list.withUnsafeBufferPointer { mt_push_doubles(stack.native, $0.baseAddress, $0.count) }
    }
}

extension Bool: OperatorListElement {
    package static func push(_ list: [Bool], onto stack: ArgumentStack) {
        list.withUnsafeBufferPointer { mt_push_bools(stack.native, $0.baseAddress, $0.count) }
    }
}

/// An absent tensor in a list, as in indexing.
extension Optional: OperatorListElement where Wrapped == Tensor {
    package static func push(_ list: [Tensor?], onto stack: ArgumentStack) {
        let handles = list.map { $0?.handle }
        withExtendedLifetime(list) {
            handles.withUnsafeBufferPointer { mt_push_tensors(stack.native, $0.baseAddress, $0.count) }
        }
    }
}

/// Hands out the raw handles of `tensors`, which stay alive until `body` returns.
func withHandles<Result, Failure: Error>(
    _ tensors: [Tensor], _ body: (UnsafeBufferPointer<mt_tensor?>) throws(Failure) -> Result
) throws(Failure) -> Result {
    let handles: [mt_tensor?] = tensors.map(\.handle)
    defer { withExtendedLifetime(tensors) {} }
    return try handles.withUnsafeBufferPointer(body)
}
