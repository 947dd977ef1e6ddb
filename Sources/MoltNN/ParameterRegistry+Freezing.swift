import MoltTensor

extension ParameterRegistry {
    /// Leaves all but some parameters as they are: those that a pattern of `frozen` covers, or all that none of
    /// `trained` does. Either list may be empty.
    /// - Returns: the number of parameters (tensors) that are frozen.
    @discardableResult
    package func freeze(_ frozen: [String], trainOnly trained: [String] = []) throws -> Int {
        for pattern in frozen + trained where !parameters.contains(where: { ModulePattern(pattern).covers($0.name) }) {
            throw FreezingError.noMatch(pattern: pattern, example: parameters.first?.name ?? "")
        }
        func covers(_ patterns: [String], _ parameter: Parameter) -> Bool {
            patterns.contains { ModulePattern($0).covers(parameter.name) }
        }
        for parameter in parameters {
            let isTrained = trained.isEmpty || covers(trained, parameter)
            try parameter.setTrainable(isTrained && !covers(frozen, parameter))
        }
        guard parameters.contains(where: \.isTrainable) else { throw FreezingError.nothingLeft }
        return parameters.count { !$0.isTrainable }
    }
}

package enum FreezingError: Error, Equatable, CustomStringConvertible {
    case noMatch(pattern: String, example: String)
    case nothingLeft

    package var description: String {
        switch self {
        case .noMatch(let pattern, let example):
            "no parameter is covered by '\(pattern)'; patterns are names such as norm, A_log or out_proj, "
                + "or globs over whole names such as \(example)"
        case .nothingLeft: "all parameters are frozen: nothing is left to train"
        }
    }
}
