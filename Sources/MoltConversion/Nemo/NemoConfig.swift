import MoltCore
import MoltRecipe

/// What NeMo writes beside its weights: model_config.yaml, with the keys of its megatron_mamba_config.yaml, or of
/// NeMo 2 context/model.yaml, with those of Megatron's own configuration.
struct NemoConfig {
    /// The model's keys, as Megatron's arguments.
    let settings: MegatronSettings
    /// Of the section that describes the tokenizer: keys and what they say.
    let tokenizer: [String: String]

    /// - Throws: where it is no YAML, or describes no model.
    init(_ file: FileSlice) throws {
        guard file.count <= Limits.configBytesMax else {
            throw UserError("it has \(file.count) bytes, which no configuration has", at: file.path)
        }
        let yaml = try PlainYAML(try file.read(at: 0, count: file.count), file: file.path)
        // A whole configuration of a training has the model in a section; a model of NeMo 2 its own settings.
        let prefixes = ["", "model.", "config.", "model.config."]
        guard let prefix = prefixes.first(where: { yaml.values["\($0)hidden_size"] != nil }) else {
            throw UserError(
                "it does not say hidden_size, so it is not the configuration of a language model", at: file.path)
        }
        var values: [String: JSONTree] = [:]
        for (path, value) in yaml.values where path.hasPrefix(prefix) {
            let key = String(path.dropFirst(prefix.count))
            if !key.contains(".") || key.hasPrefix("activation_func.") { values[key] = JSONTree(value) }
        }
        settings = MegatronSettings(values)
        let section = String(prefix.dropLast("config.".count * (prefix.hasSuffix("config.") ? 1 : 0))) + "tokenizer."
        var tokenizer: [String: String] = [:]
        for (path, value) in yaml.values {
            if case .text(let text) = value, path.hasPrefix(section) {
                tokenizer[String(path.dropFirst(section.count))] = text
            }
        }
        self.tokenizer = tokenizer
    }
}

extension JSONTree {
    init(_ value: PlainYAML.Value) {
        self =
            switch value {
            case .null: .null
            case .flag(let flag): .flag(flag)
            case .integer(let integer): .integer(integer)
            case .number(let number): .number(number)
            case .text(let text): .text(text)
            }
    }
}
