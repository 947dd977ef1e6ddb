import FoundationEssentials

#if canImport(Glibc)
import Glibc
#endif

/// The folder that holds `bin/`, `lib/` and `share/` of the running program.
///
/// In an installation that is `<prefix>/<version>`. In a build folder the programs lie side by side without `bin/`;
/// there a link `bin` to the folder itself makes `<prefix>/bin/<program>` true as well.
package struct Installation: Hashable, Sendable {
    package let prefix: String

    package init(prefix: String) {
        self.prefix = prefix
    }

    package func program(_ name: String) -> String { "\(prefix)/bin/\(name)" }

    /// Files of the installation, such as `templates`.
    package var share: String { "\(prefix)/share/molt" }

    /// Where the running program came from.
    package static func current() throws(UserError) -> Installation {
        guard let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"),
            let slash = path.lastIndex(of: "/")
        else { throw UserError("cannot find out where this program lies", at: "/proc/self/exe") }
        return try containing(folder: String(path[..<slash]))
    }

    /// - Parameter folder: the folder of a program.
    package static func containing(folder: String) throws(UserError) -> Installation {
        if folder.hasSuffix("/bin"), folder.utf8.count > 4 { return Installation(prefix: String(folder.dropLast(4))) }
        let link = folder + "/bin"
        guard symlink(".", link) == 0 || errno == EEXIST else {
            throw UserError(
                "cannot create \(link): \(String(cString: strerror(errno)))",
                fix: "install with 'make install PREFIX=…' and run the installed programs")
        }
        return Installation(prefix: folder)
    }
}
