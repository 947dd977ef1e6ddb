import FoundationEssentials
import MoltCore

/// Reads the descriptions of places to run: `~/.config/molt/sites/<name>.yaml`, then the installation's
/// `etc/sites/<name>.yaml`; the site `local` exists without a file.
package struct SiteLoader: Sendable {
    private let folders: [String]
    private let home: String
    private let prefix: String
    private let environment: [String: String]

    /// - Parameters:
    ///   - folders: folders of site files, searched in order.
    ///   - home: `$MOLT_HOME`, below which the local site keeps its run folders.
    ///   - prefix: the installation that the local site runs, without the version.
    package init(
        folders: [String], home: String, prefix: String,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) {
        self.folders = folders
        self.home = home
        self.prefix = prefix
        self.environment = environment
    }

    /// The user's folder and the installation's.
    ///
    /// - Parameter installation: `<prefix>/<version>`, from which the running program was started.
    package static func standard(
        home: String, installation: String, environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> SiteLoader {
        let userHome = environment["HOME"] ?? "/"
        let chosen = environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
        let configuration = chosen ?? userHome + "/.config"
        let parent = Paths.resolve("..", in: installation)
        return SiteLoader(
            folders: [
                "\(configuration)/molt/sites", "\(installation)/etc/sites", "\(parent)/etc/sites",
            ],
            home: home, prefix: parent, environment: environment)
    }

    /// Names of all sites, `local` first.
    package func names() -> [String] {
        var found: Set<String> = []
        for folder in folders {
            for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            where name.hasSuffix(".yaml") && !name.hasPrefix(".") {
                found.insert(String(name.dropLast(5)))
            }
        }
        found.remove("local")
        return ["local"] + found.sorted()
    }

    package func load(_ name: String) throws(RecipeErrors) -> Site {
        let shown = DisplayText.escaped(name, limit: 64)
        do throws(UserError) {
            try RunName.check(name)
        } catch {
            throw RecipeErrors([RecipeProblem("'\(shown)' is not a site's name", at: nil, key: "")])
        }
        for folder in folders {
            let path = "\(folder)/\(name).yaml"
            guard FileManager.default.fileExists(atPath: path) else { continue }
            return try load(path: path, name: name)
        }
        if name == "local" { return builtInLocal() }
        let nearest = NearestKey.of(name, among: names()).map { "; did you mean '\($0)'?" } ?? ""
        throw RecipeErrors([
            RecipeProblem(
                "there is no site '\(shown)'\(nearest)", at: nil, key: "",
                fix: "write \(folders.first ?? "~/.config/molt/sites")/\(shown).yaml")
        ])
    }

    package func load(path: String, name: String) throws(RecipeErrors) -> Site {
        let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        let place = Place(file: path, folder: folder)
        let tree: YAMLTree
        do {
            let data = try DurableFile.read(path, limit: Limits.fileBytes + 1)
            tree = try YAMLTree.parse(bytes: [UInt8](data), place: place)
        } catch let error as UserError {
            throw RecipeErrors([RecipeProblem(error)])
        } catch {
            throw RecipeErrors([RecipeProblem("\(error)", at: nil, key: "")])
        }
        let problems = ProblemList()
        let site = Site.read(tree, base: base(name), environment: environment, problems: problems)
        guard problems.problems.isEmpty else { throw problems.errors() }
        return site
    }

    /// What a site file of this name starts from.
    private func base(_ name: String) -> Site {
        if name == "local" { return builtInLocal() }
        return Site(name: name, kind: .slurm, prefix: "", runs: "")
    }

    private func builtInLocal() -> Site {
        var site = Site(name: "local", kind: .local, prefix: prefix, runs: "\(home)/runs")
        site.partitions.default = "low"
        site.partitions.allowed = ["low", "high"]
        return site
    }
}
