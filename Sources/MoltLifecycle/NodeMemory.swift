/// What a run remembers of nodes: which it avoids and since when, and which may be to blame. Times are the daemon's.
package struct NodeMemory: Hashable, Sendable, Codable {
    /// When each avoided node was found bad.
    package private(set) var avoidedAt: [String: Double] = [:]
    private var suspicions: [Suspicion] = []

    private struct Suspicion: Hashable, Sendable, Codable {
        var node: String
        var at: Double
    }

    private static let suspicionsMax = 64

    package init() {}

    mutating func avoid(_ nodes: [String], at now: Double) {
        for node in nodes { avoidedAt[node] = now }
    }

    mutating func forget() { self = NodeMemory() }

    /// False once a node may be tried again. One of which no time is known stays out.
    func isAvoided(_ node: String, at now: Double, _ policy: ExclusionPolicy) -> Bool {
        avoidedAt[node].map { now < $0 + policy.decay } ?? true
    }

    /// A failure soon after the start; true when it is one too many for this node.
    mutating func suspect(_ node: String, at now: Double, _ policy: ExclusionPolicy) -> Bool {
        suspicions.removeAll { now - $0.at > policy.window }
        suspicions.append(Suspicion(node: node, at: now))
        suspicions = suspicions.suffix(Self.suspicionsMax)
        return suspicions.count { $0.node == node } >= policy.failures
    }

    /// It has done something for the run: what was held against it is forgotten.
    mutating func clear(_ nodes: [String]) {
        suspicions.removeAll { nodes.contains($0.node) }
    }
}
