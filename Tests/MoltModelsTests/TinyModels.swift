import MoltModels
import MoltNN
import MoltRecipe
import MoltTensor
import MoltTesting

/// Small models of both families; the sizes are those of `Scripts/goldens/models.py`.
enum TinyModels {
    static func mamba2() throws -> ModelSection {
        var section = ModelSection(pattern: try LayerPattern(parsing: "MMM"), hiddenSize: 21, mambaHeads: 6)
        section.family = .mamba2
        section.mambaHeadSize = 7
        section.tiedEmbeddings = true
        return common(section)
    }

    static func nemotronH(_ pattern: String = "M-*M-") throws -> ModelSection {
        var section = ModelSection(pattern: try LayerPattern(parsing: pattern), hiddenSize: 20, mambaHeads: 6)
        section.family = .nemotronH
        section.mambaHeadSize = 8
        section.attentionHeads = 6
        section.keyValueHeads = 2
        section.attentionHeadSize = 7
        section.feedForwardSize = 33
        section.activation = .squaredReLU
        return common(section)
    }

    private static func common(_ section: ModelSection) -> ModelSection {
        var section = section
        section.vocabularySize = 37
        section.groups = 3
        section.stateSize = 5
        section.chunkSize = 16
        return section
    }

    /// The model with the weights of the golden files.
    static func synthetic(_ section: ModelSection) throws -> HybridModel {
        let model = try HybridModel(section)
        for parameter in model.registry.parameters {
            let values = SyntheticNumbers.weight(parameter.name, parameter.shape)
            try parameter.assign(Tensor(values, shape: parameter.shape))
        }
        return model
    }

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
