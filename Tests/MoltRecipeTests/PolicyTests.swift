import FoundationEssentials
import MoltCore
import MoltRecipe
import Testing

/// How much failure a recipe bears, and how much a site lets it.
struct PolicyTests {
    @Test func everyPolicyIsReadAndHasADefault() throws {
        let recipe = try RecipeFixture.load(
            """
            extends: base
            policy: {max_crashes: 5, max_repeats: 3, max_faults: 20, max_fruitless: 4, back_off: 10s, back_off_max: 1h,
                     on_nan: skip, rollback_checkpoints: 2, max_skips: 7, max_total: 7d}
            """)
        var expected = PolicySection()
        #expect(try RecipeFixture.load("extends: base").policy == expected)
        expected.maxCrashes = 5
        expected.maxRepeats = 3
        expected.maxFaults = 20
        expected.maxFruitless = 4
        expected.backOff = 10
        expected.backOffMax = 3600
        expected.onNaN = .skip
        expected.rollBackCheckpoints = 2
        expected.maxSkips = 7
        expected.maxTotal = 604_800
        #expect(recipe.policy == expected)
    }

    @Test func everyPolicyIsShown() throws {
        let text = try RecipeText.yaml(RecipeFixture.load("extends: base"))
        let expected = """
            policy:
              max_crashes: 3
              max_repeats: 2
              max_faults: 8
              max_fruitless: 3
              back_off: "00:00:05"
              back_off_max: "00:05:00"
              on_nan: stop
              rollback_checkpoints: 1
              max_skips: 3
              max_total: null
            """
        #expect(text.contains(expected), "\(text)")
    }

    @Test(arguments: [
        ("max_repeats: 0", "at least 1"), ("max_crash: 1", "did you mean 'max_crashes'?"),
        ("on_nan: rolback", "'rollback'"), ("back_off: soon", "10m"), ("rollback_checkpoints: 0", "at least 1"),
    ])
    func aWrongPolicyIsNamed(_ line: String, _ says: String) {
        let complaints = RecipeFixture.complaints("extends: base\npolicy: {\(line)}")
        #expect(complaints.count == 1 && complaints[0].contains(says), "\(complaints)")
    }

    /// The daemon may be newer than the recipe it froze.
    @Test func aRecipeFrozenByAnOlderVersionIsRead() throws {
        let policy = try JSONDecoder().decode(
            PolicySection.self, from: Data(#"{"max_crashes":7,"on_nan":"rollback"}"#.utf8))
        #expect(policy.maxCrashes == 7 && policy.onNaN == .rollback && policy.maxRepeats == 2)
    }
}
