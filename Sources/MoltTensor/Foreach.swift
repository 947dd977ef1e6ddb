/// Operators over lists of tensors, one kernel for many parameters; the optimizer's and the gradient norm's.
package enum Foreach {
    private enum Op {
        static let add = Operator("aten::_foreach_add_", "List")
        static let addScalar = Operator("aten::_foreach_add_", "Scalar")
        static let mul = Operator("aten::_foreach_mul_", "List")
        static let mulScalar = Operator("aten::_foreach_mul_", "Scalar")
        static let mulTensor = Operator("aten::_foreach_mul_", "Tensor")
        static let div = Operator("aten::_foreach_div_", "List")
        static let addcmul = Operator("aten::_foreach_addcmul_", "Scalar")
        static let addcdiv = Operator("aten::_foreach_addcdiv_", "Scalar")
        static let lerp = Operator("aten::_foreach_lerp_", "Scalar")
        static let zero = Operator("aten::_foreach_zero_")
        static let copy = Operator("aten::_foreach_copy_")
        static let norm = Operator("aten::_foreach_norm", "Scalar")
        static let sqrt = Operator("aten::_foreach_sqrt")
        static let fusedAdamW = Operator("aten::_fused_adamw_")
    }

    /// tensors += alpha · others
    package static func add_(_ tensors: [Tensor], _ others: [Tensor], alpha: Double = 1) throws(TorchError) {
        if !tensors.isEmpty { try Op.add.run(tensors, others, alpha) }
    }
    package static func add_(_ tensors: [Tensor], _ value: Double) throws(TorchError) {
        if !tensors.isEmpty { try Op.addScalar.run(tensors, value) }
    }
    package static func mul_(_ tensors: [Tensor], _ others: [Tensor]) throws(TorchError) {
        if !tensors.isEmpty { try Op.mul.run(tensors, others) }
    }
    package static func mul_(_ tensors: [Tensor], _ value: Double) throws(TorchError) {
        if !tensors.isEmpty { try Op.mulScalar.run(tensors, value) }
    }
    /// Scales all by a tensor of rank zero, without waiting for its value.
    package static func mul_(_ tensors: [Tensor], _ value: Tensor) throws(TorchError) {
        if !tensors.isEmpty { try Op.mulTensor.run(tensors, value) }
    }
    package static func div_(_ tensors: [Tensor], _ others: [Tensor]) throws(TorchError) {
        if !tensors.isEmpty { try Op.div.run(tensors, others) }
    }
    package static func addcmul_(
        _ tensors: [Tensor], _ a: [Tensor], _ b: [Tensor], value: Double
    ) throws(TorchError) {
        if !tensors.isEmpty { try Op.addcmul.run(tensors, a, b, value) }
    }
    package static func addcdiv_(
        _ tensors: [Tensor], _ a: [Tensor], _ b: [Tensor], value: Double
    ) throws(TorchError) {
        if !tensors.isEmpty { try Op.addcdiv.run(tensors, a, b, value) }
    }
    package static func lerp_(_ tensors: [Tensor], _ ends: [Tensor], _ weight: Double) throws(TorchError) {
        if !tensors.isEmpty { try Op.lerp.run(tensors, ends, weight) }
    }
    package static func zero_(_ tensors: [Tensor]) throws(TorchError) {
        if !tensors.isEmpty { try Op.zero.run(tensors) }
    }
    package static func copy_(_ tensors: [Tensor], from sources: [Tensor]) throws(TorchError) {
        if !tensors.isEmpty { try Op.copy.run(tensors, sources) }
    }
    package static func sqrt(_ tensors: [Tensor]) throws(TorchError) -> [Tensor] {
        tensors.isEmpty ? [] : try Op.sqrt.list(tensors)
    }
    /// The Euclidean length of each tensor.
    package static func norms(_ tensors: [Tensor], dtype: DType? = nil) throws(TorchError) -> [Tensor] {
        tensors.isEmpty ? [] : try Op.norm.list(tensors, 2, dtype)
    }

    /// The Euclidean length of all elements of all tensors; not finite when any element is not. Nil for an empty list.
    package static func globalNorm(_ tensors: [Tensor]) throws(TorchError) -> Tensor? {
        let norms = try norms(tensors, dtype: .float32)
        return norms.isEmpty ? nil : try Tensor.stack(norms).norm()
    }

    package struct AdamW: Sendable {
        package var learningRate: Double
        package var betas: (Double, Double)
        package var epsilon: Double
        package var weightDecay: Double

        package init(learningRate: Double, betas: (Double, Double), epsilon: Double, weightDecay: Double) {
            self.learningRate = learningRate
            self.betas = betas
            self.epsilon = epsilon
            self.weightDecay = weightDecay
        }
    }

    /// One step of AdamW on all parameters; `steps` are float32 tensors of rank zero, already advanced.
    package static func adamW_(
        _ parameters: [Tensor], gradients: [Tensor], averages: [Tensor], squares: [Tensor], steps: [Tensor],
        _ settings: AdamW
    ) throws(TorchError) {
        guard !parameters.isEmpty else { return }
        try Op.fusedAdamW.run(
            parameters, gradients, averages, squares, [Tensor](), steps, settings.learningRate, settings.betas.0,
            settings.betas.1, settings.weightDecay, settings.epsilon, false, false)
    }
}
