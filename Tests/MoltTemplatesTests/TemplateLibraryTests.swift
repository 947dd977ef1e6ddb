import FoundationEssentials
import MoltCore
import MoltRecipe
import MoltTemplates
import MoltTesting
import Testing

struct TemplateLibraryTests {
    static let library = TemplateLibrary(folders: [])
    static let folder = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/Templates"

    @Test func everyFileOfTheFolderIsEmbedded() throws {
        let files = try FileManager.default.subpathsOfDirectory(atPath: Self.folder).sorted()
        let recipes = files.filter { $0.hasPrefix("recipes/") && $0.hasSuffix(".yaml") }
        #expect(recipes.map { String($0.dropFirst(8).dropLast(5)) }.sorted() == Self.library.recipeNames())
        for name in Self.library.recipeNames() {
            let embedded = try #require(try Self.library.recipe(named: name))
            let onDisk = try #require(FileManager.default.contents(atPath: "\(Self.folder)/recipes/\(name).yaml"))
            #expect(embedded.bytes == [UInt8](onDisk))
        }
        for file in files where file.hasPrefix("scripts/") && file.hasSuffix(".sbatch") {
            let text = try Self.library.script(named: String(file.dropFirst(8).dropLast(7)))
            let onDisk = try #require(FileManager.default.contents(atPath: "\(Self.folder)/\(file)"))
            #expect(Array(text.utf8) == [UInt8](onDisk))
        }
    }

    @Test(arguments: library.recipeNames())
    func everyBuiltInRecipeLoadsUnderItsOwnName(_ name: String) throws {
        let loaded = try RecipeLoader(source: Self.library, currentFolder: "/x").load(name, isComplete: false)
        #expect(loaded.recipe.name == name)
        // Those for every family take the model from init_from.
        #expect((loaded.recipe.model == nil) == ["lora", "dpo"].contains(name))
    }

    @Test func theFirstFolderWins() throws {
        let folder = TemporaryFolder("templates")
        try FileManager.default.createDirectory(atPath: folder("recipes"), withIntermediateDirectories: true)
        try Data("mine: true".utf8).write(to: URL(filePath: folder("recipes/hybrid-tiny.yaml")))
        try Data("extra: true".utf8).write(to: URL(filePath: folder("recipes/extra.yaml")))
        let library = TemplateLibrary(folders: [folder.path])
        let found = try #require(try library.recipe(named: "hybrid-tiny"))
        #expect(found.label == folder("recipes/hybrid-tiny.yaml"))
        #expect(library.recipeNames().contains("extra"))
        #expect(library.recipeNames().contains("mamba2-130m"))
    }

    /// Covers J5.
    @Test(arguments: ["../etc/passwd", "", ".hidden", "a/b", "a b", "no-such-recipe"])
    func strangeNamesFindNothing(_ name: String) throws {
        #expect(try Self.library.recipe(named: name) == nil)
    }

    @Test func theSearchPathFollowsTheEnvironment() throws {
        let folder = TemporaryFolder("templates")
        try FileManager.default.createDirectory(atPath: folder("recipes"), withIntermediateDirectories: true)
        try Data("mine: true".utf8).write(to: URL(filePath: folder("recipes/mine.yaml")))
        let library = TemplateLibrary.standard(installation: nil, environment: ["MOLT_TEMPLATES": folder.path])
        #expect(library.recipeNames().contains("mine"))
    }
}
