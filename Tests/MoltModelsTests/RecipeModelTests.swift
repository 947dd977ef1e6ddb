import FoundationEssentials
import MoltCore
import MoltModels
import MoltNN
import MoltRecipe
import MoltTensor
import Testing

/// The built-in recipes, from the source tree.
struct RecipeTree: RecipeSource {
    private static let folder =
        "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/Templates/recipes"

    func recipe(named name: String) throws(UserError) -> NamedRecipe? {
        FileManager.default.contents(atPath: "\(Self.folder)/\(name).yaml").map {
            NamedRecipe(bytes: [UInt8]($0), label: "built-in \(name).yaml", folder: nil)
        }
    }

    func recipeNames() -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: Self.folder)) ?? [])
            .filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()
    }

    func load(_ name: String) throws -> Recipe {
        try RecipeLoader(source: self, currentFolder: "/here").load(name, isComplete: false).recipe
    }

    /// Those that bring a model of their own.
    static let withModels = RecipeTree().recipeNames().filter { !["lora", "dpo"].contains($0) }
}

/// Every model of the built-in recipes, without memory on the meta device.
struct RecipeModelTests {
    /// Parameters in billions, as published or counted from the published shapes.
    static let published: [String: Double] = [
        "mamba2-130m": 0.1290, "mamba2-370m": 0.3683, "mamba2-780m": 0.7802, "mamba2-1.3b": 1.3438,
        "mamba2-2.7b": 2.7026, "mamba2attn-2.7b": 2.698, "mamba2-8b": 8.237, "mamba2-hybrid-8b": 8.655,
        "mamba2-hybrid-8b-16k": 8.655, "mamba2-hybrid-8b-32k": 8.655, "mamba2-hybrid-8b-128k": 8.655,
        "nemotron-h-4b": 4.489, "nemotron-h-8b": 8.101, "nemotron-h-47b": 46.79, "nemotron-h-56b": 56.32,
        "nemotron-nano-9b-v2": 8.888, "nemotron-nano-12b-v2": 12.31, "bamba-9b": 9.780,
        "granite-4.0-h-micro": 3.191, "granite-4.0-h-1b": 1.46, "granite-4.0-h-350m": 0.34,
        "granite-4.0-h-tiny": 6.94, "granite-4.0-h-small": 32.2, "recurrentgemma-2b": 2.683,
        "recurrentgemma-9b": 8.580, "samba-421m": 0.4218, "samba-1.3b": 1.330,
        "griffin-400m": 0.4044, "griffin-1.3b": 1.3085, "griffin-3b": 2.9330, "griffin-7b": 6.9213,
    ]

    private func section(_ name: String) throws -> ModelSection {
        try #require(try RecipeTree().load(name).model)
    }

    @Test(arguments: published.keys.sorted())
    func theParameterCountIsThePublishedOne(_ name: String) throws {
        let section = try section(name), billions = try #require(Self.published[name])
        let model = try HybridModel(section, registry: ParameterRegistry(device: .meta))
        let count = Double(model.registry.count) / 1e9
        #expect(abs(count - billions) <= 2e-3 * billions, "\(count)")
    }

    @Test(arguments: RecipeTree.withModels)
    func everyRecipesModelCanBeBuiltAndIsCountedRight(_ name: String) throws {
        var section = try section(name)
        section.vocabularySize = section.vocabularySize ?? ModelSize.byteVocabulary
        let model = try HybridModel(section, registry: ParameterRegistry(device: .meta))
        #expect(ModelSize(section, sequenceLength: 4096).parameters == model.registry.count)
    }

    /// Nothing that can carry an adapter is left out, in the recipes of large models and in the one for all.
    @Test(arguments: RecipeTree().recipeNames().filter { $0.hasSuffix("-lora") })
    func aLoRARecipeAdaptsEveryLinearLayerButTheHead(_ name: String) throws {
        let recipe = try RecipeTree().load(name), section = try section(name)
        let model = try HybridModel(section, registry: ParameterRegistry(device: .meta))
        let linears = Set(model.registry.linears.map(\.path)).subtracting(["lm_head"])
        let report = try model.adapt(recipe.method)
        #expect(Set(report.matched) == linears)
        #expect(report.counts.count == recipe.method.targets.count && report.counts.values.allSatisfy { $0 > 0 })
        let estimate = try #require(Estimate(recipe))
        #expect(estimate.trainableParameters == report.adapterParameters)
    }

    @Test(arguments: ["lora", "dpo"], TinyModels.families)
    func theRecipesForAllFamiliesAdaptEach(_ name: String, _ family: String) throws {
        let recipe = try RecipeTree().load(name)
        #expect(recipe.model == nil && recipe.prefers == (name == "dpo"))
        let model = try HybridModel(TinyModels.family(family), registry: ParameterRegistry(device: .meta))
        let linears = Set(model.registry.linears.map(\.path)).subtracting(["lm_head"])
        #expect(Set(try model.adapt(recipe.method).matched) == linears)
    }

    @Test func theStateOfMamba2DoesNotGrowWithTheSequence() throws {
        let size = ModelSize(try section("mamba2-130m"), sequenceLength: 2048)
        // 24 layers of 24 · 64 · 128 numbers and 3 inputs of 1792 channels.
        #expect(size.stateNumbers == 24 * (24 * 64 * 128 + 1792 * 3))
        #expect(size.cacheNumbers == 0)
        // 4 layers of 8 heads of 128, keys and values.
        #expect(ModelSize(try section("nemotron-h-8b"), sequenceLength: 8192).cacheNumbers == 4 * 8 * 128 * 2)
    }

    /// The engine's own memory after twenty tokens: more than any window has, and less than one block of a cache.
    @Test(arguments: TinyModels.families)
    func whatGenerationKeepsInBF16IsWhatIsCounted(_ family: String) throws {
        let section = try TinyModels.family(family), model = try TinyModels.synthetic(section)
        let state = model.generationState(), tokens = try TinyModels.tokens("generation", 1, 20)
        _ = try autocast(.bfloat16) { () throws(TorchError) in try model.step(tokens, state) }
        let size = ModelSize(section, sequenceLength: 20)
        #expect(state.bytes == size.stateBytes + size.cacheBytes * KeyValueCache.blockTokens)
    }

    @Test func expertsThatSitIdleAreNotActive() throws {
        let size = ModelSize(try section("granite-4.0-h-tiny"), sequenceLength: 4096)
        #expect(size.activeParameters < size.parameters / 4)
        #expect(size.activeParameters > size.parameters / 10)
    }
}
