/// A layer's kind; the raw values are the letters the field uses (Megatron's), and ours where it has none.
package enum LayerKind: Character, Sendable, Hashable, CaseIterable {
    case mamba = "M"
    case attention = "*"
    case mlp = "-"
    case experts = "E"
    /// Attention to the last so many tokens only.
    case window = "W"
    /// A gated linear recurrence (De et al. 2024).
    case recurrent = "R"
    case mamba1 = "1"
    /// Diagonal state spaces that do not depend on the input (Gu et al. 2022; Gupta et al. 2022).
    case s4d = "S"
    case dss = "Z"

    /// Mixes channels of one token, and keeps nothing of the others.
    package var isFeedForward: Bool {
        switch self {
        case .mlp, .experts: true
        case .mamba, .attention, .window, .recurrent, .mamba1, .s4d, .dss: false
        }
    }

    package var name: String {
        switch self {
        case .mamba: "Mamba-2"
        case .attention: "attention"
        case .mlp: "MLP"
        case .experts: "experts"
        case .window: "window attention"
        case .recurrent: "RG-LRU"
        case .mamba1: "Mamba-1"
        case .s4d: "S4D"
        case .dss: "DSS"
        }
    }
}

/// The order of a model's layers, parsed once: `M-M*-` and the like. Where a published model has a mixer and an MLP in
/// one block, they are two layers here.
package struct LayerPattern: Hashable, Sendable, CustomStringConvertible {
    package let layers: [LayerKind]
    /// Indices of layers that begin a new pipeline stage (`|` in the text).
    package let stageStarts: [Int]

    package static let layersMax = 1024

    package init(parsing text: String) throws(LayerPatternError) {
        var layers: [LayerKind] = [], starts: [Int] = []
        for (offset, letter) in text.enumerated() {
            if letter == "|" {
                guard !layers.isEmpty, starts.last != layers.count else {
                    throw .emptyStage(offset: offset)
                }
                starts.append(layers.count)
            } else if let kind = LayerKind(rawValue: letter) {
                layers.append(kind)
            } else {
                throw .unknownLetter(letter, offset: offset)
            }
        }
        guard !layers.isEmpty else { throw .empty }
        guard starts.last != layers.count else { throw .emptyStage(offset: text.count - 1) }
        guard layers.count <= Self.layersMax else { throw .tooLong(layers.count) }
        self.layers = layers
        stageStarts = starts
    }

    package func count(of kind: LayerKind) -> Int {
        layers.count { $0 == kind }
    }

    package var description: String {
        var text = ""
        for (index, kind) in layers.enumerated() {
            if stageStarts.contains(index) { text.append("|") }
            text.append(kind.rawValue)
        }
        return text
    }
}

package enum LayerPatternError: Error, Equatable, CustomStringConvertible {
    case empty
    case unknownLetter(Character, offset: Int)
    case emptyStage(offset: Int)
    case tooLong(Int)

    package var description: String {
        switch self {
        case .empty: "the layer pattern has no layers"
        case .unknownLetter(let letter, let offset):
            "the layer pattern has '\(letter)' at position \(offset + 1); known are "
                + LayerKind.allCases.map { "\($0.rawValue) (\($0.name))" }.joined(separator: ", ")
                + " and | (stage boundary)"
        case .emptyStage(let offset): "the layer pattern has an empty stage at position \(offset + 1)"
        case .tooLong(let count): "the layer pattern has \(count) layers; at most \(LayerPattern.layersMax) are allowed"
        }
    }
}

extension LayerPattern: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        do throws(LayerPatternError) {
            try self.init(parsing: text)
        } catch {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: error.description)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
