import MoltCore

/// Secrets of a recipe: which cannot be read, and which stand where others may see them.
package enum SecretWarnings {
    /// References that lead nowhere, before anything is queued.
    package static func problems(
        _ recipe: Recipe, site: Site, home: String = Paths.home, origins: [String: Place] = [:]
    ) -> [RecipeProblem] {
        var found: [RecipeProblem] = []
        func check(_ text: String?, _ key: String) {
            guard let text, let reference = SecretReference(text) else { return }
            do throws(UserError) {
                let value = try reference.read(home: home)
                guard key == "notify.webhook", !isWeb(value) else { return }
                found.append(RecipeProblem("this secret is not a web address", at: origins[key], key: key))
            } catch {
                let what = error.location.map { "\(error.what) (\($0))" } ?? error.what
                found.append(RecipeProblem(what, at: origins[key], key: key, fix: error.fix))
            }
        }
        for (name, value) in recipe.environment.sorted(by: { $0.key < $1.key }) { check(value, "environment.\(name)") }
        for (name, value) in site.environment.sorted(by: { $0.key < $1.key }) { check(value, "site.env.\(name)") }
        check(recipe.notify.webhook, "notify.webhook")
        return found
    }

    static func isWeb(_ text: String) -> Bool {
        (text.hasPrefix("https://") || text.hasPrefix("http://")) && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    /// Sentences for people; none of them repeats a value.
    package static func warnings(_ recipe: Recipe, site: Site) -> [String] {
        var found = variables(recipe.environment, "environment")
        found += variables(site.environment, "site '\(site.name)': env")
        found += arguments(recipe.command ?? [], "command", "on the nodes")
        found += arguments(recipe.notify.command ?? [], "notify.command", "on this machine")
        for (number, line) in zip(1..., site.setup) where isAssignment(line) {
            found.append(
                "site '\(site.name)': line \(number) of setup looks like a secret, and setup is part of the batch "
                    + "script, which Slurm keeps and its operators can read: use env: {NAME: \(example)}")
        }
        return found
    }

    private static let example = "\(SecretReference.scheme)NAME"

    private static func variables(_ variables: [String: String], _ place: String) -> [String] {
        variables.sorted { $0.key < $1.key }.compactMap { name, value in
            guard SecretReference(value) == nil, !value.isEmpty, SecretSigns.isName(name) || SecretSigns.isValue(value)
            else { return nil }
            return "\(place).\(name) looks like a secret, and is kept in your run folder and database as it stands: "
                + "put it into ~/.config/molt/secrets/NAME (chmod 600), and write \(name): \(example)"
        }
    }

    private static func arguments(_ words: [String], _ place: String, _ machine: String) -> [String] {
        SecretSigns.places(in: words).map { index in
            "\(place): argument \(index) looks like a secret; everybody \(machine) can read a program's arguments: "
                + "let it read a variable, and write environment: {NAME: \(example)}"
        }
    }

    private static func isAssignment(_ line: String) -> Bool {
        let word = line.split(separator: " ").first { $0.contains("=") } ?? ""
        let halves = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        return halves.count == 2 && SecretSigns.isName(String(halves[0])) && !halves[1].isEmpty
            && !halves[1].contains("$")
    }

    /// A change as `key=value`, for the run's story: the story needs no secrets.
    package static func told(_ change: String) -> String {
        let key = change.prefix { $0 != "=" }
        let isPrivate = ["environment", "command", "notify"].contains { key == $0 || key.hasPrefix("\($0).") }
        return isPrivate && key.count < change.count ? "\(key)=…" : change
    }
}

extension Recipe {
    /// For a screen: values that look like secrets are hidden.
    package var shown: Recipe {
        var recipe = self
        recipe.environment = SecretWarnings.shown(environment)
        return recipe
    }
}

extension SecretWarnings {
    package static func shown(_ variables: [String: String]) -> [String: String] {
        var result = variables
        for (name, value) in variables where SecretReference(value) == nil {
            if SecretSigns.isName(name) || SecretSigns.isValue(value) { result[name] = SecretMask.mark }
        }
        return result
    }
}
