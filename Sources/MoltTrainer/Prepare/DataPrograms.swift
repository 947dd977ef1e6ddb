import MoltCore
import MoltData

/// The verbs of `molt data` beside `prepare`.
package enum DataPrograms {
    package static func report(
        _ paths: [String], tokenizer name: String?, sequenceLength: Int, asJSON: Bool
    ) throws {
        let (tokenizer, chat) = try tools(for: paths, named: name)
        let report = try PackingReport.of(
            paths, .train, tokenizer: tokenizer, chat: chat, sequenceLength: sequenceLength)
        if asJSON {
            StandardOutput.write(String(decoding: try JSONFile.encode(report), as: UTF8.self))
        } else {
            let head = "\(report.documents) documents, \(Quantities.text(Double(report.tokens))) tokens"
            StandardOutput.write(([head] + report.lines).joined(separator: "\n"))
        }
    }

    /// Counting tokens that are there needs no tokenizer; files that are read as they are do.
    private static func tools(
        for paths: [String], named name: String?
    ) throws(UserError) -> (any Tokenizer, (any ChatRenderer)?) {
        let folder = try paths.first(where: PreparedFolder.isPrepared).map(PreparedFolder.read)
        if let folder, name == nil, folder.tokenizer != "bytes" {
            let own = PreparedTokenizer(of: folder)
            if let plain = paths.first(where: DocumentSources.isPlain) {
                throw UserError(own.absence.what, at: plain, fix: own.absence.fix)
            }
            return (own, nil)
        }
        return try TextTools.named(name ?? "bytes")
    }

    package static func export(_ folder: String, isValidation: Bool, megatron prefix: String) throws {
        let prepared = try PreparedFolder.read(folder)
        let source = try PreparedSource(
            folder, isValidation ? .validation : .train, tokenizer: PreparedTokenizer(of: prepared))
        let (documents, tokens) = try MegatronExport.write(source, prefix: prefix, vocabulary: prepared.vocabulary)
        StandardOutput.write("\(prefix).bin and .idx: \(documents) documents, \(tokens) tokens")
        if source.shapes.contains(where: { !$0.countsEverything }) {
            StandardError.write(
                "molt-train: Megatron's format knows no loss spans: prompts count like answers there")
        }
    }
}
