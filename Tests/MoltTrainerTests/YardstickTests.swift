import FoundationEssentials
import MoltCore
import MoltRecipe
import MoltTesting
import Testing

extension WorkerTests {
    /// The demo's model has learnt something only if it beats counting pairs of bytes, and only its mixers can have:
    /// without them a position sees nothing but its own byte, which is what a bigram model sees.
    struct YardstickTests {
        /// The tree's own `Templates/recipes`.
        private struct TreeSource: RecipeSource {
            static let root = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }

            func recipeNames() -> [String] { ["demo-pretrain", "hybrid-tiny"] }

            func recipe(named name: String) throws(UserError) -> NamedRecipe? {
                let path = "\(Self.root)/Templates/recipes/\(name).yaml"
                guard let data = try? DurableFile.read(path) else { return nil }
                return NamedRecipe(bytes: Array(data), label: path, folder: nil)
            }
        }

        private static func demo() throws -> Recipe {
            let loaded = try RecipeLoader(source: TreeSource(), currentFolder: "/").load("demo-pretrain")
            return loaded.recipe
        }

        private static func finalLoss(_ recipe: Recipe) async throws -> Double {
            let fleet = try Fleet(recipe)
            #expect(try await fleet.live() == [0], "\(fleet.output())")
            return try #require(fleet.events().last { $0.kind == .validation }?.validationLoss)
        }

        @Test func theDemosModelBeatsBytePairsAndWithoutMixersItDoesNot() async throws {
            var recipe = try Self.demo()
            recipe.train.evaluateEvery = 0
            let data = try #require(recipe.data)
            let arguments = data.train.flatMap { ["--train", $0] } + data.validation.flatMap { ["--validation", $0] }
            let text = try await Spawn.output(["bigram"] + arguments)
            let report = try JSONDecoder().decode([String: Double].self, from: Data(text.utf8))
            let bigram = try #require(report["loss"])
            #expect((2.2...2.8).contains(bigram))
            #expect(try await Self.finalLoss(recipe) < bigram - 0.5)
            recipe.model?.mixersEnabled = false
            let blind = try await Self.finalLoss(recipe)
            #expect(blind > bigram)
            #expect(blind < bigram + 0.2, "the control must learn what can be learnt from one byte")
        }
    }
}
