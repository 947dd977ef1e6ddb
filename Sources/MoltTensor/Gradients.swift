import CMoltTorch

extension Tensor {
    /// Whether autograd follows this tensor. Setting it is allowed on leaves of a floating type.
    package var requiresGrad: Bool { mt_requires_grad(handle) }

    @discardableResult
    package func requiresGrad_(_ value: Bool = true) throws(TorchError) -> Tensor {
        try check(mt_requires_grad_set(handle, value))
        return self
    }

    package var isLeaf: Bool { mt_is_leaf(handle) }

    /// The gradient that backward accumulated here.
    package var grad: Tensor? {
        get {
            var gradient: mt_tensor?
            return mt_grad_get(handle, &gradient) == MT_OK ? gradient.map(Tensor.init(handle:)) : nil
        }
        set {
            withExtendedLifetime(newValue) { _ = mt_grad_set(handle, newValue?.handle) }
        }
    }

    /// Adds d self / d leaf to the gradient of every leaf.
    ///
    /// - Parameters:
    ///   - gradient: d loss / d self; may be left out for a tensor of one element.
    ///   - keepGraph: backward may be run again.
    package func backward(_ gradient: Tensor? = nil, keepGraph: Bool = false) throws(TorchError) {
        try Tensor.backward([self], gradients: gradient.map { [$0] }, keepGraph: keepGraph)
    }

    package static func backward(
        _ roots: [Tensor], gradients: [Tensor]? = nil, keepGraph: Bool = false
    ) throws(TorchError) {
        precondition(gradients == nil || gradients?.count == roots.count, "one gradient for each root")
        try withHandles(roots) { roots throws(TorchError) in
            guard let gradients else {
                return try check(mt_backward(roots.baseAddress, nil, roots.count, keepGraph))
            }
            try withHandles(gradients) { gradients throws(TorchError) in
                try check(mt_backward(roots.baseAddress, gradients.baseAddress, roots.count, keepGraph))
            }
        }
    }

    /// The gradients of the sum of `outputs`, weighted by `weights`, with respect to `inputs`; leaves keep theirs.
    /// Nil for an input that no output depends on.
    package static func gradients(
        of outputs: [Tensor], weights: [Tensor]? = nil, withRespectTo inputs: [Tensor], createGraph: Bool = false
    ) throws(TorchError) -> [Tensor?] {
        precondition(weights == nil || weights?.count == outputs.count, "one weight for each output")
        var found = [mt_tensor?](repeating: nil, count: inputs.count)
        try withHandles(outputs) { outputs throws(TorchError) in
            try withHandles(weights ?? []) { weights throws(TorchError) in
                try withHandles(inputs) { inputs throws(TorchError) in
                    try check(
                        mt_gradients(
                            outputs.baseAddress, weights.isEmpty ? nil : weights.baseAddress, outputs.count,
                            inputs.baseAddress, inputs.count, createGraph, createGraph, true, &found))
                }
            }
        }
        return found.map { $0.map(Tensor.init(handle:)) }
    }
}

/// Runs `body` without recording operations for autograd.
package func noGrad<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
    let previous = mt_grad_mode()
    mt_grad_mode_set(false)
    defer { mt_grad_mode_set(previous) }
    return try body()
}

/// Runs `body` recording operations, also inside `noGrad`.
package func withGrad<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
    let previous = mt_grad_mode()
    mt_grad_mode_set(true)
    defer { mt_grad_mode_set(previous) }
    return try body()
}
