package import MoltNN
package import MoltTensor

package enum GradientNorm {
    /// The 2-norm of all gradients together, in fp32 and in the order of the parameters, so that it repeats exactly.
    package static func global(_ parameters: [Parameter]) throws(TorchError) -> Double {
        let gradients = gradients(of: parameters)
        return try noGrad { () throws(TorchError) in try Foreach.globalNorm(gradients)?.item() ?? 0 }
    }

    /// Scales all gradients so that their global norm is at most `limit`, and returns the norm before.
    /// A norm that is not finite leaves them as they are: the caller decides what a broken step means.
    package static func clip(_ parameters: [Parameter], to limit: Double) throws(TorchError) -> Double {
        let norm = try global(parameters)
        guard norm.isFinite, limit > 0, norm > limit else { return norm }
        let gradients = gradients(of: parameters)
        try noGrad { () throws(TorchError) in
            try Foreach.mul_(gradients, limit / norm)
        }
        return norm
    }

    private static func gradients(of parameters: [Parameter]) -> [Tensor] {
        parameters.compactMap { $0.isTrainable ? $0.value.grad : nil }
    }
}
