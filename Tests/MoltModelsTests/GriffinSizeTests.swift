import MoltModels
import MoltNN
import MoltRecipe
import MoltTensor
import Testing

/// Table 2 of the Griffin paper (De et al. 2024) names sizes by their parameters and gives widths, depths and heads; it
/// gives no vocabulary. With 32,000 token ids the counts of all seven, rounded as the names are, are the names; with
/// the 256,000 of RecurrentGemma no one is.
struct GriffinSizeTests {
    struct Size: Sendable, CustomTestStringConvertible {
        let name: String
        let billions: Double
        /// What the name is rounded to.
        let unit: Double
        let width: Int
        let recurrent: Int
        let depth: Int
        let heads: Int
        var testDescription: String { name }
    }

    static let sizes: [Size] = [
        Size(name: "100m", billions: 0.1, unit: 0.1, width: 768, recurrent: 1024, depth: 12, heads: 6),
        Size(name: "200m", billions: 0.2, unit: 0.1, width: 1024, recurrent: 1536, depth: 12, heads: 8),
        Size(name: "400m", billions: 0.4, unit: 0.1, width: 1536, recurrent: 2048, depth: 12, heads: 12),
        Size(name: "1.3b", billions: 1.3, unit: 0.1, width: 2048, recurrent: 2560, depth: 24, heads: 16),
        Size(name: "3b", billions: 3, unit: 1, width: 3072, recurrent: 4096, depth: 24, heads: 24),
        Size(name: "7b", billions: 7, unit: 1, width: 4096, recurrent: 5632, depth: 32, heads: 32),
        Size(name: "14b", billions: 14, unit: 1, width: 5120, recurrent: 8192, depth: 40, heads: 40),
    ]

    /// Two recurrent layers and one of attention in turn, a gated MLP of three times the width behind each.
    private func section(_ size: Size, vocabulary: Int) throws -> ModelSection {
        var section = try #require(try RecipeTree().load("griffin-400m").model)
        let layers = (0..<size.depth).map { $0 % 3 == 2 ? "W-" : "R-" }.joined()
        section.pattern = try LayerPattern(parsing: layers)
        (section.hiddenSize, section.recurrentWidth) = (size.width, size.recurrent)
        (section.attentionHeads, section.feedForwardSize) = (size.heads, 3 * size.width)
        section.vocabularySize = vocabulary
        return section
    }

    private func rounded(_ size: Size, vocabulary: Int) throws -> Double {
        let section = try section(size, vocabulary: vocabulary)
        let model = try HybridModel(section, registry: ParameterRegistry(device: .meta))
        return (Double(model.registry.count) / 1e9 / size.unit).rounded() * size.unit
    }

    @Test(arguments: sizes)
    func theCountsAreThePapersSizes(_ size: Size) throws {
        #expect(abs(try rounded(size, vocabulary: 32_000) - size.billions) < 1e-9)
        #expect(abs(try rounded(size, vocabulary: 256_000) - size.billions) > 0.05)
    }

    /// Heads of 128, one of keys and values, a window of 1024, gates of 16 blocks.
    @Test(arguments: sizes.filter { RecipeTree.withModels.contains("griffin-\($0.name)") })
    func theBuiltInRecipesHaveThePapersShapes(_ size: Size) throws {
        let built = try #require(try RecipeTree().load("griffin-\(size.name)").model)
        var expected = try section(size, vocabulary: 32_000)
        expected.embeddingMultiplier = built.embeddingMultiplier
        #expect(built == expected)
        #expect(built.attentionHeadSize == 128 && built.keyValueHeads == 1)
        #expect(built.window == 1024 && built.recurrentBlocks == 16)
        #expect(abs(built.embeddingMultiplier * built.embeddingMultiplier / Double(size.width) - 1) < 0.01)
    }
}
