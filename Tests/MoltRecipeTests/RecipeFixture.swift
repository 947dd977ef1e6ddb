import MoltCore
import MoltRecipe

/// Recipes in memory, by name.
struct FakeRecipes: RecipeSource {
    var texts: [String: String]

    func recipe(named name: String) throws(UserError) -> NamedRecipe? {
        texts[name].map { NamedRecipe(bytes: Array($0.utf8), label: "built-in \(name).yaml", folder: nil) }
    }

    func recipeNames() -> [String] { texts.keys.sorted() }
}

enum RecipeFixture {
    static let base = """
        name: base
        task: pretrain
        model:
          pattern: M-M*-
          hidden_size: 128
          mamba_heads: 4
          attention_heads: 4
          kv_heads: 2
          ffn_size: 256
        data: {train: corpus.txt, sequence_length: 128}
        train: {steps: 10, global_batch: 8, micro_batch: 2}
        """

    static let loader = RecipeLoader(source: FakeRecipes(texts: ["base": base]), currentFolder: "/here")

    static func load(_ text: String, _ overrides: String...) throws(RecipeErrors) -> Recipe {
        try loader.load(text: text, label: "r.yaml", overrides: overrides).recipe
    }

    /// What the loader says about a recipe that it refuses; empty when it takes it.
    static func complaints(_ text: String, _ overrides: String...) -> [String] {
        do throws(RecipeErrors) {
            _ = try loader.load(text: text, label: "r.yaml", overrides: overrides)
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }
}
