import Hummingbird
import MoltAPI
import NIOCore

#if canImport(Glibc)
import Glibc
#endif

/// The request's context with what the kernel says about the process at the other end of the socket.
struct PeerContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let maxUploadSize = WireLimits.requestBytes
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }

    /// Who connected, by SO_PEERCRED; nil when the kernel does not say.
    func peer() async -> Peer? {
        guard let options = channel as? any SocketOptionProvider else { return nil }
        let name = NIOBSDSocket.Option(rawValue: SO_PEERCRED)
        let future: EventLoopFuture<PeerCredentials> = options.unsafeGetSocketOption(level: .socket, name: name)
        return try? await Peer(future.get())
    }
}

/// The kernel's `struct ucred`.
struct PeerCredentials: Sendable {
    var pid: Int32 = 0
    var uid: UInt32 = .max
    var gid: UInt32 = .max
}

extension Peer {
    fileprivate init(_ credentials: PeerCredentials) {
        self.init(userID: credentials.uid, pid: credentials.pid)
    }
}

/// Lets only the daemon's own user speak to it.
struct PeerCheck: RouterMiddleware {
    let userID: UInt32

    func handle(
        _ request: Request, context: PeerContext, next: (Request, PeerContext) async throws -> Response
    ) async throws -> Response {
        guard let peer = await context.peer(), peer.userID == userID else {
            return ErrorAnswer(APIError(.forbidden, "this daemon belongs to another user")).response
        }
        return try await Peer.$current.withValue(peer) { try await next(request, context) }
    }
}
