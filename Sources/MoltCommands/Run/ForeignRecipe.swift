import FoundationEssentials
import MoltCore
package import MoltRecipe

#if canImport(Glibc)
import Glibc
#endif

/// What of a recipe somebody else may have written, and whether its submitter agrees to run it.
package struct ForeignRecipe: Sendable {
    package let files: [ForeignFile]
    /// Of the contents of all of them.
    package let hash: String

    package init(_ loaded: LoadedRecipe, in folder: String, ownership: Ownership = Ownership()) {
        files = loaded.foreign + ownership.programs(of: loaded.recipe, in: loaded.recipe.workingDirectory ?? folder)
        hash = Ownership.hash(of: files)
    }

    /// A line for who only looks; nil when all is the submitter's own.
    package var notice: String? {
        guard !files.isEmpty else { return nil }
        let list = files.map(Self.words).joined(separator: ", ")
        return "not yours alone: \(list); once you have looked at it, submit it with --trust \(hash)"
    }

    /// How a submitter may have agreed beforehand.
    package struct Answer: Sendable {
        package var yes: Bool
        package var hash: String?
        /// Asks a person; nil where there is none.
        package var ask: (@Sendable (String) -> Bool)?

        package init(yes: Bool = false, hash: String? = nil, ask: (@Sendable (String) -> Bool)? = nil) {
            self.yes = yes
            self.hash = hash
            self.ask = ask
        }

        /// Whoever sits at the terminal is asked.
        static func standard(yes: Bool, hash: String?) -> Answer {
            guard isatty(STDIN_FILENO) == 1 else { return Answer(yes: yes, hash: hash) }
            return Answer(yes: yes, hash: hash) { question in
                Console.error(question)
                return ["y", "yes"].contains((readLine() ?? "").lowercased())
            }
        }
    }

    /// - Throws: when nobody agrees; nothing was submitted then.
    func agree(_ rehearsal: Rehearsal, trusted: TrustedHashes, answer: Answer) throws {
        guard !files.isEmpty, !trusted.holds(hash) else { return }
        if let given = answer.hash, given != hash {
            throw UserError(
                "what would run has the hash \(hash), not the one of --trust", at: files[0].path,
                fix: "somebody has changed it: look at it again with --dry-run")
        }
        if !answer.yes, answer.hash == nil {
            Console.error("This runs in your name, and is not yours alone:")
            for line in files.map({ "  " + Self.words($0) }) + (try rehearsal.deeds()).map({ "  " + $0 }) {
                Console.error(line)
            }
            Console.error("  hash      \(hash)")
            guard let ask = answer.ask else {
                throw UserError(
                    "\(DisplayText.escaped(files[0].path)) is not yours alone, and nobody is here to agree to it",
                    fix: "look at it, then submit it with --trust \(hash)")
            }
            guard ask("Run it? [y/N]") else { throw UserError("nothing was submitted") }
        }
        try trusted.add(hash, files[0].path)
    }

    private static func words(_ file: ForeignFile) -> String {
        let path = DisplayText.escaped(file.path)
        let name = getpwuid(file.owner).map { String(cString: $0.pointee.pw_name) }
        let owner = DisplayText.escaped(name ?? "user \(file.owner)", limit: 64)
        return "the \(file.role.rawValue) \(path) of \(owner)" + (file.isOpen ? ", which everybody may change" : "")
    }
}
