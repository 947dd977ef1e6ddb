import Hummingbird
import MoltAPI

/// What a run has to tell: its timeline, progress, evaluations and logs, and why it is as it is; and what runs cost.
struct StoryController {
    let operations: any RunOperations

    func add(to router: Router<PeerContext>) {
        router.get(RouterPath(Routes.Pattern.timeline), use: timeline)
        router.get(RouterPath(Routes.Pattern.progress), use: progress)
        router.get(RouterPath(Routes.Pattern.evaluations), use: evaluations)
        router.get(RouterPath(Routes.Pattern.logs), use: log)
        router.get(RouterPath(Routes.costs), use: costs)
        router.get(RouterPath(Routes.Pattern.why), use: why)
    }

    @Sendable func timeline(_ request: Request, _ context: PeerContext) async throws -> Response {
        let after = request.parameter("after").flatMap { Int($0) } ?? 0
        return .json(
            try await operations.timeline(context.reference(), after: after, limit: WireLimits.timelineEntries))
    }

    @Sendable func progress(_ request: Request, _ context: PeerContext) async throws -> Response {
        .json(try await operations.progress(context.reference(), points: WireLimits.progressPoints))
    }

    @Sendable func evaluations(_ request: Request, _ context: PeerContext) async throws -> Response {
        let query = try EvaluationQuery(parameter: request.parameter)
        return .json(try await operations.evaluations(context.reference(), query))
    }

    @Sendable func costs(_ request: Request, _ context: PeerContext) async throws -> Response {
        .json(try await operations.costs(CostQuery(parameter: request.parameter)))
    }

    @Sendable func why(_ request: Request, _ context: PeerContext) async throws -> Response {
        .json(try await operations.explain(context.reference()))
    }

    @Sendable func log(_ request: Request, _ context: PeerContext) async throws -> Response {
        .json(try await operations.log(context.reference(), LogQuery(parameter: request.parameter)))
    }
}
