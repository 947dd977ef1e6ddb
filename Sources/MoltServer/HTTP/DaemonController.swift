import Hummingbird
import MoltAPI

/// The daemon itself, and the sites it watches.
struct DaemonController {
    let operations: any RunOperations

    func add(to router: Router<PeerContext>) {
        router.get(RouterPath(Routes.daemon), use: status)
        router.post(RouterPath(Routes.daemonStop), use: stop)
        router.get(RouterPath(Routes.Pattern.site), use: site)
    }

    @Sendable func status(_ request: Request, _ context: PeerContext) async throws -> Response {
        .json(try await operations.daemonStatus())
    }

    @Sendable func stop(_ request: Request, _ context: PeerContext) async throws -> Response {
        await operations.stopDaemon()
        return Response(status: .noContent)
    }

    @Sendable func site(_ request: Request, _ context: PeerContext) async throws -> Response {
        let name = try context.parameters.require("site")
        return .json(try await operations.siteReport(Routes.unescaped(name) ?? name))
    }
}
