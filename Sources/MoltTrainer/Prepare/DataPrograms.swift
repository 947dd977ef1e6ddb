import MoltCore
import MoltData

/// The verbs of `molt data` beside `prepare`.
package enum DataPrograms {
    package static func report(
        _ paths: [String], tokenizer name: String?, sequenceLength: Int, asJSON: Bool
    ) throws {
        let prepared = try paths.first(where: PreparedFolder.isPrepared).map { try PreparedFolder.read($0).tokenizer }
        let (tokenizer, chat) = try TextTools.named(name ?? prepared ?? "bytes")
        let report = try PackingReport.of(
            paths, .train, tokenizer: tokenizer, chat: chat, sequenceLength: sequenceLength)
        if asJSON {
            StandardOutput.write(String(decoding: try JSONFile.encode(report), as: UTF8.self))
        } else {
            let head = "\(report.documents) documents, \(Quantities.text(Double(report.tokens))) tokens"
            StandardOutput.write(([head] + report.lines).joined(separator: "\n"))
        }
    }

    package static func export(_ folder: String, isValidation: Bool, megatron prefix: String) throws {
        let prepared = try PreparedFolder.read(folder)
        let (tokenizer, _) = try TextTools.named(prepared.tokenizer)
        let source = try PreparedSource(folder, isValidation ? .validation : .train, tokenizer: tokenizer)
        let (documents, tokens) = try MegatronExport.write(source, prefix: prefix, vocabulary: prepared.vocabulary)
        StandardOutput.write("\(prefix).bin and .idx: \(documents) documents, \(tokens) tokens")
        if source.shapes.contains(where: { !$0.countsEverything }) {
            StandardError.write(
                "molt-train: Megatron's format knows no loss spans: prompts count like answers there")
        }
    }
}
