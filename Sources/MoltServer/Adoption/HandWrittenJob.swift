import FoundationEssentials
import MoltCore
import MoltLifecycle
import MoltRecipe
import MoltStore

/// A job that is to become an attempt of the run in `folder`.
struct HandWrittenJob: Sendable {
    var job: AdoptedJob
    /// The run's name, when there is none yet.
    var name: String
    var folder: RunFolder
    var site: Site
    var partition: String?
    var nodes: Int
    /// Seconds.
    var timeLimit: Double?
    /// How it became known, for people.
    var how: String

    /// The same job asks for the same run only once, however often a daemon dies over it.
    func token(startedAt: Double) -> String { token("\(startedAt)") }

    func token(submittedAt: Double?) -> String { token("submitted \(submittedAt ?? 0)") }

    private func token(_ moment: String) -> String {
        var hash = FileHash()
        Array("\(site.name) \(folder.path) \(job.id) \(moment)".utf8).withUnsafeBytes { hash.update($0) }
        return String(hash.text().filter(\.isHexDigit).prefix(32))
    }

    /// Stands where the recipe of another run stands; nothing is ever submitted from it.
    var recipe: Recipe {
        var recipe = Recipe(name: name, task: .command)
        recipe.command = ["job \(job.id), written by hand"]
        recipe.resources.nodes = max(1, nodes)
        recipe.resources.partition = partition
        recipe.resources.time = timeLimit
        return recipe
    }

    /// The letters that a run's name may have; the plugin allows a few more.
    static func runName(_ text: String, job: UInt32) -> String {
        let letters = text.unicodeScalars.map { scalar -> Character in
            let isPlain = scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(Character(scalar)))
            return isPlain || "._-".unicodeScalars.contains(scalar) ? Character(scalar) : "-"
        }
        let name = String(String(letters).drop { $0 == "." || $0 == "-" }.prefix(RunName.lengthMax))
        return name.isEmpty ? "job-\(job)" : name
    }
}
