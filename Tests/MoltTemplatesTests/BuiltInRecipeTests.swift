import MoltCore
import MoltRecipe
import MoltTemplates
import Testing

/// Every model that Molt knows by name can be trained and fine-tuned by name, on GPUs that it fits.
struct BuiltInRecipeTests {
    static let library = TemplateLibrary(folders: [])
    /// Those that bring no model, and those of the demo.
    static let others: Set<String> = ["lora", "dpo", "demo-pretrain", "demo-finetune"]
    static let recipes = library.recipeNames().filter { !others.contains($0) }
    static let models = recipes.filter { !$0.hasSuffix("-finetune") && !$0.hasSuffix("-lora") }

    /// What the README promises by name.
    static let promised = [
        "mamba2-130m", "mamba2-370m", "mamba2-780m", "mamba2-1.3b", "mamba2-2.7b", "mamba2attn-2.7b", "mamba2-8b",
        "mamba2-hybrid-8b", "mamba2-hybrid-8b-16k", "mamba2-hybrid-8b-32k", "mamba2-hybrid-8b-128k", "nemotron-h-4b",
        "nemotron-h-8b", "nemotron-h-47b", "nemotron-h-56b", "nemotron-nano-9b-v2", "nemotron-nano-12b-v2", "bamba-9b",
        "granite-4.0-h-micro", "granite-4.0-h-1b", "granite-4.0-h-350m", "granite-4.0-h-tiny", "granite-4.0-h-small",
        "griffin-400m", "griffin-1.3b", "griffin-3b", "griffin-7b", "recurrentgemma-2b", "recurrentgemma-9b",
        "samba-421m", "samba-1.3b", "mambaformer-tiny", "s4d-tiny", "dss-tiny", "mamba2-tiny", "hybrid-tiny",
    ]

    private func load(_ name: String, _ changes: [String] = [], isComplete: Bool = false) throws -> Recipe {
        try RecipeLoader(source: Self.library, currentFolder: "/x")
            .load(name, overrides: changes, isComplete: isComplete).recipe
    }

    @Test func theModelsAreThosePromised() {
        #expect(Self.models == Self.promised.sorted())
    }

    @Test(arguments: models)
    func everyModelHasARecipeForTrainingAndOneForFineTuning(_ name: String) throws {
        let start = try load(name), tuning = try load("\(name)-finetune")
        #expect(start.task == .pretrain && tuning.task == .finetune)
        #expect(start.model != nil && start.model == tuning.model)
        #expect(tuning.method.type == .full)
        #expect(tuning.optimizer.learningRate < start.optimizer.learningRate)
        #expect(start.data?.sequenceLength != nil)
    }

    /// All weights of four billion and more fit no card of 80 GB with their optimizer's state. Models that differ in
    /// the length of sequences alone have one recipe between them.
    @Test func everyLargeModelHasARecipeForAdapters() throws {
        let large = try Self.models.filter { name in
            let size = ModelSize(try #require(try load(name).model), sequenceLength: 2048)
            return size.parameters >= 4_000_000_000 && !name.hasPrefix("mamba2-hybrid-8b-")
        }
        #expect(large.count > 10)
        #expect(large.map { "\($0)-lora" } == Self.recipes.filter { $0.hasSuffix("-lora") })
        for name in large {
            let recipe = try load("\(name)-lora"), base = try load(name)
            #expect(recipe.method.type == .lora && recipe.method.rank == 32 && recipe.model == base.model)
        }
    }

    /// With what only its user knows, each is complete: nothing in it is refused, nor by a site that says nothing.
    @Test(arguments: library.recipeNames())
    func everyRecipeLacksItsFilesAloneOrItsLength(_ name: String) throws {
        let draft = try load(name)
        var changes = ["data.train=[/data/train.jsonl]"]
        if draft.task == .finetune { changes.append("init_from=/models/start") }
        if draft.train.steps == nil, draft.train.tokens == nil { changes.append("train.steps=10") }
        let recipe = try load(name, changes, isComplete: true)
        let site = Site(name: "cluster", kind: .slurm, prefix: "/p", runs: "/r")
        #expect(SiteCheck.problems(recipe, site: site).isEmpty)
        #expect(MemoryFit.warnings(recipe, site: site).isEmpty == (try header(name)["does not fit yet"] == nil))
    }

    /// The GPU that a recipe names has room for what the estimate says, and what has room nowhere says so, with figures
    /// that are those of the estimate.
    @Test(arguments: recipes)
    func everyRecipeFitsTheGPUThatItNamesOrSaysWhyNotYet(_ name: String) throws {
        let recipe = try load(name), header = try header(name)
        let total = try #require(Estimate.Memory(recipe)).total
        guard recipe.resources.gpusPerNode > 0 else {
            // A laptop's.
            #expect(total < Double(1 << 30), "\(name) takes \(Quantities.bytesText(total))")
            return
        }
        let said = header["about"].flatMap(Double.init), needed = total / Double(1 << 30)
        if let memory = recipe.resources.gpuMemory {
            #expect(total <= MemoryFit.usable * Double(memory), "\(name) takes \(Quantities.bytesText(total))")
            #expect(header["does not fit yet"] == nil)
            #expect((said == nil) == (memory == 80 << 30), "what needs more than the usual card says so")
            if memory > 80 << 30 { #expect(header["cards of"] == "\(memory >> 30)") }
        } else {
            #expect(header["does not fit yet"] != nil, "\(name) names no GPU and does not say why")
            #expect(needed > 0.95 * 178, "\(name) would fit a GPU of 178 GiB")
        }
        if let said { #expect(abs(said - needed) <= 1, "\(name) says \(said) GiB, the estimate \(needed)") }
    }

    /// What the comment on top of a recipe says: the figure, or the word, that follows a phrase.
    private func header(_ name: String) throws -> [String: String] {
        let bytes = try #require(try Self.library.recipe(named: name)).bytes
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").prefix { $0.hasPrefix("#") }
        let words = lines.flatMap { $0.dropFirst().split(separator: " ") }.map(String.init)
        var found: [String: String] = [:]
        for phrase in ["does not fit yet", "about", "cards of"] {
            let parts = phrase.split(separator: " ").map(String.init)
            for start in words.indices where start + parts.count < words.count {
                let here = words[start..<start + parts.count].map { $0.filter { $0 != ":" && $0 != "," } }
                if here == parts { found[phrase] = words[start + parts.count] }
            }
        }
        return found
    }
}
