import FoundationEssentials
import MoltCore
import MoltRecipe
import MoltTesting
import Testing

/// What is said of secrets before anything is submitted.
struct SecretWarningTests {
    private func site(_ more: String = "") throws -> Site {
        let folder = TemporaryFolder("sites")
        try DurableFile.write(
            Data("kind: slurm\nprefix: /p\nruns: /r\n\(more)".utf8), to: folder("there.yaml"))
        return try SiteLoader(folders: [folder.path], home: "/home/ada/.molt", prefix: "/opt/molt").load("there")
    }

    private func recipe(_ more: String) throws -> Recipe {
        try RecipeFixture.load("task: command\ncommand: [run]\n" + more)
    }

    /// Covers J10.
    @Test func secretsThatStandWhereOthersSeeThemAreNamedAndNotRepeated() throws {
        let recipe = try recipe("""
            environment: {HF_TOKEN: canary-1, PLAIN: x, OTHER: hf_canary2canary2canary2, FINE_TOKEN: "secret://fine"}
            notify: {command: [tell, --password, canary-3]}
            """)
        var told = SecretWarnings.warnings(
            recipe, site: try site("env: {API_KEY: canary-4}\nsetup: [module load x, export DB_PASSWORD=canary-5]"))
        #expect(told.count == 5, "\(told)")
        #expect(!told.contains { $0.contains("canary") }, "\(told)")
        for place in ["environment.HF_TOKEN", "environment.OTHER", "env.API_KEY", "notify.command", "line 2 of setup"] {
            told.removeAll { $0.contains(place) }
        }
        #expect(told.isEmpty, "\(told)")
        #expect(SecretWarnings.warnings(try self.recipe(""), site: try site("setup: [module load x]")).isEmpty)
    }

    @Test func argumentsThatLookLikeSecretsAreNamed() throws {
        let recipe = try RecipeFixture.load("task: command\ncommand: [run, --lr=0.1, --api-key=canary-6]")
        let told = SecretWarnings.warnings(recipe, site: try site())
        #expect(told.count == 1 && told[0].contains("argument 2") && !told[0].contains("canary"), "\(told)")
    }

    @Test func secretsThatCannotBeReadAreRefusedAtTheirLine() throws {
        let folder = TemporaryFolder("home")
        try DurableFile.makeFolder(folder(".config/molt/secrets"))
        try DurableFile.write(Data("https://x/y".utf8), to: folder(".config/molt/secrets/hook"))
        try DurableFile.write(Data("no address".utf8), to: folder(".config/molt/secrets/words"))
        func problems(_ more: String, _ site: String = "") throws -> [String] {
            SecretWarnings.problems(try recipe(more), site: try self.site(site), home: folder.path).map(\.description)
        }
        #expect(try problems("environment: {A: secret://words}\nnotify: {webhook: secret://hook}").isEmpty)
        let missing = try problems("environment: {A: secret://gone}", "env: {B: secret://too}")
        #expect(missing.count == 2 && missing[0].contains("environment.A") && missing[0].contains("chmod 600"))
        let words = try problems("notify: {webhook: secret://words}")
        #expect(words.count == 1 && words[0].contains("not a web address") && !words[0].contains("no address"))
    }

    @Test(arguments: [
        ("environment.A=x", "environment.A=…"), ("environment={A: x}", "environment=…"),
        ("notify.webhook=x", "notify.webhook=…"),
        ("command=[a, b]", "command=…"), ("train.steps=5", "train.steps=5"), ("environment", "environment"),
        ("environmental=5", "environmental=5"),
    ])
    func theStoryOfAChangeHoldsNoSecret(_ change: String, _ told: String) {
        #expect(SecretWarnings.told(change) == told)
    }
}
