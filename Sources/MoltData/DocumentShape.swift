/// What packing needs to know of a document.
package struct DocumentShape: Hashable, Sendable {
    package var tokens: Int
    package var firstTarget: Int
    /// The ranges of tokens that are targets, where they are not simply everything from `firstTarget` on.
    package private(set) var spans: [Range<Int>] = []

    package init(tokens: Int, firstTarget: Int) {
        self.tokens = tokens
        self.firstTarget = firstTarget
    }

    /// - Parameter spans: ascending, and none of them empty; an empty list means everything after the first token.
    package init(tokens: Int, spans: [Range<Int>]) {
        self.tokens = tokens
        firstTarget = spans.first?.lowerBound ?? 1
        if spans.count > 1 || (spans.last?.upperBound ?? tokens) < tokens { self.spans = spans }
    }

    /// True when the loss counts everything after `begin`; otherwise a prompt comes first and should stay with its
    /// answer.
    var isText: Bool { countsEverything }

    /// True when every token but the first is a target.
    package var countsEverything: Bool { firstTarget <= 1 && spans.isEmpty }

    /// Tokens that the loss counts.
    var targetCount: Int {
        spans.isEmpty ? max(0, tokens - max(1, firstTarget)) : spans.reduce(0) { $0 + $1.count }
    }

    /// What a token shard keeps of the targets.
    var storedSpans: [Range<Int>] {
        if !spans.isEmpty { return spans }
        return firstTarget <= 1 ? [] : [firstTarget..<tokens]
    }
}
