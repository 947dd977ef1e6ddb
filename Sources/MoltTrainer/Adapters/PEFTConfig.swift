import MoltCore

/// `adapter_config.json` as peft writes it: the keys that say what the tensors mean. Those of methods that Molt does
/// not have are read to refuse them.
package struct PEFTConfig: Codable, Equatable, Sendable {
    package var peftType: String
    package var taskType: String? = "CAUSAL_LM"
    package var baseModel: String?
    package var isInference: Bool? = true
    package var rank: Int?
    package var alpha: Double?
    package var dropout: Double?
    package var targets: Targets?
    package var isRankStabilized: Bool?
    package var hasMagnitude: Bool?
    package var bias: String?
    package var fanInFanOut: Bool?
    /// Modules, by the end of their paths, with a rank or an alpha of their own.
    package var ranks: [String: Int]?
    package var alphas: [String: Double]?
    package var modulesToSave: [String]?
    package var virtualTokens: Int?
    package var width: Int?
    package var encoderSize: Int?
    package var encoder: String?
    /// How the adapter began. Some ways change the base model's weights, which then are not those of its folder.
    package var start: Start?

    /// A name, or whether B began at zero.
    package enum Start: Codable, Equatable, Sendable {
        case zero(Bool)
        case named(String)

        package init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let flag = try? container.decode(Bool.self) {
                self = .zero(flag)
            } else {
                self = .named(try container.decode(String.self))
            }
        }

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .zero(let flag): try container.encode(flag)
            case .named(let name): try container.encode(name)
            }
        }

        /// Those that leave the base as it is.
        var isOnUnchangedBase: Bool {
            guard case .named(let name) = self else { return true }
            return ["gaussian", "eva", "orthogonal"].contains(name)
        }
    }

    /// A list of modules, or one pattern over all of them.
    package enum Targets: Codable, Equatable, Sendable {
        case list([String])
        case pattern(String)

        package init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let pattern = try? container.decode(String.self) {
                self = .pattern(pattern)
            } else {
                self = .list(try container.decode([String].self))
            }
        }

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .list(let names): try container.encode(names)
            case .pattern(let pattern): try container.encode(pattern)
            }
        }
    }

    enum CodingKeys: String, CodingKey {
        case bias, targets = "target_modules", rank = "r", dropout = "lora_dropout", alpha = "lora_alpha"
        case peftType = "peft_type"
        case taskType = "task_type"
        case baseModel = "base_model_name_or_path"
        case isInference = "inference_mode"
        case isRankStabilized = "use_rslora"
        case hasMagnitude = "use_dora"
        case fanInFanOut = "fan_in_fan_out"
        case ranks = "rank_pattern"
        case alphas = "alpha_pattern"
        case modulesToSave = "modules_to_save"
        case virtualTokens = "num_virtual_tokens"
        case width = "token_dim"
        case encoderSize = "encoder_hidden_size"
        case encoder = "encoder_reparameterization_type"
        case start = "init_lora_weights"
    }

    init(_ peftType: String) { self.peftType = peftType }

    /// What Molt would compute otherwise than peft.
    func check(at path: String) throws(UserError) {
        let known = ["LORA", "PROMPT_TUNING", "P_TUNING"]
        func refuse(_ what: String) -> UserError {
            UserError(
                "\(what) is not among what Molt has", at: path, fix: "merge the adapter with peft, and import that")
        }
        guard known.contains(peftType) else {
            throw refuse("an adapter of the type '\(DisplayText.escaped(peftType, limit: 40))'")
        }
        if let bias, bias != "none" { throw refuse("'bias: \(DisplayText.escaped(bias, limit: 40))'") }
        if let start, !start.isOnUnchangedBase, case .named(let name) = start {
            throw refuse("'init_lora_weights: \(DisplayText.escaped(name, limit: 40))', which changes the base model,")
        }
        if fanInFanOut == true { throw refuse("'fan_in_fan_out'") }
        if let modulesToSave, !modulesToSave.isEmpty { throw refuse("'modules_to_save'") }
    }
}
