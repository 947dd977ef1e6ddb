import FoundationEssentials
import MoltCheckpoint
package import MoltCore
package import MoltModels
import MoltRecipe
import MoltTensor

#if canImport(Glibc)
import Glibc
#endif

/// The scores of a model for rows of tokens, as one tensor in a file: how anybody compares a conversion with another
/// tool.
package struct TokenScores {
    private let rows: [[Int64]]
    private let vocabulary: Int

    /// - Parameter path: of a JSON list of lists of token ids.
    package init(tokens path: String, for model: HybridModel) throws {
        let vocabulary = model.section.vocabularySize ?? 0
        let data = try DurableFile.read(path, limit: Limits.tokensFileBytesMax)
        guard let rows = try? BoundedJSON().decode([[Int64]].self, from: data) else {
            throw UserError("it is not a list of lists of token ids", at: path, fix: "like [[1, 2, 3], [4, 5]]")
        }
        guard !rows.isEmpty, rows.contains(where: { !$0.isEmpty }) else {
            throw UserError("it holds no tokens", at: path)
        }
        guard rows.count <= Limits.rowsMax, rows.allSatisfy({ $0.count <= Limits.rowTokensMax }) else {
            throw UserError(
                "at most \(Limits.rowsMax) rows of \(Limits.rowTokensMax) tokens are scored at once", at: path)
        }
        for (index, row) in rows.enumerated() {
            if let outside = row.first(where: { $0 < 0 || $0 >= vocabulary }) {
                throw UserError(
                    "row \(index + 1) has the token \(outside), and the model has \(vocabulary)", at: path,
                    fix: "ids go from 0 to \(vocabulary - 1)")
            }
        }
        self.rows = rows
        self.vocabulary = vocabulary
    }

    /// Writes the tensor `logits` [batch, length, vocabulary], fp32; rows that are shorter than the longest end in
    /// zeros. Rows are computed one after the other: padding cannot touch them.
    package func write(_ model: HybridModel, precision: Precision, to path: String) throws {
        let length = rows.map(\.count).max() ?? 0
        let plan = PlannedTensor(name: "logits", type: .float32, shape: [rows.count, length, vocabulary])
        let temporary = path + ".tmp-\(UInt32.random(in: .min ... .max))"
        do {
            _ = try SafetensorsWriter.write([plan], metadata: ["dtype": precision.rawValue], to: temporary) {
                _, add in
                for row in rows {
                    if !row.isEmpty { try add(Self.scores(row, model, precision).bytes()) }
                    try add([UInt8](repeating: 0, count: (length - row.count) * vocabulary * 4))
                }
            }
            guard rename(temporary, path) == 0 else { throw FileError("rename to", path) }
        } catch {
            unlink(temporary)
            throw error
        }
    }

    /// [1, length, vocabulary], fp32.
    static func scores(_ row: [Int64], _ model: HybridModel, _ precision: Precision) throws(TorchError) -> Tensor {
        let device = model.device
        let tokens = try Tensor(row, shape: [1, row.count]).to(device)
        return try noGrad { () throws(TorchError) in
            try autocast(precision == .bf16 ? .bfloat16 : nil, on: device) { () throws(TorchError) in
                try model.logits(model.hidden(tokens)).to(.float32)
            }
        }
    }
}

extension ConversionReport.NumericCheck {
    /// A forward pass over tokens that depend on nothing but the vocabulary.
    /// - Throws: `UserError` when a score is no number.
    package init(_ model: HybridModel, place: String) throws {
        let vocabulary = Int64(model.section.vocabularySize ?? 1)
        let row = (0..<Int64(32)).map { ($0 * 7919 + 17) % vocabulary }
        let scores = try TokenScores.scores(row, model, .fp32)
        tokens = row.count
        meanLogit = try scores.mean().item()
        rmsLogit = try scores.square().mean().item().squareRoot()
        isFinite = meanLogit.isFinite && rmsLogit.isFinite
        guard isFinite else {
            throw UserError(
                "the model's scores are not numbers", at: place, fix: "a weight is infinite or not a number")
        }
    }
}
