import FoundationEssentials
package import MoltCore
import MoltRecipe

/// A JSONL file of texts to continue: `{"prompt": …}`, and where wanted an `id` (a string) and a `seed` of its own.
package enum PromptFile {
    package struct Line: Codable, Equatable, Sendable {
        package var prompt: String
        package var id: String?
        package var seed: UInt64?

        package init(prompt: String, id: String? = nil, seed: UInt64? = nil) {
            self.prompt = prompt
            self.id = id
            self.seed = seed
        }
    }

    /// - Parameter key: what named the file.
    package static func read(_ path: String, key: String = "--prompts") throws(UserError) -> [Line] {
        try JSONLines.read(path, key: key, what: "{\"prompt\": \"…\"}", as: Line.self)
    }
}

/// Small JSONL files, whole: each line a value of one type.
enum JSONLines {
    /// - Parameters:
    ///   - key: the option that named the file.
    ///   - what: what a line looks like.
    static func read<Line: Decodable>(
        _ path: String, key: String, what: String, as type: Line.Type
    ) throws(UserError) -> [Line] {
        let data: Data
        do throws(FileError) {
            data = try DurableFile.read(path, limit: Limits.promptFileBytes)
        } catch {
            throw UserError("cannot read the file: \(error)", at: key)
        }
        var lines: [Line] = []
        for (number, bytes) in zip(1..., data.split(separator: 0x0A, omittingEmptySubsequences: false)) {
            guard bytes.contains(where: { $0 > 0x20 }) else { continue }
            guard let line = try? BoundedJSON().decode(type, from: Data(bytes)) else {
                throw UserError("the line is not like \(what)", at: "\(DisplayText.escaped(path)):\(number)")
            }
            lines.append(line)
        }
        guard !lines.isEmpty else {
            throw UserError("\(DisplayText.escaped(path)) has no lines", at: key, fix: "write lines like \(what)")
        }
        guard lines.count <= WorkLimits.promptsMax else {
            throw UserError("\(DisplayText.escaped(path)) has more than \(WorkLimits.promptsMax) lines", at: key)
        }
        return lines
    }
}
