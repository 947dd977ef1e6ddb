/// What became of the tensors of a checkpoint that was brought in or taken out.
package struct ConversionReport: Codable, Equatable, Sendable {
    package struct Rename: Codable, Equatable, Sendable {
        package var from: [String]
        package var to: String
    }

    /// The layout: hf, state-spaces, megatron, distributed, nemo or molt.
    package var format: String
    package var folder: String
    package var family = ""
    package var pattern = ""
    package var tensorsRead = 0
    package var parameters = 0
    package var renamed: [Rename] = []
    package var unused: [String] = []
    /// What the files do not say and was taken for granted.
    package var assumed: [String] = []
    /// Empty whenever a conversion succeeds.
    package var missing: [String] = []
    /// How many tensors are of each type.
    package var types: [String: Int] = [:]
    /// `WeightsHash` of the weights in fp32, before and after; nil where nothing was converted.
    package var sha256Before: String?
    package var sha256After: String?
    /// Where the result lies, and in which layout.
    package var out: String?
    package var outFormat: String?
    /// The file of the tokenizer beside the result, or the name of one that is built in; nil when there is none.
    package var tokenizer: String?
    /// Why transformers cannot load the result, when it cannot.
    package var obstacle: String?
    /// A forward pass of the result over fixed tokens.
    package var numericCheck: NumericCheck?

    package struct NumericCheck: Codable, Equatable, Sendable {
        package var tokens: Int
        /// All scores are numbers.
        package var isFinite: Bool
        package var meanLogit: Double
        package var rmsLogit: Double
    }

    init(format: String, folder: String) {
        self.format = format
        self.folder = folder
    }

    enum CodingKeys: String, CodingKey {
        case format, folder, family, pattern, parameters, renamed, unused, assumed, missing, types, out, tokenizer
        case obstacle
        case tensorsRead = "tensors_read"
        case sha256Before = "sha256_before"
        case sha256After = "sha256_after"
        case outFormat = "out_format"
        case numericCheck = "numeric_check"
    }
}

extension ConversionReport.NumericCheck {
    enum CodingKeys: String, CodingKey {
        case tokens
        case isFinite = "is_finite"
        case meanLogit = "mean_logit"
        case rmsLogit = "rms_logit"
    }
}
