import FoundationEssentials
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// Looks at the files that a recipe names, on the machine where it is submitted.
package enum DataFiles {
    /// What is missing, empty or unreadable, and a tokenizer that is larger than the model: each is an error before
    /// anything is queued.
    ///
    /// - Parameter origins: from `LoadedRecipe`, to name file and line.
    package static func problems(_ recipe: Recipe, origins: [String: Place] = [:]) -> [RecipeProblem] {
        var found: [RecipeProblem] = []
        func check(_ key: String, _ paths: [String]) {
            for path in paths {
                if let what = problem(path) { found.append(RecipeProblem(what, at: origins[key], key: key)) }
            }
        }
        check("data.train", recipe.data?.train ?? [])
        check("data.validation", recipe.data?.validation ?? [])
        if let tokenizer = recipe.data?.tokenizer, tokenizer != "bytes" { check("data.tokenizer", [tokenizer]) }
        if let template = recipe.data?.chatTemplate, template != "plain" { check("data.chat_template", [template]) }
        if let file = recipe.generation?.promptsFile { check("generation.prompts_file", [file]) }
        for (key, path) in [("generation.out", recipe.generation?.out), ("conversion.out", recipe.conversion?.out)] {
            guard let path, FileManager.default.fileExists(atPath: path) else { continue }
            let what = "\(DisplayText.escaped(path, limit: 300)) is there already"
            found.append(RecipeProblem(what, at: origins[key], key: key, fix: "name another place, or remove it"))
        }
        if let start = recipe.initFrom, start.hasPrefix("/") {
            let folder = StartCheck.folder(start)
            check("init_from", [folder])
            if found.isEmpty, let problem = StartCheck.problem(recipe, folder: folder, origins: origins) {
                found.append(problem)
            }
        }
        if found.isEmpty, let problem = SourceTokenizer.problem(recipe, origins: origins) { found.append(problem) }
        if found.isEmpty, let problem = TokenizerCheck.problem(recipe, origins: origins) { found.append(problem) }
        return found
    }

    private static func problem(_ path: String) -> String? {
        let shown = DisplayText.escaped(path, limit: 300)
        let files = matches(path)
        guard !files.isEmpty else {
            return isPattern(path) ? "no file matches \(shown)" : "there is no file \(shown)"
        }
        for file in files {
            var info = stat()
            guard stat(file, &info) == 0 else { return "cannot look at \(shown): \(String(cString: strerror(errno)))" }
            guard access(file, R_OK) == 0 else { return "may not read \(shown)" }
            if info.st_mode & S_IFMT == S_IFREG, info.st_size == 0 { return "the file \(shown) is empty" }
            if info.st_mode & S_IFMT == S_IFDIR, isEmptyFolder(file) { return "the folder \(shown) is empty" }
        }
        return nil
    }

    private static func isEmptyFolder(_ path: String) -> Bool {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).isEmpty
    }

    static func isPattern(_ path: String) -> Bool {
        path.contains { "*?[".contains($0) }
    }

    /// The files that a path or a pattern means.
    static func matches(_ path: String) -> [String] {
        if FileManager.default.fileExists(atPath: path) { return [path] }
        guard isPattern(path) else { return [] }
        var result = glob_t()
        defer { globfree(&result) }
        guard glob(path, 0, nil, &result) == 0 else { return [] }
        return (0..<Int(result.gl_pathc)).compactMap { result.gl_pathv[$0].map { String(cString: $0) } }
    }
}
