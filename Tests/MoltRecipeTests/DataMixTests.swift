import FoundationEssentials
import MoltCore
import MoltRecipe
import Testing

/// `data.train` as a blend and as phases, and `task: prepare`.
struct DataMixTests {
    private static let phases = """
        extends: base
        data:
          phases:
            - {until: 60%, blend: [{path: web, weight: 59}, {path: /code, weight: 20.5}]}
            - {until: 380B, blend: [{path: /code, weight: 1}]}
            - {blend: [{path: math, weight: 1}]}
        """

    @Test func aBlendNamesPathsAndWeights() throws {
        let recipe = try RecipeFixture.load(
            "extends: base\ndata: {train: [{path: web, weight: 3}, {path: /code, weight: 0.5}]}")
        #expect(recipe.data?.train == ["/here/web", "/code"])
        #expect(recipe.data?.blend == [.init(path: "/here/web", weight: 3), .init(path: "/code", weight: 0.5)])
    }

    @Test func phasesTakeThePlaceOfTrain() throws {
        let data = try #require(try RecipeFixture.load(Self.phases).data)
        #expect(data.train == ["/here/web", "/code", "/here/math"])
        #expect(data.phases?.map(\.until) == [.share(0.6), .tokens(380_000_000_000), nil])
        #expect(data.phases?[0].blend.last == BlendPart(path: "/code", weight: 20.5))
        #expect(data.blend == nil)
    }

    @Test(arguments: [
        "extends: base", "extends: base\ndata: {train: [{path: a, weight: 2}], packing: best_fit}", phases,
    ])
    func whatIsFrozenOrPrintedReadsBackTheSame(text: String) throws {
        let recipe = try RecipeFixture.load(text)
        #expect(try JSONDecoder().decode(Recipe.self, from: JSONFile.encode(recipe)) == recipe)
        #expect(try RecipeFixture.load(RecipeText.yaml(recipe)) == recipe)
    }

    @Test func aRecipeFrozenByAnEarlierVersionIsRead() throws {
        let old = #"{"train": ["/a"], "validation": [], "tokenizer": "bytes", "sequence_length": 8, "packing": false}"#
        let data = try JSONDecoder().decode(DataSection.self, from: Data(old.utf8))
        #expect(data.train == ["/a"] && data.packing == .apart && data.sequenceLength == 8 && data.blend == nil)
    }

    @Test(arguments: [
        ("train: [{path: a, weight: 0}]", "a weight above 0"), ("train: [{path: a}]", "expected {path: …, weight: …}"),
        ("train: [{path: a, weight: 1, x: 2}]", "found the key 'x'"),
        ("train: [a, {path: a, weight: 1}]", "expected {path: …, weight: …}, found 'a'"),
        ("phases: [{until: 60%, blend: [{path: a, weight: 1}]}]", "the last phase has an end"),
        (
            "phases: [{until: 60%, blend: [{path: a, weight: 1}]}, {until: 50%, blend: [{path: a, weight: 1}]}, "
                + "{blend: [{path: a, weight: 1}]}]", "phase 2 ends before the one before it"
        ),
        ("phases: [{until: soon, blend: [{path: a, weight: 1}]}]", "expected an end like 60%"),
        ("phases: [{blend: [{path: a, weight: 1}]}, {blend: [{path: a, weight: 1}]}]", "phase 1 has no 'until'"),
        ("phases: []", "there are no phases"), ("packing: tight", "expected true, false or best_fit"),
    ])
    func slipsAreNamed(data: String, expected: String) {
        let complaints = RecipeFixture.complaints("extends: base\ndata: {\(data)}").joined(separator: "\n")
        #expect(complaints.contains(expected), "\(complaints)")
        #expect(complaints.contains("r.yaml:2"), "\(complaints)")
    }

    @Test func preparingNeedsAFolderToMake() throws {
        let recipe = try RecipeFixture.load(
            "task: prepare\ndata: {train: a.jsonl}\nprepare: {out: tokens, deduplicate: true, where: [lang=en]}")
        #expect(recipe.prepare?.out == "/here/tokens")
        #expect(recipe.prepare?.conditions == ["lang=en"])
        #expect(try JSONDecoder().decode(Recipe.self, from: JSONFile.encode(recipe)) == recipe)
        #expect(try RecipeFixture.load(RecipeText.yaml(recipe)) == recipe)
        let without = RecipeFixture.complaints("task: prepare\ndata: {train: a.jsonl}")
        #expect(without.joined().contains("needs to know where to"))
    }
}
