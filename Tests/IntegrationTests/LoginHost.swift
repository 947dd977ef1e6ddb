import FoundationEssentials

#if canImport(Glibc)
import Glibc
#endif

/// A login host of a cluster: a host name and a runtime folder of its own, the home folder shared with the others.
struct LoginHost {
    let name: String
    let cluster: LiveCluster
    /// A daemon that is started here takes the home for one on a network file system.
    var homeIsShared = false

    private var runtime: String { "\(cluster.folder)/run-\(name)" }

    init(_ name: String, of cluster: LiveCluster) async throws {
        self.name = name
        self.cluster = cluster
        try await cluster.run(["mkdir", "-m", "700", "-p", "\(cluster.folder)/run-\(name)"])
    }

    /// `molt` as somebody runs it there.
    func molt(_ arguments: String...) async throws -> Output {
        var environment = cluster.environment
        environment["XDG_RUNTIME_DIR"] = runtime
        if homeIsShared { environment["MOLT_HOME_SHARED"] = "1" }
        // Whoever has a host name of his own has a namespace of his own, and for that root's rights in it.
        let named = "hostname \"$1\" && shift && exec \"$@\""
        let program = ["\(cluster.prefix)/bin/molt"] + arguments
        let argv =
            if Command.isRoot {
                ["unshare", "--uts", "sh", "-c", named, "sh", name] + Command.dropping(program)
            } else {
                ["unshare", "--map-root-user", "--uts", "sh", "-c", named, "sh", name, "unshare", "--user",
                    "--map-user=\(getuid())", "--map-group=\(getgid())"] + program
            }
        return try await Command.run(argv, environment: environment, asRoot: true)
    }
}
