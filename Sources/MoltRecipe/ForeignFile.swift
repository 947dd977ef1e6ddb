import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// A file that somebody else may have written, and that decides what a run does in the submitter's name.
package struct ForeignFile: Hashable, Sendable {
    package enum Role: String, Sendable {
        /// The recipe, or one that it extends.
        case recipe
        /// The command of the recipe, or a file among its arguments.
        case program
    }

    package var role: Role
    package var path: String
    package var owner: UInt32
    /// Everybody may write to it, whoever owns it.
    package var isOpen: Bool
    /// Of its contents.
    package var sha256: String

    package init(role: Role, path: String, owner: UInt32, isOpen: Bool, sha256: String) {
        self.role = role
        self.path = path
        self.owner = owner
        self.isOpen = isOpen
        self.sha256 = sha256
    }
}

/// Says to whom files belong: as the system does, or as a test pretends.
package struct Ownership: Sendable {
    package var user: UInt32
    /// The owner of the file at a path, when the system says this one.
    package var owner: @Sendable (String, UInt32) -> UInt32

    package init(user: UInt32 = getuid(), owner: @escaping @Sendable (String, UInt32) -> UInt32 = { $1 }) {
        self.user = user
        self.owner = owner
    }

    /// Root may do everything anyway.
    func isForeign(_ owner: UInt32, isOpen: Bool) -> Bool { owner != user && owner != 0 || isOpen }

    /// What a command would run of other people's: itself, when it is a file, and files among its arguments.
    package func programs(of recipe: Recipe, in folder: String) -> [ForeignFile] {
        let words = [recipe.command ?? [], recipe.notify.command ?? []].flatMap { command in
            // The first is looked for along PATH, unless it is a path; the others may name a file without one.
            command.prefix(Limits.programsChecked).enumerated().filter { $0.offset > 0 || $0.element.contains("/") }
        }
        return words.map(\.element).compactMap { word -> ForeignFile? in
            guard !word.isEmpty else { return nil }
            let path = Paths.resolve(word, in: folder)
            let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
            guard file >= 0 else { return nil }
            defer { close(file) }
            var status = stat()
            guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
            let owner = owner(path, status.st_uid), isOpen = status.st_mode & S_IWOTH != 0
            guard isForeign(owner, isOpen: isOpen) else { return nil }
            return ForeignFile(
                role: .program, path: path, owner: owner, isOpen: isOpen, sha256: Self.hash(of: file, status))
        }
    }

    /// A container of many gigabytes is not read for this: its size and the time of its last change stand for it.
    private static func hash(of file: Int32, _ status: stat) -> String {
        if Int(status.st_size) <= Limits.programBytes, let found = try? FileHash.of("/proc/self/fd/\(file)") {
            return found.sha256
        }
        return sha256(
            Array("\(status.st_ino) \(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)".utf8))
    }

    static func sha256(_ bytes: [UInt8]) -> String {
        var hash = FileHash()
        bytes.withUnsafeBytes { hash.update($0) }
        return hash.text()
    }

    /// What a person agrees to: the contents of all of them, wherever they lie. What the submitter changes on the
    /// command line is the submitter's own.
    package static func hash(of files: [ForeignFile]) -> String {
        sha256(Array(files.map { "\($0.role.rawValue) \($0.sha256)\n" }.sorted().joined().utf8))
    }
}
