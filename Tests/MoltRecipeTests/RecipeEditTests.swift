import MoltCore
import MoltRecipe
import Testing

struct RecipeEditTests {
    private static func recipe() throws -> Recipe {
        var recipe = Recipe(name: "r", task: .pretrain)
        recipe.train.steps = 30
        recipe.data = DataSection(train: ["/a"])
        return recipe
    }

    private static let fixed: [String: @Sendable (inout Recipe) -> Void] = [
        "name": { $0.name = "s" }, "task": { $0.task = .finetune }, "init_from": { $0.initFrom = "/m" },
        "method": { $0.method.rank = 3 }, "data.tokenizer": { $0.data?.tokenizer = "/t.json" },
        "generation": { $0.generation = GenerationSection() },
        "evaluation": { $0.evaluation = EvaluationSection(task: .recall) },
        "conversion": { $0.conversion = ConversionSection(format: .hf, out: "/o") },
    ]

    @Test(arguments: fixed.keys.sorted())
    func whatCheckpointsDependOnStays(_ key: String) throws {
        let before = try Self.recipe()
        var after = before
        Self.fixed[key]?(&after)
        let error = #expect(throws: UserError.self) { try RecipeEdit.check(before, after, extends: false) }
        #expect(error?.location == key)
    }

    @Test func placeAndPaceMayChange() throws {
        let before = try Self.recipe()
        var after = before
        after.resources.time = 60
        after.optimizer.learningRate = 1
        after.checkpoint.keep = 9
        after.train.steps = 20
        try RecipeEdit.check(before, after, extends: false)
        #expect(throws: UserError.self) { try RecipeEdit.check(before, before, extends: false) }
    }

    @Test func extendingIsAboutTheLengthAloneAndMakesItGrow() throws {
        let before = try Self.recipe()
        var after = before
        after.train.steps = 60
        try RecipeEdit.check(before, after, extends: true)
        #expect(throws: UserError.self) { try RecipeEdit.check(after, before, extends: true) }
        after.resources.time = 60
        #expect(throws: UserError.self) { try RecipeEdit.check(before, after, extends: true) }
    }
}
