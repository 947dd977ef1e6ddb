import FoundationEssentials
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// A recipe with every default filled in, and where each of its values came from.
package struct LoadedRecipe: Hashable, Sendable {
    package var recipe: Recipe
    /// The place of every key that was written somewhere, by its dotted path; the others are defaults.
    package var origins: [String: Place]
    /// The files (and built-in recipes) it was made from, the base first.
    package var files: [String]
    /// Those of them that somebody else may have written.
    package var foreign: [ForeignFile]

    /// What is stored in the run folder: JSON with sorted keys, which is YAML too.
    package func frozen() throws -> [UInt8] {
        [UInt8](try JSONFile.encode(recipe))
    }
}

/// Reads recipes: a built-in name or a file, with what it extends and the overrides of the command line.
///
///     let loader = RecipeLoader(source: TemplateLibrary.standard(), currentFolder: folder)
///     let loaded = try loader.load("finetune.yaml", overrides: ["train.steps=100"])
///
/// All errors of a recipe are reported together (`RecipeErrors`), each with file, line, key and remedy.
package struct RecipeLoader: Sendable {
    private let source: any RecipeSource
    private let currentFolder: String
    private let ownership: Ownership

    package init(source: any RecipeSource, currentFolder: String, ownership: Ownership = Ownership()) {
        self.source = source
        self.currentFolder = currentFolder
        self.ownership = ownership
    }

    /// - Parameters:
    ///   - nameOrPath: a built-in recipe's name, or a file.
    ///   - overrides: `a.b.c=value`, applied in order after the file.
    ///   - isComplete: false for a recipe that others extend: its data, weights or length may be missing.
    package func load(
        _ nameOrPath: String, overrides: [String] = [], isComplete: Bool = true
    ) throws(RecipeErrors) -> LoadedRecipe {
        let document = try caught { () throws(UserError) in
            try find(nameOrPath, from: currentFolder, referrer: nil)
        }
        return try load(document, overrides: overrides, isComplete: isComplete)
    }

    /// Reads a recipe that is not in a file (sent over the API, or made by a test).
    package func load(
        text: String, label: String, overrides: [String] = [], isComplete: Bool = true
    ) throws(RecipeErrors) -> LoadedRecipe {
        let document = Document(
            identity: label, bytes: Array(text.utf8), place: Place(file: label, folder: currentFolder),
            baseName: Self.baseName(label))
        return try load(document, overrides: overrides, isComplete: isComplete)
    }

    // MARK: - From documents to a recipe

    private struct Document {
        var identity: String
        var bytes: [UInt8]
        var place: Place
        var baseName: String
        var foreign: ForeignFile?
    }

    private func load(
        _ document: Document, overrides: [String], isComplete: Bool
    ) throws(RecipeErrors) -> LoadedRecipe {
        var files: [String] = [], foreign: [ForeignFile] = []
        var tree = try caught { () throws(UserError) in
            try resolve(document, chain: [], files: &files, foreign: &foreign)
        }
        tree = try caught { () throws(UserError) in
            try applied(overrides, to: tree)
        }
        let problems = ProblemList()
        let recipe = Recipe.read(
            tree, defaultName: document.baseName, currentFolder: currentFolder, problems: problems)
        RecipeCheck(recipe: recipe, problems: problems, isComplete: isComplete).run()
        guard problems.problems.isEmpty else { throw problems.errors() }
        return LoadedRecipe(recipe: recipe, origins: problems.origins, files: files, foreign: foreign)
    }

    /// The document laid over everything it extends.
    private func resolve(
        _ document: Document, chain: [String], files: inout [String], foreign: inout [ForeignFile]
    ) throws(UserError) -> YAMLTree {
        if let file = document.foreign { foreign.append(file) }
        let tree = try YAMLTree.parse(bytes: document.bytes, place: document.place)
        guard tree.entries != nil else {
            throw UserError("a recipe is a section of 'key: value', found \(tree.shown)", at: document.place.file)
        }
        guard let base = tree["extends"], !base.isNull else {
            files.append(document.place.file)
            return tree.without("extends")
        }
        guard case .scalar(let name, _) = base.value else {
            throw UserError("expected a recipe's name or file, found \(base.shown)", at: "\(base.place): extends")
        }
        let chain = chain + [document.identity]
        let parent = try find(name, from: document.place.folder, referrer: base.place)
        guard !chain.contains(parent.identity) else {
            let loop = (chain.drop { $0 != parent.identity } + [parent.identity]).joined(separator: " → ")
            throw UserError("recipes extend each other in a circle: \(loop)", at: "\(base.place): extends")
        }
        guard chain.count < Limits.extendsDepth else {
            throw UserError("more than \(Limits.extendsDepth) recipes extend each other", at: "\(base.place): extends")
        }
        // The name belongs to the outermost recipe: what extends mamba2-130m is not called so.
        let lower = try resolve(parent, chain: chain, files: &files, foreign: &foreign).without("name")
        files.append(document.place.file)
        return lower.merged(with: tree.without("extends"))
    }

    private func applied(_ overrides: [String], to tree: YAMLTree) throws(UserError) -> YAMLTree {
        guard overrides.count <= Limits.overrides else {
            throw UserError("\(overrides.count) overrides; at most \(Limits.overrides) are allowed", at: Override.file)
        }
        var result = tree
        for text in overrides {
            result = result.merged(with: try Override.parse(text, folder: currentFolder))
        }
        return result
    }

    // MARK: - Finding documents

    private func find(_ name: String, from folder: String, referrer: Place?) throws(UserError) -> Document {
        let shown = DisplayText.escaped(name, limit: 200)
        let location = referrer.map { "\($0): extends" }
        guard !name.isEmpty, !name.utf8.contains(0) else {
            throw UserError("the recipe's name is empty", at: location)
        }
        let isPath = name.contains("/") || name.hasSuffix(".yaml") || name.hasSuffix(".yml")
        if !isPath, let known = try source.recipe(named: name) {
            let place = Place(file: known.label, line: nil, folder: known.folder ?? currentFolder)
            return Document(identity: known.label, bytes: known.bytes, place: place, baseName: name)
        }
        for candidate in isPath ? [name] : [name, name + ".yaml"] {
            if let document = try file(candidate, from: folder, location: location) { return document }
        }
        if isPath { throw UserError("there is no recipe file \(shown)", at: location) }
        let names = source.recipeNames()
        let fix = NearestKey.of(name, among: names).map { "did you mean '\($0)'?" }
            ?? (names.isEmpty ? nil : "built-in recipes: \(names.joined(separator: ", "))")
        throw UserError("there is no recipe '\(shown)', neither built in nor as a file", at: location, fix: fix)
    }

    /// Nil when there is no such file.
    private func file(_ name: String, from folder: String, location: String?) throws(UserError) -> Document? {
        let path = Paths.resolve(name, in: folder)
        do throws(FileError) {
            let (data, foreign) = try read(path)
            let label = folder == currentFolder ? name : path
            let place = Place(file: label, folder: String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
            return Document(
                identity: path, bytes: [UInt8](data), place: place, baseName: Self.baseName(path), foreign: foreign)
        } catch {
            if error.code == ENOENT || error.code == ENOTDIR || error.code == EISDIR { return nil }
            if error.code == EFBIG {
                throw UserError("\(path) is too large for a recipe (over \(Limits.fileBytes) bytes)", at: location)
            }
            throw UserError(error.description, at: location)
        }
    }

    /// Whose it is, is asked of the very file that is read: another may have its name a moment later.
    private func read(_ path: String) throws(FileError) -> (Data, ForeignFile?) {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw FileError("open", path) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw FileError("read", path) }
        let data: Data
        do throws(FileError) {
            data = try DurableFile.read("/proc/self/fd/\(file)", limit: Limits.fileBytes + 1)
        } catch {
            throw FileError(error.operation, path, code: error.code)
        }
        let owner = ownership.owner(path, status.st_uid), isOpen = status.st_mode & S_IWOTH != 0
        guard ownership.isForeign(owner, isOpen: isOpen) else { return (data, nil) }
        let sha256 = Ownership.sha256([UInt8](data))
        return (data, ForeignFile(role: .recipe, path: path, owner: owner, isOpen: isOpen, sha256: sha256))
    }

    /// A file's name as a run's name: what does not belong into one becomes a dash.
    private static func baseName(_ path: String) -> String {
        var name = path.split(separator: "/").last.map(String.init) ?? "run"
        for suffix in [".yaml", ".yml", ".json"] where name.hasSuffix(suffix) { name.removeLast(suffix.count) }
        let safe = name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) ? $0 : "-" }
        let trimmed = safe.drop { $0 == "." || $0 == "-" }.prefix(RunName.lengthMax)
        return trimmed.isEmpty ? "run" : String(trimmed)
    }

    private func caught<Value>(_ body: () throws(UserError) -> Value) throws(RecipeErrors) -> Value {
        do throws(UserError) {
            return try body()
        } catch {
            throw RecipeErrors([RecipeProblem(error)])
        }
    }
}
