import FoundationEssentials
import MoltCommands
import MoltCore
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Recipes and programs of other users, through the real command. As root a file is given to somebody else; an ordinary
/// user cannot do that, and lets everybody write to it instead.
struct ForeignRecipeTests {
    private func give(_ path: String) {
        if getuid() == 0 { chown(path, 65534, 65534) } else { chmod(path, 0o666) }
    }

    @Test func whatBelongsToAnotherUserRunsOnlyOnceItsSubmitterHasAgreed() throws {
        let molt = try Molt()
        let recipe = "name: theirs\ntask: command\ncommand: [sh, -c, 'exit 0']\nenvironment: {COLOUR: teal}\n"
            + "notify: {on: [stuck], command: [echo, a b], webhook: 'https://me:pw@127.0.0.1:9/token?x=1'}\n"
        try molt.write(recipe, to: "r.yaml")
        give(molt.folder("r.yaml"))
        let refused = try molt("submit", "r.yaml", "--wait")
        #expect(refused.status == 2 && refused.out.isEmpty, "\(refused)")
        let tells = ["tells     echo 'a b', on this machine", "tells     https://127.0.0.1:9/…"]
        let deeds = ["not yours alone", "r.yaml", "sh -c 'exit 0'", "COLOUR=teal", "site      local", "--trust "]
        for words in deeds + tells {
            #expect(refused.error.contains(words), "\(words): \(refused.error)")
        }
        #expect(!refused.error.contains("pw") && !refused.error.contains("token"), "\(refused.error)")
        #expect(try molt("ls", "--all", "-q").out.isEmpty, "nothing was submitted")
        // Whose it is, the file says and not its name.
        try #require(symlink("r.yaml", molt.folder("mine.yaml")) == 0)
        #expect(try molt("submit", "mine.yaml", "--wait").status == 2)
        let rehearsed = try molt("submit", "r.yaml", "--dry-run")
        let hash = try #require(rehearsed.out.firstMatch(of: /--trust ([0-9a-f]{64})/)?.1)
        #expect(refused.error.contains(hash) && rehearsed.status == 0)
        #expect(tells.allSatisfy { rehearsed.out.contains($0) }, "\(rehearsed.out)")

        let other = String(hash.reversed())
        #expect(try molt("submit", "r.yaml", "--trust", other).error.contains("not the one of --trust"))
        #expect(try molt("submit", "r.yaml", "--trust", String(hash), "--wait").status == 0)
        // It is remembered, and what the submitter changes is the submitter's own.
        #expect(try molt("submit", "r.yaml", "policy.max_crashes=1", "--wait").status == 0)
        try molt.write(recipe.replacing("exit 0", with: "exit 0 "), to: "r.yaml")
        give(molt.folder("r.yaml"))
        #expect(try molt("submit", "r.yaml", "--wait").status == 2, "it is another one now")
        #expect(try molt("submit", "r.yaml", "--yes", "--wait").status == 0)
        #expect(try molt("submit", "r.yaml", "--wait").status == 0)
        var status = stat()
        #expect(stat("\(molt.folder("config"))/molt/trusted", &status) == 0 && status.st_mode & 0o777 == 0o600)
    }

    @Test func aProgramOfAnotherUserIsAskedAboutAndAnOwnOneIsNot() throws {
        let molt = try Molt()
        try molt.write("#!/bin/sh\nexit 0\n", to: "tool")
        chmod(molt.folder("tool"), 0o755)
        try molt.write("name: own\ntask: command\ncommand: [\(molt.folder("tool"))]\n", to: "r.yaml")
        #expect(try molt("submit", "r.yaml", "--wait").status == 0)
        give(molt.folder("tool"))
        if getuid() != 0 { chmod(molt.folder("tool"), 0o777) }
        let refused = try molt("submit", "r.yaml", "--wait")
        #expect(refused.status == 2 && refused.error.contains("the program \(molt.folder("tool")) of"), "\(refused)")
    }

    @Test func hashesThatOthersMayHaveWrittenAreNotBelieved() throws {
        let folder = TemporaryFolder("trusted"), trusted = TrustedHashes(path: folder("molt/trusted"))
        #expect(!trusted.holds("aa"))
        try trusted.add("aa", "/x\ny")
        try trusted.add("bb", "/z")
        #expect(trusted.holds("aa") && trusted.holds("bb") && !trusted.holds("a") && !trusted.holds(""))
        #expect(String(decoding: try DurableFile.read(trusted.path), as: UTF8.self).split(separator: "\n").count == 2)
        chmod(trusted.path, 0o666)
        #expect(!trusted.holds("aa"))
    }
}
