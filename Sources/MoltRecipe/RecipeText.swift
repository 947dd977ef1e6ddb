import FoundationEssentials
import MoltCore

/// Writes a recipe as YAML with every key, defaults included, in the order of the documentation.
package enum RecipeText {
    /// - Parameter origins: from `LoadedRecipe`; when given, each line ends in a comment that says where it came from.
    package static func yaml(_ recipe: Recipe, origins: [String: Place]? = nil) throws -> String {
        let data = try JSONFile.encode(recipe)
        let value = try BoundedJSON().decode(JSONValue.self, from: data)
        var writer = Writer(origins: origins)
        for key in Recipe.CodingKeys.allCases.map(\.rawValue) {
            writer.write(key, value[key], path: key, indent: 0)
        }
        return writer.text
    }

    /// Keys of each section, in order.
    static let sections: [String: [String]] = [
        "method": MethodSection.CodingKeys.allCases.map(\.rawValue),
        "model": ModelSection.CodingKeys.allCases.map(\.rawValue),
        "data": DataSection.CodingKeys.allCases.map(\.rawValue),
        "data.synthetic": SyntheticSection.CodingKeys.allCases.map(\.rawValue),
        "prepare": PrepareSection.CodingKeys.allCases.map(\.rawValue),
        "generation": GenerationSection.CodingKeys.allCases.map(\.rawValue),
        "evaluation": EvaluationSection.CodingKeys.allCases.map(\.rawValue),
        "conversion": ConversionSection.CodingKeys.allCases.map(\.rawValue),
        "train": TrainSection.CodingKeys.allCases.map(\.rawValue),
        "optimizer": OptimizerSection.CodingKeys.allCases.map(\.rawValue),
        "schedule": ScheduleSection.CodingKeys.allCases.map(\.rawValue),
        "parallel": ParallelSection.CodingKeys.allCases.map(\.rawValue),
        "checkpoint": CheckpointSection.CodingKeys.allCases.map(\.rawValue),
        "resources": ResourcesSection.CodingKeys.allCases.map(\.rawValue),
        "policy": PolicySection.CodingKeys.allCases.map(\.rawValue),
        "policy.patience": Patience.CodingKeys.allCases.map(\.rawValue),
        "notify": NotifySection.CodingKeys.allCases.map(\.rawValue),
    ]

    private static let durations = Set([
        "checkpoint.every", "resources.time", "policy.back_off", "policy.back_off_max", "policy.max_total",
    ]).union(Patience.CodingKeys.allCases.map { "policy.patience.\($0.rawValue)" })
    private static let bytes: Set<String> = [
        "resources.memory", "resources.gpu_memory", "prepare.max_line_bytes", "prepare.unit_bytes",
        "conversion.shard_bytes",
    ]

    private struct Writer {
        let origins: [String: Place]?
        var text = ""

        mutating func write(_ key: String, _ value: JSONValue?, path: String, indent: Int) {
            let margin = String(repeating: " ", count: indent) + YAMLScalar.text(key) + ":"
            guard let value, value != .null else { return line(margin + " null", path) }
            if let keys = sections[path] {
                line(margin, nil)
                for name in keys { write(name, value[name], path: "\(path).\(name)", indent: indent + 2) }
                return
            }
            if case .object(let fields) = value, !fields.isEmpty {
                line(margin, nil)
                for (name, field) in fields.sorted(by: { $0.key < $1.key }) {
                    write(name, field, path: "\(path).\(name)", indent: indent + 2)
                }
                return
            }
            line(margin + " " + shown(value, path), path)
        }

        private func shown(_ value: JSONValue, _ path: String) -> String {
            if case .number(let number) = value, number == number.rounded(), number < 1e15 {
                if durations.contains(path) { return "\"\(Durations.slurmText(number))\"" }
                if bytes.contains(path) { return ByteSize.text(Int(number)) }
            }
            return value.flow
        }

        private mutating func line(_ start: String, _ path: String?) {
            text += start
            if let origins, let path {
                let origin = origins[path] ?? origins.first { path.hasPrefix($0.key + ".") && !$0.key.isEmpty
                    && sections[$0.key] == nil }?.value
                text += "  # \(origin?.description ?? "default")"
            }
            text += "\n"
        }
    }
}

/// Any JSON, for printing.
enum JSONValue: Hashable, Decodable {
    case null, flag(Bool), number(Double), text(String), list([JSONValue]), object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .flag(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .list(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    subscript(key: String) -> JSONValue? {
        if case .object(let fields) = self { return fields[key] }
        return nil
    }

    /// On one line, as YAML that reads back the same.
    var flow: String {
        switch self {
        case .null: "null"
        case .flag(let value): value ? "true" : "false"
        case .number(let value): value == value.rounded() && abs(value) < 9e15 ? "\(Int(value))" : "\(value)"
        case .text(let value): YAMLScalar.text(value)
        case .list(let items): "[" + items.map(\.flow).joined(separator: ", ") + "]"
        case .object(let fields):
            "{" + fields.sorted { $0.key < $1.key }
                .map { "\(YAMLScalar.text($0.key)): \($0.value.flow)" }.joined(separator: ", ") + "}"
        }
    }
}

enum YAMLScalar {
    /// Plain where nothing could misread it, else in double quotes with escapes.
    static func text(_ value: String) -> String {
        let plainStart = value.utf8.first.map { $0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A || $0 == 0x2F } ?? false
        let isPlain = plainStart && value.utf8.allSatisfy { byte in
            byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A || byte >= 0x30 && byte <= 0x39 || "/._-+".utf8.contains(byte)
        }
        let words: Set<String> = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"]
        if isPlain, !words.contains(value.lowercased()) || value == "on" { return value }
        var quoted = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            case _ where scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value):
                let digits = String(scalar.value, radix: 16)
                quoted += "\\x" + (digits.count < 2 ? "0" : "") + digits
            case "\u{FEFF}", "\u{2028}", "\u{2029}": quoted += "\\u" + String(scalar.value, radix: 16).uppercased()
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
