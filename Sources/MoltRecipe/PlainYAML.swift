package import MoltCore

/// The values of a YAML file that another tool wrote, by their path in it: `tokenizer.model`, `layers.0`.
package struct PlainYAML: Sendable {
    package enum Value: Equatable, Sendable {
        case null
        case flag(Bool)
        case integer(Int)
        case number(Double)
        case text(String)
    }

    /// Sections and lists are in the paths; what holds nothing is left out.
    package private(set) var values: [String: Value] = [:]

    /// - Parameter file: for messages.
    /// - Throws: what is wrong with it, and in which line; also where it is larger than a recipe may be.
    package init(_ bytes: some Collection<UInt8>, file: String) throws(UserError) {
        add(try YAMLTree.parse(bytes: bytes, place: Place(file: file, folder: "")), at: "")
    }

    private mutating func add(_ tree: YAMLTree, at path: String) {
        let prefix = path.isEmpty ? "" : path + "."
        switch tree.value {
        case .scalar(let text, let isPlain): values[path] = isPlain ? Self.meaning(text) : .text(text)
        case .list(let items):
            for (index, item) in items.enumerated() { add(item, at: prefix + "\(index)") }
        case .map(let entries):
            for entry in entries { add(entry.value, at: prefix + entry.key) }
        }
    }

    /// Of a word without quotes, as OmegaConf reads it: `1e-5` is a number, whatever YAML 1.1 says.
    private static func meaning(_ text: String) -> Value {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .flag(true)
        case "false", "False", "FALSE": return .flag(false)
        default: break
        }
        if let integer = Int(text) { return .integer(integer) }
        guard text.utf8.allSatisfy("0123456789+-.eE".utf8.contains), let number = Double(text) else {
            return .text(text)
        }
        return .number(number)
    }
}
