import FoundationEssentials
import Logging
import MoltAPI
import MoltCore
import MoltServer
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Many clients at once, over the daemon's own socket: what they hear could have been heard by one after the other.
struct LinearizabilityTests {
    private typealias Check = LinearizabilityCheck<RunModel>
    private typealias Journal = Recorder<RunModel.Operation, RunModel.Outcome>

    private static let clients = 8, objects = 4, callsOfAClient = 26, rounds = 49

    // MARK: The clients

    private static func draw(_ numbers: inout TrialNumbers) -> RunModel.Operation {
        switch Int.random(in: 0..<100, using: &numbers) {
        case ..<20: .submit
        case ..<45: .read
        case ..<57: .act(.release)
        case ..<69: .act(.hold)
        case ..<79: .act(.stop)
        case ..<87: .act(.resume)
        case ..<94: .act(.cancel)
        default: .remove
        }
    }

    /// Nil where nobody can tell what became of it.
    private static func outcome(
        of operation: RunModel.Operation, on name: String, _ request: SubmitRequest, _ client: MoltClient
    ) async -> RunModel.Outcome? {
        do throws(ClientError) {
            switch operation {
            case .submit:
                let result = try await client.submit(request)
                return .submitted(id: result.id, isNew: result.isNew)
            case .act(let action):
                let run = try await client.act(action, on: name)
                return .shown(id: run.id, run.state)
            case .read:
                let run = try await client.run(name).summary
                return .shown(id: run.id, run.state)
            case .remove:
                try await client.remove(name)
                return .removed
            }
        } catch {
            guard case .refused(let refusal) = error, [.notFound, .conflict].contains(refusal.code) else { return nil }
            return .refused(refusal.code)
        }
    }

    /// All clients use one object at a time, so that they get into each other's way.
    private static func live(
        _ client: Int, round: Int, requests: [SubmitRequest], socket: String, _ journal: Journal
    ) async {
        var numbers = Trial.numbers("N4 \(round) \(client)")
        let steady = MoltClient(socket: socket, timeout: 20)
        for call in 0..<callsOfAClient {
            let object = call * objects / callsOfAClient
            // Some lose patience at once: what they asked for may be done, then or later.
            let isHasty = Int.random(in: 0..<100, using: &numbers) < 30
            let wait = Double(Int.random(in: 1...3, using: &numbers)) / 1000
            let operation = draw(&numbers)
            let place = journal.invoke(operation, on: object)
            let heard = await outcome(
                of: operation, on: name(round, object), requests[object],
                isHasty ? MoltClient(socket: socket, timeout: wait) : steady)
            journal.answer(heard, to: place, on: object)
        }
    }

    private static func name(_ round: Int, _ object: Int) -> String { "run-\(round)-\(object)" }

    private static func requests(_ round: Int) throws -> [SubmitRequest] {
        try (0..<objects).map { object in
            TestDaemon.request(try TestDaemon.recipe(name(round, object)), held: true)
        }
    }

    // MARK: The promise

    /// Clients submit, look, hold, release, stop, resume, cancel and remove, while the daemon is restarted.
    ///
    /// Covers N4.
    @Test func whateverClientsHearAtOnceCouldHaveBeenHeardInSomeOrder() async throws {
        let served = try ServedDaemon()
        try await served.start()
        var calls = 0, unknown = 0
        for round in 0..<Self.rounds {
            let journal = Journal(), requests = try Self.requests(round), socket = served.socket
            let all = Self.clients * Self.callsOfAClient
            let clients = Task {
                await withDiscardingTaskGroup { group in
                    for client in 0..<Self.clients {
                        group.addTask {
                            await Self.live(client, round: round, requests: requests, socket: socket, journal)
                        }
                    }
                }
            }
            // One restart in a round, at another place each time.
            while journal.ended < (round + 1) * all / (Self.rounds + 1) {
                try await Task.sleep(for: .milliseconds(1))
            }
            try await served.restart()
            await clients.value
            for (object, history) in journal.histories.sorted(by: { $0.key < $1.key }) {
                let story = history.map { "\($0)" }.joined(separator: "\n")
                #expect(Check.passes(history) == true, "seed \(Trial.seed), round \(round), run \(object):\n\(story)")
                calls += history.count
                unknown += history.count { $0.outcome == nil }
            }
        }
        await served.stop()
        #expect(calls >= 10_000)
        #expect(unknown > calls / 10, "\(unknown) of \(calls) outcomes were unknown")
        Trial.report("N4", ["calls": Double(calls), "of unknown outcome": Double(unknown)])
    }

    // MARK: The check itself

    private static func call(
        _ operation: RunModel.Operation, _ outcome: RunModel.Outcome?, _ invoked: Int, _ returned: Int = .max
    ) -> Call<RunModel.Operation, RunModel.Outcome> {
        Call(operation: operation, outcome: outcome, invoked: invoked, returned: returned)
    }

    private static let made = call(.submit, .submitted(id: "a", isNew: true), 1, 2)

    @Test(arguments: [
        ([made, call(.read, .shown(id: "a", .held), 3, 4)], true),
        // A look that began after the release had ended, and shows what was before.
        ([made, call(.act(.release), .shown(id: "a", .queued), 3, 4), call(.read, .shown(id: "a", .held), 5, 6)],
         false),
        ([made, call(.act(.release), .shown(id: "a", .queued), 3, 6), call(.read, .shown(id: "a", .held), 4, 5)], true),
        // Two submissions of one token, of which each was the first.
        ([call(.submit, .submitted(id: "a", isNew: true), 1, 3), call(.submit, .submitted(id: "b", isNew: true), 2, 4)],
         false),
        ([call(.submit, .submitted(id: "a", isNew: true), 1, 3),
          call(.submit, .submitted(id: "a", isNew: false), 2, 4)], true),
        ([call(.submit, .submitted(id: "a", isNew: false), 1, 2)], false),
        // Two that both let go what was held once.
        ([made, call(.act(.release), .shown(id: "a", .queued), 3, 5),
          call(.act(.release), .shown(id: "a", .queued), 4, 6)], false),
        ([made, call(.act(.release), .shown(id: "a", .queued), 3, 5), call(.act(.release), .refused(.conflict), 4, 6)],
         true),
        // What got no answer may have happened late, or never, but not before it began.
        ([made, call(.act(.cancel), nil, 3), call(.read, .shown(id: "a", .held), 4, 5),
          call(.read, .shown(id: "a", .cancelled), 6, 7)], true),
        ([made, call(.act(.cancel), nil, 3), call(.read, .shown(id: "a", .cancelled), 4, 5),
          call(.read, .shown(id: "a", .held), 6, 7)], false),
        ([made, call(.read, .shown(id: "a", .cancelled), 3, 4), call(.act(.cancel), nil, 5)], false),
        // It made the run of which others hear.
        ([call(.submit, nil, 1), call(.read, .shown(id: "a", .held), 2, 3),
          call(.submit, .submitted(id: "a", isNew: false), 4, 5)], true),
        ([call(.submit, nil, 1), call(.read, .shown(id: "a", .held), 2, 3),
          call(.submit, .submitted(id: "b", isNew: false), 4, 5)], false),
        // What was let go is removed: each was told that it may.
        ([made, call(.remove, .removed, 3, 6), call(.act(.release), .shown(id: "a", .queued), 4, 5)], false),
    ] as [([Call<RunModel.Operation, RunModel.Outcome>], Bool)])
    func theCheckKnowsWhatCannotBe(_ history: [Call<RunModel.Operation, RunModel.Outcome>], _ passes: Bool) {
        #expect(Check.passes(history) == passes)
    }

    /// Where the answers fit no order, every place that the unanswered calls lead to is looked at.
    @Test func unansweredCallsDoNotDoubleTheSearchEach() {
        let asked: [RunModel.Operation] = [.read, .submit, .act(.hold), .act(.release), .act(.stop), .act(.resume)]
        let open = (0..<54).map { Self.call(asked[$0 % asked.count], nil, 3 + $0) }
        let last = [Self.call(.read, .shown(id: "a", .finished), 100, 101)]
        #expect(Check.passes([Self.made] + open + last) == false)
    }

    /// A history of one client is its own order; with one answer that is another's it is none.
    @Test func anAnswerThatWasExchangedIsNoticed() throws {
        var numbers = Trial.numbers("N4 check"), noticed = 0
        for _ in 0..<200 {
            var state = RunModel.start, history: [Call<RunModel.Operation, RunModel.Outcome>] = []
            while history.count < 40 {
                let operation = Self.draw(&numbers)
                let (outcome, next) = try #require(Self.answer(operation, state))
                state = next
                let time = 2 * history.count
                history.append(Self.call(operation, outcome, time, time + 1))
            }
            #expect(Check.passes(history) == true)
            let reads = history.indices.filter { history[$0].operation == .read }
            guard let wrong = reads.randomElement(using: &numbers) else { continue }
            history[wrong].outcome = history[wrong].outcome == .refused(.notFound)
                ? .shown(id: "x", .held) : .refused(.notFound)
            noticed += Check.passes(history) == false ? 1 : 0
        }
        #expect(noticed > 190)
    }

    /// The only answer that the model allows.
    private static func answer(
        _ operation: RunModel.Operation, _ state: RunModel.State
    ) -> (RunModel.Outcome, RunModel.State)? {
        let id = state.run?.id ?? "a"
        let words: [RunState] = [.held, .queued, .paused, .cancelled]
        let possible: [RunModel.Outcome] = words.map { .shown(id: id, $0) } + [
            .submitted(id: id, isNew: true), .submitted(id: id, isNew: false), .removed, .refused(.notFound),
            .refused(.conflict),
        ]
        let found = possible.compactMap { outcome in
            RunModel.after(operation, outcome, in: state).map { (outcome, $0) }
        }
        return found.count == 1 ? found[0] : nil
    }
}

/// A daemon without its loop, on a socket, that can be stopped and started again over the same store.
private final class ServedDaemon {
    private let daemon: TestDaemon
    private let folder = TemporaryFolder("linear")
    private var serving: Task<Void, any Error>?

    var socket: String { folder("s") }

    init() throws {
        daemon = try TestDaemon()
    }

    func start() async throws {
        unlink(socket)
        let (ready, signal) = AsyncStream.makeStream(of: Void.self)
        let service = HTTPService(
            operations: daemon.service, socket: socket,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, onListening: { signal.yield() })
        serving = Task {
            defer { signal.finish() }
            try await service.run()
        }
        for await _ in ready { break }
    }

    /// Whoever waits for an answer gets none.
    func stop() async {
        serving?.cancel()
        _ = await serving?.result
    }

    func restart() async throws {
        await stop()
        try daemon.restart()
        try await start()
    }
}
