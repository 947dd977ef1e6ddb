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

    /// How many modules each target chose; targets that some module cannot follow were refused before.
    package var coverage: String {
        let list = counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value) of \($0.value)" }
        return "coverage 100 % of the requested targets: \(list.joined(separator: ", "))"
    }
}
