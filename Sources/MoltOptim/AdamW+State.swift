import MoltNN
package import MoltTensor

/// A saved optimizer that does not fit the model.
package enum OptimizerError: Error, Equatable, CustomStringConvertible {
    case missingState(String)
    case wrongShape(name: String, expected: [Int], found: [Int])

    package var description: String {
        switch self {
        case .missingState(let name): "the optimizer's state has no \(name)"
        case .wrongShape(let name, let expected, let found):
            "\(name) of the optimizer's state has the shape \(found), the model expects \(expected)"
        }
    }
}

extension AdamW {
    /// The moving averages under their names in a checkpoint: `exp_avg.<parameter>` and `exp_avg_sq.<parameter>`.
    /// The tensors are the optimizer's own, and change with its next step.
    package var state: [(name: String, tensor: Tensor)] {
        slots.flatMap { slot in
            [("exp_avg.\(slot.parameter.name)", slot.average), ("exp_avg_sq.\(slot.parameter.name)", slot.square)]
        }
    }

    /// Takes up the state of a checkpoint: all of it, or an error before anything changed.
    package func restore(steps: Int, _ tensor: (String) throws -> Tensor?) throws {
        var copies: [(Tensor, Tensor)] = []
        for (name, own) in state {
            guard let saved = try tensor(name) else { throw OptimizerError.missingState(name) }
            guard saved.shape == own.shape else {
                throw OptimizerError.wrongShape(name: name, expected: own.shape, found: saved.shape)
            }
            copies.append((own, saved))
        }
        for (own, saved) in copies { _ = try own.copy_(saved) }
        self.steps = steps
    }
}
