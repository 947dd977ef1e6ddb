import MoltModels
import MoltNN
import MoltRecipe
import MoltTensor
import MoltTesting

/// Small models of every family. The sizes of Mamba-2 and Nemotron-H are those of `Scripts/goldens/models.py`.
enum TinyModels {
    static func mamba2() throws -> ModelSection {
        var section = try common("MMM", .mamba2, hidden: 21)
        section.mambaHeadSize = 7
        section.tiedEmbeddings = true
        return section
    }

    static func nemotronH(_ pattern: String = "M-*M-") throws -> ModelSection {
        try common(pattern, .nemotronH)
    }

    /// One of every family and of every layer, by name.
    static let families: [String] = [
        "mamba2", "mamba2 with attention", "nemotron_h", "bamba", "granite", "granite with experts",
        "recurrent_gemma", "griffin", "samba", "mambaformer", "s4d", "dss", "everything",
    ]

    static func family(_ name: String) throws -> ModelSection {
        switch name {
        case "mamba2": return try mamba2()
        case "mamba2 with attention":
            var section = try common("MM*M", .mamba2)
            section.attentionConvolution = 4
            section.attentionHeadSize = 8
            section.rotaryShare = 0.5
            return section
        case "bamba":
            var section = try common("M-*-M-", .bamba)
            section.attentionHeadSize = 8
            section.rotaryShare = 0.5
            section.gatedMLP = true
            section.activation = .silu
            return section
        case "granite", "granite with experts":
            return try granite(experts: name != "granite")
        case "recurrent_gemma", "griffin":
            return try griffin(isGemma: name != "griffin")
        case "samba":
            var section = try mamba1("1-W-1-W-", .samba)
            section.rotaryShare = 1
            return section
        case "mambaformer": return try mamba1("1*1*1", .mambaformer)
        case "s4d", "dss":
            var section = try common(name == "s4d" ? "S-S-" : "Z-Z-", .hybrid)
            section.stateSize = 8
            section.activation = .gelu
            return section
        case "everything":
            var section = try mamba1("M*-EWR1SZ", .hybrid)
            try addExperts(&section)
            section.recurrentWidth = 30
            section.recurrentBlocks = 5
            section.stateSize = 6
            return section
        default: return try nemotronH()
        }
    }

    private static func granite(experts: Bool) throws -> ModelSection {
        var section = try common(experts ? "ME*EME" : "M-*-M-", .granite)
        section.gatedMLP = true
        section.activation = .silu
        section.tiedEmbeddings = true
        section.embeddingMultiplier = 3
        section.residualMultiplier = 0.4
        section.attentionScale = 0.3
        section.logitsDivisor = 2
        if experts { try addExperts(&section) }
        return section
    }

    private static func addExperts(_ section: inout ModelSection) throws {
        section.experts = 5
        section.expertsPerToken = 2
        section.expertSize = 11
        section.sharedExpertSize = 13
        section.activation = .silu
    }

    private static func griffin(isGemma: Bool) throws -> ModelSection {
        var section = try common("R-R-W-R-", .recurrentGemma)
        section.recurrentWidth = 24
        section.recurrentBlocks = 4
        section.attentionHeadSize = 8
        section.keyValueHeads = 1
        section.window = 6
        section.rotaryShare = 0.5
        section.attentionOutputBias = true
        section.gatedMLP = true
        section.feedForwardBias = true
        section.activation = .geluTanh
        section.normPlusOne = true
        section.tiedEmbeddings = true
        section.embeddingMultiplier = 4.5
        section.logitsSoftcap = isGemma ? 30 : nil
        return section
    }

    private static func mamba1(_ pattern: String, _ family: ModelSection.Family) throws -> ModelSection {
        var section = try common(pattern, family)
        section.innerSize = 34
        section.stepRank = 3
        section.stateSize = 5
        section.attentionHeadSize = 8
        section.window = 7
        section.gatedMLP = family == .samba
        section.activation = .silu
        return section
    }

    private static func common(
        _ pattern: String, _ family: ModelSection.Family, hidden: Int = 20
    ) throws -> ModelSection {
        var section = ModelSection(pattern: try LayerPattern(parsing: pattern), hiddenSize: hidden, mambaHeads: 6)
        section.family = family
        section.mambaHeadSize = 8
        section.attentionHeads = 6
        section.keyValueHeads = 2
        section.attentionHeadSize = 7
        section.feedForwardSize = 33
        section.activation = .squaredReLU
        section.vocabularySize = 37
        section.groups = 3
        section.stateSize = 5
        section.chunkSize = 16
        return section
    }

    /// The model with weights by formula: those of the golden files, where there are any.
    /// - Parameter matrices: what they are held in, `dtype` when nil.
    static func synthetic(
        _ section: ModelSection, dtype: DType = .float32, matrices: DType? = nil, on device: Device = .cpu
    ) throws -> HybridModel {
        let model = try HybridModel(
            section,
            registry: ParameterRegistry(
                device: device, dtype: dtype, matrices: matrices, seed: 0, startsEmpty: true))
        for parameter in model.registry.parameters {
            let values = SyntheticNumbers.weight(parameter.name, parameter.shape)
            try parameter.assign(Tensor(values, shape: parameter.shape).to(dtype))
        }
        return model
    }

    /// Where models can compute here: the CPU, and a GPU on a machine that has one.
    static let devices: [Device] = [.cpu] + (Device.cudaCount > 0 ? [.cuda(0)] : [])

    static func tokens(_ batch: Int, _ length: Int) throws -> Tensor {
        try tokens("tokens", batch, length)
    }

    static func tokens(_ name: String, _ batch: Int, _ length: Int) throws -> Tensor {
        try Tensor(
            SyntheticNumbers.tokens(name, batch * length, vocabulary: 37), shape: [batch, length])
    }
}

/// The largest difference between two tensors.
func maximumDifference(_ a: Tensor, _ b: Tensor) throws -> Double {
    try (a.to(.float64) - b.to(.float64)).abs().max().item()
}

func rootMeanSquare(_ values: [Float]) -> Double {
    (values.reduce(0) { $0 + Double($1) * Double($1) } / Double(max(1, values.count))).squareRoot()
}
