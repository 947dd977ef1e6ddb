import FoundationEssentials
import MoltCommands
import MoltCore
import MoltRecipe
import MoltTesting
import Testing

/// `molt data prepare --site`: the words of the command, as a recipe.
struct PrepareRecipeTests {
    private func recipe(_ words: String, out: String = "out/my tokens") throws -> Recipe {
        try PrepareRecipe(
            words.split(separator: " ").map(String.init), tokenizer: "tok/t.json", out: out, nodes: 4, in: "/home/me"
        ).recipe
    }

    @Test func everyOptionHasItsKey() throws {
        let recipe = try recipe(
            "a.jsonl /b/*.txt --validation 0.1 --deduplicate --skip-bad --min-bytes=1 --max-bytes 2 --min-tokens 3 "
                + "--max-tokens 4 --where lang=en --where=score>=0.5 --text-unit line --max-line-bytes 5 "
                + "--unit-bytes 6 --shard-tokens 7 --threads 8 -- --odd")
        #expect(recipe.task == .prepare && recipe.name == "prepare-my-tokens")
        #expect(recipe.data?.train == ["/home/me/a.jsonl", "/b/*.txt", "/home/me/--odd"])
        #expect(recipe.data?.tokenizer == "/home/me/tok/t.json")
        #expect((recipe.resources.nodes, recipe.resources.cpusPerRank) == (4, 8))
        var wanted = PrepareSection(out: "/home/me/out/my tokens")
        (wanted.validation, wanted.deduplicate, wanted.skipBad, wanted.textUnit) = (0.1, true, true, .line)
        (wanted.bytesMin, wanted.bytesMax, wanted.tokensMin, wanted.tokensMax) = (1, 2, 3, 4)
        (wanted.lineBytesMax, wanted.unitBytes, wanted.shardTokens) = (5, 6, 7)
        wanted.conditions = ["lang=en", "score>=0.5"]
        #expect(recipe.prepare == wanted)
    }

    @Test(arguments: [
        ("a --json", "--json means nothing on a site"), ("a --validation", "--validation needs a value"),
        ("a --validation 1", "from 0 to below 1"), ("a --unit-bytes x", "whole number above zero, and 'x' is none"),
        ("a --text-unit page", "file or line"), ("--deduplicate", "no file is named"),
    ])
    func whatCannotBeMeantIsRefused(words: String, expected: String) {
        let error = #expect(throws: UserError.self) { try recipe(words) }
        #expect(error?.what.contains(expected) == true, "\(error?.what ?? "")")
    }

    @Test func theRecipeIsWrittenBesideTheFolderAndReadsBack() throws {
        let folder = TemporaryFolder("recipe")
        let made = try PrepareRecipe(
            ["a.jsonl", "--where", "a: \"b\"=#1"], tokenizer: "bytes", out: "tokens", nodes: 2, in: folder.path)
        let path = try made.write()
        #expect(path == folder("tokens.yaml"))
        let text = String(decoding: try DurableFile.read(path), as: UTF8.self)
        let library = NoRecipes()
        let back = try RecipeLoader(source: library, currentFolder: folder.path).load(text: text, label: "x").recipe
        #expect(back == made.recipe)
    }
}
