import Synchronization

/// What one client asked for and heard, on the time line of all clients.
struct Call<Operation: Sendable, Outcome: Sendable>: Sendable {
    var operation: Operation
    /// Nil where no answer came: then it has happened, or will yet, or never does.
    var outcome: Outcome?
    /// Places on the time line: no two are alike.
    var invoked: Int
    var returned: Int
}

/// Something that many clients use at once, as one of them alone would see it.
protocol SequentialModel {
    associatedtype State: Hashable
    associatedtype Operation: Hashable, Sendable
    associatedtype Outcome: Sendable

    static var start: State { get }

    /// The state after an operation that had this outcome (nil for any); nil where it cannot have had it.
    static func after(_ operation: Operation, _ outcome: Outcome?, in state: State) -> State?
}

/// Whether calls that overlap can be put into one order that explains every answer: the search of Wing and Gong,
/// "Testing and verifying concurrent objects" (1993), which goes to no place twice (Lowe, "Testing for
/// linearizability", 2017). One object at a time: a history is linearizable when that of each of its objects is
/// (Herlihy and Wing 1990).
struct LinearizabilityCheck<Model: SequentialModel> {
    typealias History = [Call<Model.Operation, Model.Outcome>]

    /// As many as have a bit in a word.
    static var callsMax: Int { 64 }

    private struct Place: Hashable {
        var done: UInt64
        var state: Model.State
    }

    private let calls: History
    /// The calls that were answered: they must have happened.
    private let answered: UInt64
    private var seen: Set<Place> = []

    /// - Returns: nil for a history that is too long to be looked at.
    static func passes(_ calls: History) -> Bool? {
        guard calls.count <= callsMax else { return nil }
        var check = Self(calls)
        return check.search()
    }

    private init(_ calls: History) {
        self.calls = calls
        answered = calls.indices.reduce(0) { calls[$1].outcome == nil ? $0 : $0 | 1 << UInt64($1) }
    }

    private mutating func search() -> Bool {
        var open = [Place(done: 0, state: Model.start)]
        while let place = open.popLast() {
            guard seen.insert(place).inserted else { continue }
            if place.done & answered == answered { return true }
            // Nothing may be put before what had ended when it began.
            let end = firstAnswer(after: place)
            for index in calls.indices where place.done & 1 << UInt64(index) == 0 && calls[index].invoked < end {
                let call = calls[index]
                guard let state = Model.after(call.operation, call.outcome, in: place.state) else { continue }
                if call.outcome == nil, state == place.state || hasTwin(index, open: place) { continue }
                open.append(Place(done: place.done | 1 << UInt64(index), state: state))
            }
        }
        return false
    }

    /// Whether another unanswered call asked for the same and began earlier: whatever this one explains, that one does.
    /// What no answer tells of, and what changes nothing, need not have happened; with both rules the places to look at
    /// do not double with each call that got no answer.
    private func hasTwin(_ index: Int, open place: Place) -> Bool {
        calls.indices.contains { other in
            calls[other].outcome == nil && place.done & 1 << UInt64(other) == 0
                && calls[other].operation == calls[index].operation && calls[other].invoked < calls[index].invoked
        }
    }

    /// When the first of the answered calls that have not happened yet had ended.
    private func firstAnswer(after place: Place) -> Int {
        let waiting = answered & ~place.done
        return calls.indices.lazy.filter { waiting & 1 << UInt64($0) != 0 }.map { calls[$0].returned }.min() ?? .max
    }
}

/// Where clients write down what they do, each call twice: before it is made and once it is answered.
final class Recorder<Operation: Sendable, Outcome: Sendable>: Sendable {
    private struct Book {
        var time = 0
        var calls: [Int: [Call<Operation, Outcome>]] = [:]
        var ended = 0
    }

    private let book = Mutex(Book())

    func invoke(_ operation: Operation, on object: Int) -> Int {
        book.withLock { book in
            book.time += 1
            book.calls[object, default: []].append(
                Call(operation: operation, outcome: nil, invoked: book.time, returned: .max))
            return (book.calls[object]?.count ?? 0) - 1
        }
    }

    func answer(_ outcome: Outcome?, to place: Int, on object: Int) {
        book.withLock { book in
            book.time += 1
            book.ended += 1
            guard let outcome else { return }
            book.calls[object]?[place].outcome = outcome
            book.calls[object]?[place].returned = book.time
        }
    }

    /// How many calls are over, answered or not.
    var ended: Int { book.withLock { $0.ended } }
    var histories: [Int: [Call<Operation, Outcome>]] { book.withLock { $0.calls } }
}
