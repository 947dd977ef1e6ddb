import MoltRecipe
import Testing

/// Made sequences take the place of `data.train`.
struct SyntheticSectionTests {
    @Test func aRecipeWithMadeSequencesNeedsNoFiles() throws {
        let recipe = try RecipeFixture.load(
            "extends: base\ndata: {train: [], synthetic: {task: recall, size: [4, 16], keys: 32, queries: 16}}")
        let section = try #require(recipe.data?.synthetic)
        #expect(section.range == 4...16)
        #expect((section.keys, section.values, section.queries, section.digits) == (32, 64, 16, 10))
        #expect(recipe.data?.train == [])
        let book = try RecipeFixture.load("extends: base\ndata: {train: [], synthetic: {task: phone-book, size: 7}}")
        #expect(book.data?.synthetic?.range == 7...7)
        #expect(book.data?.synthetic?.task == .phoneBook)
    }

    @Test func withoutThemTheFilesAreNeeded() {
        #expect(RecipeFixture.complaints("extends: base\ndata: {train: []}").contains { $0.contains("data.train") })
    }
}
