import CMoltAssets
import FoundationEssentials
package import MoltCore
package import MoltRecipe

/// Recipes and batch-script templates by name: `$MOLT_TEMPLATES`, `~/.config/molt/templates`, the installation's
/// `share/molt/templates`, then what is embedded in the program. The first place that has a name wins.
package struct TemplateLibrary: RecipeSource {
    private let folders: [String]

    package init(folders: [String]) {
        self.folders = folders
    }

    package static func standard(
        installation: Installation?, environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> TemplateLibrary {
        var folders: [String] = []
        if let chosen = environment["MOLT_TEMPLATES"], chosen.hasPrefix("/") { folders.append(chosen) }
        let chosen = environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
        if let configuration = chosen ?? environment["HOME"].map({ $0 + "/.config" }) {
            folders.append(configuration + "/molt/templates")
        }
        if let installation { folders.append(installation.share + "/templates") }
        return TemplateLibrary(folders: folders)
    }

    // MARK: - Recipes

    package func recipe(named name: String) throws(UserError) -> NamedRecipe? {
        guard let found = try find("recipes/\(name).yaml", name: name) else { return nil }
        return NamedRecipe(bytes: found.bytes, label: found.label, folder: found.folder)
    }

    package func recipeNames() -> [String] {
        var names: Set<String> = []
        for folder in folders {
            for file in (try? FileManager.default.contentsOfDirectory(atPath: folder + "/recipes")) ?? []
            where file.hasSuffix(".yaml") && !file.hasPrefix(".") {
                names.insert(String(file.dropLast(5)))
            }
        }
        for name in EmbeddedAssets.names where name.hasPrefix("recipes/") {
            names.insert(String(name.dropFirst("recipes/".count).dropLast(".yaml".count)))
        }
        return names.sorted()
    }

    // MARK: - Scripts

    /// The text of `scripts/<name>.sbatch`.
    package func script(named name: String = "attempt") throws(UserError) -> String {
        guard let found = try find("scripts/\(name).sbatch", name: name) else {
            throw UserError("there is no script template '\(DisplayText.escaped(name, limit: 64))'")
        }
        guard let text = String(validating: found.bytes, as: UTF8.self) else {
            throw UserError("the template is not UTF-8 text", at: found.label)
        }
        return text
    }

    private struct Found {
        var bytes: [UInt8]
        var label: String
        var folder: String?
    }

    private func find(_ path: String, name: String) throws(UserError) -> Found? {
        let isSafe = !name.isEmpty && name.first != "." && name.utf8.count <= 128 && name.utf8.allSatisfy { byte in
            byte >= 0x30 && byte <= 0x39 || byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A || "._-".utf8.contains(byte)
        }
        guard isSafe else { return nil }
        for folder in folders {
            let file = "\(folder)/\(path)"
            guard FileManager.default.fileExists(atPath: file) else { continue }
            do throws(FileError) {
                let data = try DurableFile.read(file, limit: 1 << 20)
                let parent = String(file[..<(file.lastIndex(of: "/") ?? file.endIndex)])
                return Found(bytes: [UInt8](data), label: file, folder: parent)
            } catch {
                throw UserError(error.description)
            }
        }
        guard let bytes = EmbeddedAssets.bytes(path) else { return nil }
        return Found(bytes: bytes, label: "built-in \(path.split(separator: "/").last ?? "")", folder: nil)
    }
}

/// Files of `Templates/` inside the program.
enum EmbeddedAssets {
    static var names: [String] { all.map { String(cString: $0.name) } }

    static func bytes(_ name: String) -> [UInt8]? {
        guard let asset = all.first(where: { String(cString: $0.name) == name }) else { return nil }
        return Array(UnsafeBufferPointer(start: asset.bytes, count: asset.size))
    }

    private static var all: UnsafeBufferPointer<molt_asset> {
        var count = 0
        let first = molt_assets(&count)
        return UnsafeBufferPointer(start: first, count: count)
    }
}
