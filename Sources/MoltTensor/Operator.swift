import CMoltTorch

/// An operator of libtorch, or one of ours (`molt::…`), found by name once and then called through the dispatcher,
/// with autograd and autocast. Arguments follow the schema; trailing ones with defaults may be left out.
///
///     private static let relu = Operator("aten::relu")
///     let y = try relu(x)
package struct Operator: Sendable {
    package let name: String
    package let overload: String
    /// The operator's record in the shim, which is never freed; nil when there is no such operator.
    private let address: UInt?

    package init(_ name: String, _ overload: String = "") {
        self.name = name
        self.overload = overload
        address = try? Self.find(name, overload)
    }

    package var exists: Bool { address != nil }

    /// Stands for an argument that is not given.
    package static let none = Absent()

    package struct Absent: OperatorArgument, Sendable {
        package func push(onto stack: ArgumentStack) { stack.pushNone() }
    }

    /// Calls and returns the first result, which must be a tensor.
    @discardableResult
    package func callAsFunction<each Argument: OperatorArgument>(
        _ argument: repeat each Argument
    ) throws(TorchError) -> Tensor {
        let results = try results(repeat each argument)
        return try results.tensor(0)
    }

    /// Calls and returns the first result, which must be a list of tensors.
    package func list<each Argument: OperatorArgument>(
        _ argument: repeat each Argument
    ) throws(TorchError) -> [Tensor] {
        let results = try results(repeat each argument)
        return try results.tensors(0)
    }

    /// Calls an operator for what it does to its arguments.
    package func run<each Argument: OperatorArgument>(_ argument: repeat each Argument) throws(TorchError) {
        _ = try results(repeat each argument)
    }

    package func results<each Argument: OperatorArgument>(
        _ argument: repeat each Argument
    ) throws(TorchError) -> OperatorResults {
        let found = if let address { address } else { try Self.find(name, overload) }
        let results = try OperatorResults()
        let stack = ArgumentStack(native: results.stack)
        repeat (each argument).push(onto: stack)
        try check(mt_call(mt_operator(bitPattern: found), results.stack))
        return results
    }

    private static func find(_ name: String, _ overload: String) throws(TorchError) -> UInt {
        var found: mt_operator?
        try check(mt_operator_find(name, overload, &found))
        return UInt(bitPattern: found)
    }
}

/// What a call left on its stack.
package struct OperatorResults: ~Copyable {
    let stack: mt_stack

    init() throws(TorchError) {
        guard let stack = mt_stack_new() else {
            throw TorchError(.outOfMemory, "the host is out of memory")
        }
        self.stack = stack
    }

    deinit {
        mt_stack_free(stack)
    }

    package var count: Int { mt_stack_count(stack) }

    package func tensor(_ index: Int) throws(TorchError) -> Tensor {
        guard let tensor = try optionalTensor(index) else {
            throw TorchError(.failed, "result \(index) of the operator is absent")
        }
        return tensor
    }

    /// Nil when the operator left this result undefined.
    package func optionalTensor(_ index: Int) throws(TorchError) -> Tensor? {
        var handle: mt_tensor?
        try check(mt_take_tensor(stack, index, &handle))
        return handle.map(Tensor.init(handle:))
    }

    package func tensors(_ index: Int) throws(TorchError) -> [Tensor] {
        var count = 0
        try check(mt_take_tensor_count(stack, index, &count))
        var handles = [mt_tensor?](repeating: nil, count: count)
        try check(mt_take_tensors(stack, index, &handles, count))
        let found = handles.map { $0.map(Tensor.init(handle:)) }
        let tensors = found.compactMap(\.self)
        guard tensors.count == count else {
            throw TorchError(.failed, "a tensor of result \(index) of the operator is absent")
        }
        return tensors
    }

    package func int(_ index: Int) throws(TorchError) -> Int {
        var value: Int64 = 0
        try check(mt_take_int(stack, index, &value))
        return Int(value)
    }

    package func double(_ index: Int) throws(TorchError) -> Double {
        var value = 0.0
        try check(mt_take_double(stack, index, &value))
        return value
    }

    package func bool(_ index: Int) throws(TorchError) -> Bool {
        var value = false
        try check(mt_take_bool(stack, index, &value))
        return value
    }
}
