/// Ways to spread a model's training over ranks that this version does not have: said in the same words wherever they
/// matter. What it has is data parallelism, with the whole model and the optimizer's whole state on every rank.
package enum Unavailable: String, Codable, Hashable, Sendable, CaseIterable {
    case tensor = "tensor parallelism"
    case pipeline = "pipeline parallelism"
    case sequence = "sequence parallelism"
    /// ZeRO's first stage (Rajbhandari et al. 2020).
    case sharedOptimizer = "sharing the optimizer's state among ranks"

    /// A sentence without its full stop; empty for none.
    package static func words(_ ways: [Unavailable]) -> String {
        guard let last = ways.last else { return "" }
        let others = ways.dropLast().map(\.rawValue).joined(separator: ", ")
        let names = others.isEmpty ? last.rawValue : "\(others) and \(last.rawValue)"
        return "\(names) \(ways.count == 1 ? "is" : "are") not available in this version"
    }

    package var words: String { Self.words([self]) }
}

extension Estimate.Memory.Split {
    /// What it takes that there is not.
    package var unavailable: [Unavailable] {
        [(tensor, Unavailable.tensor), (pipeline, .pipeline), (data, .sharedOptimizer)].filter { $0.0 > 1 }.map(\.1)
    }
}
