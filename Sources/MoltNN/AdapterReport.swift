/// Which modules got an adapter, and what that means for the number of trained weights.
package struct AdapterReport: Equatable, Sendable, CustomStringConvertible {
    /// As people call it.
    package let method: String
    package let matched: [String]
    /// Modules matched by each target.
    package let counts: [String: Int]
    package let adapterParameters: Int
    /// Adapters included.
    package let totalParameters: Int
    /// Linear maps that each target covers and that cannot carry adapters.
    package internal(set) var leftOut: [String: Int] = [:]
    /// The names of those.
    package internal(set) var unadaptable: [String] = []
    /// All linear maps of the model, each expert's for itself, the head among them; nil for methods that are not about
    /// linear maps.
    package internal(set) var linears: Int?

    package init(
        method: String, matched: [String], counts: [String: Int], adapterParameters: Int, totalParameters: Int
    ) {
        self.method = method
        self.matched = matched
        self.counts = counts
        self.adapterParameters = adapterParameters
        self.totalParameters = totalParameters
    }

    package var description: String {
        let share = 100 * Double(adapterParameters) / Double(max(1, totalParameters))
        let rounded = Double(Int(share * 100 + 0.5)) / 100
        let modules = "\(matched.count) module\(matched.count == 1 ? "" : "s")"
        return "\(method) on \(modules): \(adapterParameters) of \(totalParameters) parameters (\(rounded) %)"
    }

    /// How many modules each target chose of those that it covers, and how many linear maps of the model have adapters.
    /// A name that some module cannot follow was refused before; globs and `all-linear` may leave some out.
    package var coverage: String {
        let list = counts.sorted { $0.key < $1.key }
            .map { "\($0.key) \($0.value) of \($0.value + leftOut[$0.key, default: 0])" }
        var text = "coverage \(share) % of the requested targets: \(list.joined(separator: ", "))"
        if let linears { text += "; \(matched.count) of \(linears) linear layers of the model" }
        if !unadaptable.isEmpty { text += "; no adapter fits \(unadaptable.joined(separator: ", "))" }
        return text
    }

    /// Rounded down: 100 is all.
    private var share: Int {
        let chosen = counts.values.reduce(0, +)
        return 100 * chosen / max(1, chosen + leftOut.values.reduce(0, +))
    }
}
