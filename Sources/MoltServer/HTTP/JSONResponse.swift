import FoundationEssentials
import HTTPTypes
import Hummingbird
import Logging
import MoltAPI
import MoltCore
import NIOCore

extension Response {
    /// A value as JSON; one that cannot be encoded is a fault of ours and says so.
    static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) -> Response {
        do {
            let data = try JSONFile.encode(value)
            return Response(
                status: status, headers: [.contentType: "application/json; charset=utf-8"],
                body: .init(byteBuffer: ByteBuffer(bytes: data)))
        } catch {
            return Response(status: .internalServerError)
        }
    }
}

extension ErrorAnswer {
    var response: Response { .json(self, status: .init(code: error.code.status)) }
}

/// Turns whatever a handler throws into the one shape of errors.
struct ErrorShape<Context: RequestContext>: RouterMiddleware {
    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as APIError {
            return ErrorAnswer(error).response
        } catch let error as UserError {
            return ErrorAnswer(APIError(error)).response
        } catch let error as any HTTPResponseError {
            let code: APIError.Code = error.status == .notFound ? .notFound : .invalid
            let what = "\(request.method) \(DisplayText.escaped(request.uri.path)): \(error.status.reasonPhrase)"
            return ErrorAnswer(APIError(code, what)).response
        } catch {
            context.logger.error("request failed", metadata: ["path": "\(request.uri.path)", "error": "\(error)"])
            return ErrorAnswer(APIError(.internalError, "\(error)", fix: "see moltd.log")).response
        }
    }
}

extension Request {
    /// Decodes the body as JSON within the wire's limit.
    func decoded<Value: Decodable>(_ type: Value.Type) async throws -> Value {
        let buffer = try await body.collect(upTo: WireLimits.requestBytes)
        do {
            return try BoundedJSON().decode(type, from: Data(buffer.readableBytesView))
        } catch {
            throw APIError(.invalid, "the request's body is not a \(type)", fix: "is molt as old as moltd?")
        }
    }

    func parameter(_ name: String) -> String? {
        uri.queryParameters.get(name)
    }
}
