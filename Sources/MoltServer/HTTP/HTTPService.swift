import Hummingbird
import HummingbirdCore
package import Logging
import MoltAPI
import ServiceLifecycle

#if canImport(Glibc)
import Glibc
#endif

/// The daemon's HTTP interface on its unix socket: a service among the daemon's others.
///
/// The folder of the socket must exist with mode 0700; the caller has checked the path's length.
package struct HTTPService: Service {
    private let application: Application<RouterResponder<PeerContext>>

    /// - Parameters:
    ///   - userID: the only user who may speak to it.
    ///   - onListening: called once requests are being answered.
    package init(
        operations: any RunOperations, socket: String, logger: Logger, userID: UInt32 = getuid(),
        onListening: @escaping @Sendable () async -> Void = {}
    ) {
        // A crowd at the socket must not take the descriptors that the daemon needs for its work.
        var configuration = ApplicationConfiguration(
            address: .unixDomainSocket(path: socket), reuseAddress: false,
            availableConnectionsDelegate: .maximum(Limits.connections(ofFiles: Self.fileLimit), logger: logger))
        configuration.serverName = "moltd"
        application = Application(
            router: Self.router(operations, userID: userID),
            server: HTTPServerBuilder { UnservedConnections(http: HTTP1Channel(responder: $0)) },
            configuration: configuration, onServerRunning: { _ in await onListening() }, logger: logger)
    }

    /// How many files this process may open.
    private static var fileLimit: Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
        return Int(clamping: limit.rlim_cur)
    }

    static func router(_ operations: any RunOperations, userID: UInt32) -> Router<PeerContext> {
        let router = Router(context: PeerContext.self)
        router.add(middleware: PeerCheck(userID: userID))
        router.add(middleware: ErrorShape<PeerContext>())
        RunsController(operations: operations).add(to: router)
        StoryController(operations: operations).add(to: router)
        DaemonController(operations: operations).add(to: router)
        return router
    }

    package func run() async throws {
        try await application.run()
    }
}
