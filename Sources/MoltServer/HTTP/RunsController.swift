import Hummingbird
import MoltAPI

/// Submitting, listing, showing and removing runs.
struct RunsController {
    let operations: any RunOperations

    func add(to router: Router<PeerContext>) {
        router.get(RouterPath(Routes.runs), use: list)
        router.post(RouterPath(Routes.runs), use: submit)
        router.post(RouterPath(Routes.adopt), use: adopt)
        router.get(RouterPath(Routes.Pattern.run), use: show)
        router.delete(RouterPath(Routes.Pattern.run), use: remove)
        router.get(RouterPath(Routes.Pattern.recipe), use: recipe)
        router.post(RouterPath(Routes.Pattern.recipe), use: edit)
        router.get(RouterPath(Routes.Pattern.usage), use: usage)
        router.post(RouterPath(Routes.Pattern.prune), use: prune)
        router.post(RouterPath(Routes.Pattern.drill), use: drill)
        router.post(RouterPath(Routes.Pattern.action), use: act)
    }

    @Sendable func list(_ request: Request, _ context: PeerContext) async throws -> Response {
        .json(try await operations.list(RunQuery(parameter: request.parameter)))
    }

    @Sendable func submit(_ request: Request, _ context: PeerContext) async throws -> Response {
        let result = try await operations.submit(request.decoded(SubmitRequest.self))
        return .json(result, status: result.isNew ? .created : .ok)
    }

    @Sendable func adopt(_ request: Request, _ context: PeerContext) async throws -> Response {
        .json(try await operations.adopt(request.decoded(AdoptRequest.self)), status: .created)
    }

    @Sendable func show(_ request: Request, _ context: PeerContext) async throws -> Response {
        .json(try await operations.detail(context.reference()))
    }

    @Sendable func remove(_ request: Request, _ context: PeerContext) async throws -> Response {
        try await operations.remove(context.reference())
        return Response(status: .noContent)
    }

    @Sendable func recipe(_ request: Request, _ context: PeerContext) async throws -> Response {
        .json(try await operations.recipe(context.reference()))
    }

    @Sendable func edit(_ request: Request, _ context: PeerContext) async throws -> Response {
        .json(try await operations.edit(context.reference(), request.decoded(EditRequest.self)))
    }

    @Sendable func usage(_ request: Request, _ context: PeerContext) async throws -> Response {
        .json(try await operations.usage(context.reference()))
    }

    @Sendable func prune(_ request: Request, _ context: PeerContext) async throws -> Response {
        .json(try await operations.prune(context.reference(), request.decoded(PruneRequest.self)))
    }

    @Sendable func drill(_ request: Request, _ context: PeerContext) async throws -> Response {
        .json(try await operations.drill(context.reference(), request.decoded(DrillRequest.self)))
    }

    @Sendable func act(_ request: Request, _ context: PeerContext) async throws -> Response {
        let word = try context.parameters.require("action")
        guard let action = RunAction(rawValue: word) else { throw APIError(.notFound, "no action '\(word)'") }
        let wish = try await request.decoded(ActionRequest.self)
        return .json(try await operations.act(action, on: context.reference(), wish))
    }
}

extension PeerContext {
    /// The run that the path names.
    func reference() throws -> String {
        let text = try parameters.require("run")
        guard let reference = Routes.unescaped(text) else { throw APIError(.invalid, "the path is not UTF-8") }
        return reference
    }
}
