package import MoltCheckpoint
package import MoltConversion
import MoltCore
import MoltModels
import MoltNN

/// Takes models from one layout to another, checks them, and says what became of every tensor.
package enum ModelConversion {
    package enum Layout: String, Sendable, CaseIterable {
        case molt, hf, megatron, distributed, nemo
        case stateSpaces = "state-spaces"
    }

    package struct Choice: Sendable {
        package var layout: Layout
        /// Nil keeps each tensor's own.
        package var type: StoredType?
        package var shardBytes: Int?
        /// Ranks of Megatron's tensor parallelism.
        package var ranks: Int

        package init(_ layout: Layout, type: StoredType? = nil, shardBytes: Int? = nil, ranks: Int = 1) {
            self.ranks = ranks
            self.layout = layout
            self.type = type
            self.shardBytes = shardBytes
        }
    }

    /// Writes what lies at `path` into a new folder, reads that again, and compares the two.
    /// - Parameters:
    ///   - tokenizer: goes with the weights in place of what lies beside them.
    ///   - place: where the numeric check computes, in fp32.
    ///   - beat: called again and again meanwhile; what it throws ends the work, and leaves nothing behind.
    package static func convert(
        _ path: String, to out: String, _ choice: Choice, tokenizer: String? = nil,
        on place: ComputePlace = .cpu, beat: @escaping () throws -> Void = {}
    ) throws -> ConversionReport {
        var found = try CheckpointSource(path, key: path).weights()
        if let tokenizer { found = try RetokenizedWeights(found, tokenizer: tokenizer) }
        try found.check()
        var report = found.report(format: ForeignModel.layout(of: found))
        let weights = ToldWeights(base: found, beat: beat)
        report.out = out
        report.outFormat = choice.layout.rawValue
        report.sha256Before = try hash(weights, after: choice.type)
        guard choice.layout != .nemo else { return try pack(weights, to: out, choice, report, place) }
        try StagedFolder.makeShared(out) { staged in
            let inner = "\(staged)/model"
            switch choice.layout {
            case .molt: try ImportedCheckpoint.write(weights, to: inner, type: choice.type)
            case .hf:
                try DurableFile.makeFolder(inner)
                report.obstacle = try HuggingFaceExport(
                    weights, type: choice.type, shardBytes: choice.shardBytes
                ).write(into: inner)
            case .megatron:
                try DurableFile.makeFolder(inner)
                try MegatronExport(weights, type: choice.type, ranks: choice.ranks).write(into: inner)
            case .distributed:
                try DurableFile.makeFolder(inner)
                try DistributedExport(weights, type: choice.type).write(into: inner)
            case .stateSpaces:
                try DurableFile.makeFolder(inner)
                try StateSpacesExport(weights, type: choice.type).write(into: inner)
            case .nemo: break
            }
            try compare(inner, with: weights, &report, place)
            try StagedFolder.lift(inner, to: staged)
        }
        return report
    }

    /// Writes the one layout that is a file.
    private static func pack(
        _ weights: any ModelWeights, to out: String, _ choice: Choice, _ report: ConversionReport,
        _ place: ComputePlace
    ) throws -> ConversionReport {
        guard out.hasSuffix(".nemo") else {
            throw UserError(
                "NeMo's archives are files, and their names end in .nemo", at: out, fix: "give --out \(out).nemo")
        }
        var report = report
        try StagedFolder.makeSharedFile(out) { staged in
            try NemoExport(weights, type: choice.type, ranks: choice.ranks).write(to: staged)
            try compare(staged, with: weights, &report, place)
        }
        return report
    }

    /// What was written, read again, must be the model that was read.
    private static func compare(
        _ written: String, with weights: any ModelWeights, _ report: inout ConversionReport, _ place: ComputePlace
    ) throws {
        let out = report.out ?? written
        let again = try CheckpointSource(written, key: written).weights()
        let lost = ModelComparison.configuration(weights.section, again.section)
        guard lost.isEmpty else {
            throw UserError(
                "the layout has no place for this model's \(lost.joined(separator: ", "))", at: out,
                fix: "choose another --format")
        }
        (report.sha256After, report.numericCheck) = try inspect(written, place)
        guard report.sha256After == report.sha256Before else {
            throw UserError("the weights that were written are not those that were read", at: out)
        }
        // Of an archive, the name behind its own.
        report.tokenizer = again.tokenizer?.split(whereSeparator: { $0 == "/" || $0 == ":" }).last.map(String.init)
    }

    /// Loads what lies at `path` and lets it score tokens.
    package static func verify(_ path: String, on place: ComputePlace = .cpu) throws -> ConversionReport {
        let weights = try CheckpointSource(path, key: path).weights()
        try weights.check()
        var report = weights.report(format: ForeignModel.layout(of: weights))
        (report.sha256After, report.numericCheck) = try inspect(path, place)
        return report
    }

    /// Compares two models tensor by tensor, in fp32, whatever layouts they lie in.
    package static func compare(_ path: String, with other: String) throws -> ModelComparison {
        let (a, b) = (
            try CheckpointSource(path, key: path).weights(), try CheckpointSource(other, key: other).weights()
        )
        return try ModelComparison(a, b)
    }

    /// In fp32 whatever the place says: what is compared are all digits.
    private static func inspect(
        _ path: String, _ place: ComputePlace
    ) throws -> (String, ConversionReport.NumericCheck) {
        let source = try CheckpointSource(path, key: path)
        let model = try ModelLoader.model(of: source, on: ComputePlace(place.device, .fp32))
        return (try ModelLoader.hash(of: model.registry.parameters), try .init(model, place: path))
    }

    /// Of the weights in fp32, which is what a model holds; rounded first to the type that they are to be written in.
    private static func hash(_ weights: any ModelWeights, after type: StoredType?) throws -> String {
        var hash = WeightsHash()
        for name in weights.tensors.keys {
            let tensor = try weights.read(name)
            hash.add(try tensor.converted(to: type ?? tensor.type).converted(to: .float32))
        }
        return hash.text
    }

    /// Writes the scores of a model; see `TokenScores`.
    package static func scores(
        _ path: String, tokens: String, out: String, on place: ComputePlace
    ) throws {
        let model = try ModelLoader.model(of: try CheckpointSource(path, key: path), on: place)
        try TokenScores(tokens: tokens, for: model).write(model, precision: place.precision, to: out)
    }
}
