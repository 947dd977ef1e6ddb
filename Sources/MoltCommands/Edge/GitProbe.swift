import FoundationEssentials
import MoltAPI

/// Describes the user's source tree at submission; nil outside of git or when git is slow.
enum GitProbe {
    static func look(at folder: String) -> GitState? {
        func git(_ arguments: String..., limit: Int = 4096) -> (data: Data, isCut: Bool)? {
            Child.output(
                of: "git", arguments: ["-C", folder, "--no-optional-locks"] + arguments, seconds: Limits.gitSeconds,
                limit: limit)
        }
        guard let head = git("rev-parse", "HEAD", "--abbrev-ref", "HEAD") else { return nil }
        let lines = String(decoding: head.data, as: UTF8.self).split(separator: "\n")
        guard let commit = lines.first else { return nil }
        let diff = git("diff", "HEAD", "--no-color", "--no-ext-diff", limit: WireLimits.diffBytes)
        return GitState(
            commit: String(commit), branch: lines.count > 1 && lines[1] != "HEAD" ? String(lines[1]) : nil,
            diff: String(decoding: diff?.data ?? Data(), as: UTF8.self), isCut: diff?.isCut ?? true)
    }
}
