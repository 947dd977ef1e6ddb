import FoundationEssentials
import MoltCore
import MoltRecipe
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// What of a recipe somebody else may have written.
struct ForeignFileTests {
    private let folder = TemporaryFolder("foreign")
    private let me: UInt32 = 1000

    /// Files below `theirs` belong to another user, below `roots` to root.
    private var ownership: Ownership {
        Ownership(user: me) { path, _ in path.contains("/theirs/") ? 2000 : path.contains("/roots/") ? 0 : 1000 }
    }

    private func write(_ text: String, to name: String, mode: mode_t = 0o644) throws {
        let path = folder(name)
        try DurableFile.makeFolder(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
        try DurableFile.write(Data(text.utf8), to: path)
        chmod(path, mode)
    }

    private func load(_ name: String) throws -> LoadedRecipe {
        try RecipeLoader(source: NoRecipes(), currentFolder: folder.path, ownership: ownership).load(name)
    }

    @Test func aRecipeOrItsBaseOfAnotherUserIsForeignAndRootsIsNot() throws {
        let text = "task: command\ncommand: [\"true\"]\n"
        for name in ["mine.yaml", "roots/r.yaml", "theirs/r.yaml"] { try write(text, to: name) }
        try write("extends: theirs/r.yaml\nname: x\n", to: "mine2.yaml")
        try write("extends: ../mine.yaml\nname: x\n", to: "theirs/r2.yaml")
        try write(text, to: "open.yaml", mode: 0o666)
        try write(text, to: "group.yaml", mode: 0o664)
        for (name, foreign) in [
            ("mine.yaml", []), ("roots/r.yaml", []), ("group.yaml", []), ("theirs/r.yaml", ["theirs/r.yaml"]),
            ("mine2.yaml", ["theirs/r.yaml"]), ("theirs/r2.yaml", ["theirs/r2.yaml"]), ("open.yaml", ["open.yaml"]),
        ] {
            let found = try load(name).foreign
            #expect(found.map(\.path) == foreign.map { folder($0) }, "\(name)")
            #expect(found.allSatisfy { $0.role == .recipe && $0.sha256.count == 64 })
            #expect(found.allSatisfy { $0.isOpen == (name == "open.yaml") })
        }
    }

    @Test func aProgramOfAnotherUserIsForeignWhereverItStandsInTheCommand() throws {
        for name in ["theirs/tool", "mine/tool"] { try write("#!/bin/sh\n", to: name, mode: 0o755) }
        // Everybody may write to it.
        try write("#!/bin/sh\n", to: "loose", mode: 0o777)
        var recipe = Recipe(name: "x", task: .command)
        for (command, foreign) in [
            (["sh", "-c", "true"], 0), ([folder("mine/tool")], 0), ([folder("theirs/tool")], 1),
            (["bash", "theirs/tool", "mine/tool"], 1), (["./theirs/../theirs/tool"], 1), (["theirs/none"], 0),
            (["/dev/null", "theirs"], 0), (["sh", "loose"], 1), (["loose"], 0), (["sh", ""], 0),
        ] {
            recipe.command = command
            #expect(ownership.programs(of: recipe, in: folder.path).count == foreign, "\(command)")
        }
        recipe.command = nil
        recipe.notify.command = [folder("theirs/tool")]
        #expect(ownership.programs(of: recipe, in: folder.path).map(\.role) == [.program])
    }

    @Test func theHashIsOfWhatOthersWroteAndOfNothingElse() throws {
        try write("task: command\ncommand: [theirs/tool]\n", to: "theirs/r.yaml")
        try write("#!/bin/sh\n", to: "theirs/tool", mode: 0o755)
        let hash = { () throws in
            let loaded = try self.load("theirs/r.yaml")
            return Ownership.hash(of: loaded.foreign + ownership.programs(of: loaded.recipe, in: folder.path))
        }
        let first = try hash()
        #expect(try hash() == first)
        try write("#!/bin/sh\n:\n", to: "theirs/tool", mode: 0o755)
        let second = try hash()
        #expect(second != first)
        try write("# \ntask: command\ncommand: [theirs/tool]\n", to: "theirs/r.yaml")
        #expect(try hash() != second)
        let own = try RecipeLoader(source: NoRecipes(), currentFolder: folder.path, ownership: ownership)
            .load("theirs/r.yaml", overrides: ["resources.nodes=2"])
        #expect(Ownership.hash(of: own.foreign) == Ownership.hash(of: try load("theirs/r.yaml").foreign))
    }
}
