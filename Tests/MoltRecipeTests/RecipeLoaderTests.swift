import FoundationEssentials
import MoltCore
import MoltRecipe
import MoltTesting
import Testing

struct RecipeLoaderTests {
    @Test func aRecipeHasEveryDefaultFilledIn() throws {
        let recipe = try RecipeFixture.load(RecipeFixture.base)
        #expect(recipe.name == "base")
        #expect(recipe.optimizer.betas == [0.9, 0.95])
        #expect(recipe.checkpoint.every == 600)
        #expect(recipe.resources.ranks == 1)
        #expect(recipe.model?.pattern.description == "M-M*-")
        #expect(recipe.data?.train == ["/here/corpus.txt"])
        #expect(recipe.workingDirectory == "/here")
        #expect(recipe.plannedSteps == 10)
    }

    @Test func laterKeysWinAndSectionsMerge() throws {
        let recipe = try RecipeFixture.load("extends: base\nmodel: {hidden_size: 64}\noptimizer: {betas: [0.8, 0.9]}")
        #expect(recipe.model?.hiddenSize == 64)
        #expect(recipe.model?.mambaHeads == 4)
        #expect(recipe.optimizer.betas == [0.8, 0.9])
        #expect(recipe.name == "r", "the name of what is extended is not taken over")
    }

    @Test func overridesComeLast() throws {
        let recipe = try RecipeFixture.load(
            RecipeFixture.base, "train.steps=25", "optimizer.betas=[0.5, 0.6]", "name=other", "model.pattern=M-",
            "environment.OMP_NUM_THREADS=2", "data.train=[a.txt, /b.txt]", "checkpoint.every=null",
            "checkpoint.every_steps=5")
        #expect(recipe.train.steps == 25)
        #expect(recipe.optimizer.betas == [0.5, 0.6])
        #expect(recipe.name == "other")
        #expect(recipe.model?.pattern.description == "M-")
        #expect(recipe.environment == ["OMP_NUM_THREADS": "2"])
        #expect(recipe.data?.train == ["/here/a.txt", "/b.txt"])
        #expect(recipe.checkpoint.every == nil)
    }

    @Test func settingTokensReplacesInheritedSteps() throws {
        let recipe = try RecipeFixture.load("extends: base", "train.tokens=200k")
        #expect(recipe.train.steps == nil)
        #expect(recipe.train.tokens == 200_000)
        #expect(recipe.plannedSteps == 196)
    }

    @Test(arguments: [
        ("resources: {time: 24:00:00}", 86400.0), ("resources: {time: 4-0}", 345_600),
        ("resources: {time: 10m}", 600), ("resources: {time: 90}", 90), ("resources: {time: \"1h30m\"}", 5400),
    ])
    func timesHaveUnits(_ text: String, _ seconds: Double) throws {
        #expect(try RecipeFixture.load("extends: base\n" + text).resources.time == seconds)
    }

    @Test(arguments: [("64G", 64 << 30), ("512MiB", 512 << 20), ("1.5T", 3 << 39), ("1000", 1000)])
    func memoryHasUnits(_ text: String, _ bytes: Int) throws {
        #expect(try RecipeFixture.load("extends: base", "resources.memory=\(text)").resources.memory == bytes)
    }

    @Test func theFrozenRecipeLoadsToItself() throws {
        let text = RecipeFixture.base + """

            init_from: ~/weights
            method: {type: lora, rank: 4, targets: [in_proj, "*.out_proj"]}
            environment: {A: "x 'y' \\"z\\" \\n $(false) é🙂", B: ""}
            resources: {time: 4-0, memory: 3G, slurm: {constraint: "a100&ib", exclusive: "true"}}
            notify: {on: [failed], command: [mail, "-s", ""]}
            """
        let loaded = try RecipeFixture.loader.load(text: text, label: "r.yaml")
        let frozen = String(decoding: try loaded.frozen(), as: UTF8.self)
        let again = try RecipeFixture.loader.load(text: frozen, label: "frozen.yaml")
        #expect(again.recipe == loaded.recipe)
        #expect(try again.frozen() == loaded.frozen())
    }

    @Test func whatShowPrintsLoadsToItself() throws {
        let text = RecipeFixture.base
            + "\nresources: {time: 4-0, memory: 3G, gpu_memory: 80G}\nenvironment: {A: \"é: 'b' # c\"}"
        let loaded = try RecipeFixture.loader.load(text: text, label: "base.yaml")
        for origins in [nil, loaded.origins] {
            let shown = try RecipeText.yaml(loaded.recipe, origins: origins)
            let again = try RecipeFixture.loader.load(text: shown, label: "base.yaml")
            #expect(again.recipe == loaded.recipe)
        }
    }

    @Test func showNamesEveryKeyAndWhereItCameFrom() throws {
        let loaded = try RecipeFixture.loader.load(
            text: "extends: base\noptimizer: {lr: 1e-3}", label: "r.yaml", overrides: ["train.seed=7"])
        let lines = try RecipeText.yaml(loaded.recipe, origins: loaded.origins).split(separator: "\n").map(String.init)
        #expect(lines.contains("  lr: 0.001  # r.yaml:2"))
        #expect(lines.contains("  seed: 7  # command line"))
        #expect(lines.contains("  hidden_size: 128  # built-in base.yaml:5"))
        #expect(lines.contains("  eps: 1e-08  # default"))
        #expect(lines.contains("  every: \"00:10:00\"  # default"))
        #expect(lines.contains("  time: null  # default"))
    }

    @Test func filesExtendFilesRelativeToThemselves() throws {
        let folder = TemporaryFolder("recipe")
        try FileManager.default.createDirectory(atPath: folder("team"), withIntermediateDirectories: true)
        try Data("extends: base\ndata: {train: shared.txt}".utf8).write(to: URL(filePath: folder("team/common.yaml")))
        try Data("extends: team/common.yaml\ntrain: {seed: 3}".utf8).write(to: URL(filePath: folder("mine.yaml")))
        let loader = RecipeLoader(source: FakeRecipes(texts: ["base": RecipeFixture.base]), currentFolder: folder.path)
        let loaded = try loader.load("mine.yaml")
        #expect(loaded.recipe.name == "mine")
        #expect(loaded.recipe.data?.train == [folder("team/shared.txt")], "a path belongs to the file that names it")
        #expect(loaded.files == ["built-in base.yaml", "team/common.yaml", "mine.yaml"])
    }

    @Test func recipesThatExtendEachOtherAreRefused() {
        let loader = RecipeLoader(
            source: FakeRecipes(texts: ["a": "extends: b", "b": "extends: c", "c": "extends: a"]), currentFolder: "/")
        #expect(throws: RecipeErrors.self) { try loader.load("a") }
        do throws(RecipeErrors) {
            _ = try loader.load("a")
        } catch {
            #expect(error.description.contains("in a circle"))
            #expect(error.description.contains("built-in a.yaml → built-in b.yaml"))
        }
    }

    @Test func aMisspeltNameSuggestsTheNearest() {
        let loader = RecipeLoader(source: FakeRecipes(texts: ["mamba2-130m": ""]), currentFolder: "/")
        do throws(RecipeErrors) {
            _ = try loader.load("mamba-130m")
            Issue.record("loaded a recipe that does not exist")
        } catch {
            #expect(error.description.contains("did you mean 'mamba2-130m'?"))
        }
    }

    @Test func aRunIDStaysAndAPathIsResolved() throws {
        #expect(try RecipeFixture.load("extends: base", "init_from=abcd1234").initFrom == "abcd1234")
        #expect(try RecipeFixture.load("extends: base", "init_from=models/x").initFrom == "/here/models/x")
        #expect(try RecipeFixture.load("extends: base", "init_from=/models/../x").initFrom == "/x")
    }

    @Test func everyBuiltInRecipeWithoutDataIsIncompleteButReadable() throws {
        let text = "task: pretrain\nmodel: {pattern: M, hidden_size: 64, mamba_heads: 2}"
        #expect(RecipeFixture.complaints(text).count == 2)
        let loaded = try RecipeFixture.loader.load(text: text, label: "x.yaml", isComplete: false)
        #expect(loaded.recipe.model?.hiddenSize == 64)
    }
}
