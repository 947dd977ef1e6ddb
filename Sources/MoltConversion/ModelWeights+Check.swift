import MoltCheckpoint
import MoltCore
package import MoltModels
import MoltNN
import MoltRecipe
import MoltTensor

/// What a model needs, from its sizes alone.
struct WeightsPlan {
    /// In the order of the model.
    let tensors: [(name: String, shape: [Int])]

    init(_ weights: some ModelWeights) throws {
        let model = try HybridModel(weights.section, registry: ParameterRegistry(device: .meta))
        tensors = model.registry.parameters.map { ($0.name, $0.shape) }
    }
}

extension ModelWeights {
    /// Throws unless every id of a tokenizer has its row.
    func check(_ tokenizer: TokenizerSize?) throws(UserError) {
        guard let size = tokenizer, let rows = section.vocabularySize, size.ids > rows else { return }
        throw UserError(
            "the tokenizer has \(size.ids) token ids, the embeddings have \(rows) rows", at: size.file,
            fix: "the tokenizer is another model's, or the embeddings must grow")
    }

    /// Throws unless every weight of the model is there with its shape, nothing is there that no weight is, and every
    /// id of a tokenizer beside them has its row.
    package func check() throws {
        if let tokenizer, tokenizer.contains("/") {
            try check(TokenizerSize.at(tokenizer))
        }
        let plan = try WeightsPlan(self)
        let known = Set(plan.tensors.map(\.name))
        let missing = plan.tensors.filter { tensors[$0.name] == nil }.map(\.name)
        guard missing.isEmpty else { throw missingError(missing) }
        for (name, shape) in plan.tensors {
            guard let found = tensors[name] else { continue }
            guard found.shape == shape else {
                throw UserError(
                    "the tensor '\(found.names.first ?? name)' has the shape \(found.shape), "
                        + "where the configuration makes it \(shape)",
                    at: found.file, fix: "the configuration is not that of these weights, or the file is damaged")
            }
            guard found.type.isFloatingPoint else {
                throw UserError(
                    "the tensor '\(found.names.first ?? name)' is of type \(found.type.rawValue), "
                        + "and weights are F64, F32, F16 or BF16", at: found.file)
            }
        }
        let extra = tensors.keys.filter { !known.contains($0) }.sorted()
        guard let first = extra.first, let found = tensors[first] else { return }
        throw UserError(
            "the model that the configuration describes has no place for \(Self.list(extra))", at: found.file,
            fix: "the configuration is not that of these weights: it may name fewer layers, or other ones")
    }

    private func missingError(_ missing: [String]) -> UserError {
        if missing == ["lm_head.weight"] {
            return UserError(
                "the tensor 'lm_head.weight' is missing, and the configuration says that it is not tied to the "
                    + "embeddings", at: place, fix: "a file is missing, or tie_word_embeddings should be true")
        }
        return UserError(
            "the weights are not whole: \(Self.list(missing)) \(missing.count == 1 ? "is" : "are") missing",
            at: place,
            fix: "a file is missing, or the configuration is not that of these weights")
    }

    static func list(_ names: [String]) -> String {
        let more = names.count > Limits.namesInMessage ? " and \(names.count - Limits.namesInMessage) more" : ""
        return names.prefix(Limits.namesInMessage).map { DisplayText.escaped($0, limit: 200) }.joined(separator: ", ")
            + more
    }

    /// Fills a model, after `check`. No weight keeps its first value: what the model holds afterwards is hashed and
    /// compared with what was read.
    /// - Returns: the hash, over the weights in the model's own type, before matrices are rounded to a narrower one.
    package func load(into model: HybridModel) throws -> String {
        try check()
        var read = WeightsHash(), rounded = WeightsHash()
        for parameter in model.registry.parameters {
            let value = try self.read(parameter.name).tensor().to(model.registry.dtype)
            read.add(try HostTensor(parameter.name, value))
            let narrow = try value.to(parameter.value.dtype)
            try parameter.assign(narrow)
            if model.registry.isNarrow { rounded.add(try HostTensor(parameter.name, narrow)) }
        }
        let held = try Self.hash(of: model), wanted = model.registry.isNarrow ? rounded.text : read.text
        guard held == wanted else {
            throw UserError("the model does not hold what was read: \(held), not \(wanted)", at: place)
        }
        return read.text
    }

    static func hash(of model: HybridModel) throws -> String {
        var hash = WeightsHash()
        for parameter in model.registry.parameters { hash.add(try HostTensor(parameter.name, parameter.value)) }
        return hash.text
    }

    /// What was found, for people and programs; see `ConversionReport`.
    package func report(format: String) -> ConversionReport {
        var report = ConversionReport(format: format, folder: place)
        report.family = section.family.rawValue
        report.pattern = section.pattern.description
        report.tensorsRead = tensors.count
        report.parameters = tensors.values.reduce(0) { $0 + $1.shape.reduce(1, *) }
        report.renamed = tensors.filter { $0.value.names != [$0.key] }
            .map { ConversionReport.Rename(from: $0.value.names, to: $0.key) }.sorted { $0.to < $1.to }
        report.unused = unused.sorted()
        report.assumed = assumed
        report.types = Dictionary(tensors.values.map { ($0.type.rawValue, 1) }, uniquingKeysWith: +)
        return report
    }
}
