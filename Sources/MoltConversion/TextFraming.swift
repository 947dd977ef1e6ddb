import FoundationEssentials
import MoltCore

/// What stands around the texts of a model, as far as its configuration or its training says.
package struct TextFraming: Codable, Equatable, Sendable {
    /// Ids that end a text which the model writes, beside the tokenizer's own.
    package var ends: [Int]
    /// In training every text began with the tokenizer's token for that; else the tokenizer's files decide.
    package var begins: Bool

    package init(ends: [Int] = [], begins: Bool) {
        self.ends = ends
        self.begins = begins
    }

    /// The ids of config.json with those of generation_config.json beside it: tools that generate read the latter, and
    /// models of conversations often name more ends there.
    static func beside(_ folder: String, config: SpecialIDs) throws -> TextFraming {
        let path = "\(folder)/generation_config.json"
        guard FileManager.default.fileExists(atPath: path) else { return TextFraming(ends: config.end, begins: false) }
        let generation = SpecialIDs(ConfigReader(path: path, fields: try JSONTree.object(in: path)))
        return TextFraming(
            ends: config.end + generation.end.filter { !config.end.contains($0) }, begins: false)
    }
}
