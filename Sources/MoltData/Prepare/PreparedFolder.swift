package import MoltCore

/// What `molt data prepare` leaves in a folder: `prepared.json`, written last, and the shards that it names.
package struct PreparedFolder: Codable, Equatable, Sendable {
    package var version = 1
    package var tokenizer: String
    package var vocabulary: Int
    /// Whether documents stand alone or come as preference pairs, the chosen one before the rejected one.
    package var form: Form
    package var settings: PrepareSettings
    package var shards: [String: [Shard]]
    package var report: PrepareReport

    package enum Form: String, Codable, Sendable { case documents, pairs }

    package struct Shard: Codable, Equatable, Sendable {
        package var name: String
        package var documents: Int
        package var tokens: Int
        package var targets: Int
    }

    package static let fileName = "prepared.json"

    /// True for a folder that such data is in.
    package static func isPrepared(_ path: String) -> Bool {
        FileStatus.kind(of: "\(path)/\(fileName)") == .file
    }

    package static func read(_ path: String) throws(UserError) -> PreparedFolder {
        do {
            let folder = try JSONFile.read(PreparedFolder.self, from: "\(path)/\(fileName)")
            guard folder.version == 1 else {
                throw UserError("the data was prepared by another version of Molt", at: path, fix: "prepare it again")
            }
            return folder
        } catch let error as UserError {
            throw error
        } catch {
            throw UserError("cannot read \(fileName): \(error)", at: path, fix: "prepare the data again")
        }
    }

    package func tokens(_ split: DataSplit) -> Int { (shards[split.rawValue] ?? []).reduce(0) { $0 + $1.tokens } }
}
