import FoundationEssentials
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// Faults that a test has ordered through the environment:
/// `MOLT_FAIL=<point>:<n>:<kill|error|delay>`, several separated by commas. The n-th passing of a point is meant;
/// `delay` may carry its seconds, as in `delay=0.5`. Without the variables a passing costs two comparisons.
///
/// `MOLT_FAIL_ONCE=<folder>`: what has gone wrong leaves a file of the point's name there, and goes wrong no more in
/// the programs that follow with the same environment.
///
/// `MOLT_PASSED=<folder>`: every point that a program passes leaves a file of its name there, so that a suite can tell
/// which of them it has reached.
package enum Failpoints {
    package static func pass(_ point: Failpoint) throws(InjectedFailure) {
        passed?.add(point)
        guard let orders, let effect = orders.effect(of: point), isFirst(point) else { return }
        switch effect {
        case .kill: kill(getpid(), SIGKILL)
        case .error: throw InjectedFailure(point: point)
        case .delay(let seconds): usleep(UInt32(seconds * 1e6))
        }
    }

    /// What orders a failure or a record; the daemon hands them on to its helper.
    package static let variables = ["MOLT_FAIL", "MOLT_FAIL_ONCE", "MOLT_PASSED"]

    /// What is wrong with `MOLT_FAIL`, in words; nil when nothing is. A program says so when it starts, since a fault
    /// that is misspelt would be a test that tests nothing.
    package static var complaint: String? { FailOrders.complaint(environment) }

    /// The file decides between several programs that come by at the same time, too.
    private static func isFirst(_ point: Failpoint) -> Bool {
        guard let folder else { return true }
        let descriptor = open("\(folder)/\(point.rawValue)", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return false }
        close(descriptor)
        return true
    }

    private static let passed = ProcessInfo.processInfo.environment["MOLT_PASSED"].map(PassedPoints.init(folder:))
    private static let folder = ProcessInfo.processInfo.environment["MOLT_FAIL_ONCE"]
    private static let environment = ProcessInfo.processInfo.environment["MOLT_FAIL"] ?? ""
    private static let orders = environment.isEmpty ? nil : FailOrders(parsing: environment)
}

/// The points that this program has passed, each a file in a folder that programs of several users may share.
package final class PassedPoints: Sendable {
    private let folder: String
    private let known = Mutex<Set<Failpoint>>([])

    package init(folder: String) { self.folder = folder }

    /// A file that cannot be made is a point that nobody has passed: whoever reads the folder finds it missing.
    package func add(_ point: Failpoint) {
        guard known.withLock({ $0.insert(point).inserted }) else { return }
        let descriptor = open("\(folder)/\(point.rawValue)", O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
        if descriptor >= 0 { close(descriptor) }
    }
}

/// A failure that a test has ordered.
package struct InjectedFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package let point: Failpoint

    package var description: String { "failure ordered at \(point.rawValue)" }
}

/// Which passing of which point is to go wrong, and how.
package final class FailOrders: Sendable {
    package enum Effect: Hashable, Sendable {
        case kill, error
        case delay(Double)

        init?(_ text: Substring) {
            switch text {
            case "kill": self = .kill
            case "error": self = .error
            case "delay": self = .delay(1)
            default:
                guard text.hasPrefix("delay="), let seconds = Double(text.dropFirst(6)), (0...60).contains(seconds)
                else { return nil }
                self = .delay(seconds)
            }
        }
    }

    private struct Order {
        var point: Failpoint
        var left: Int
        var effect: Effect
    }

    private let orders: Mutex<[Order]>

    /// Orders that cannot be read are left out; `complaint` names them.
    package init(parsing text: String) {
        orders = Mutex(text.split(separator: ",").compactMap(Self.order))
    }

    /// Counts one passing.
    package func effect(of point: Failpoint) -> Effect? {
        orders.withLock { orders in
            var effect: Effect?
            for index in orders.indices where orders[index].point == point && orders[index].left > 0 {
                orders[index].left -= 1
                if orders[index].left == 0 { effect = effect ?? orders[index].effect }
            }
            return effect
        }
    }

    package static func complaint(_ text: String) -> String? {
        let bad = text.split(separator: ",").filter { order($0) == nil }
        guard !bad.isEmpty else { return nil }
        return "MOLT_FAIL: '\(bad.joined(separator: ","))' is not <point>:<n>:<kill|error|delay>; "
            + "moltd --list-failpoints prints the points"
    }

    private static func order(_ text: Substring) -> Order? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, let point = Failpoint(rawValue: String(parts[0])), let number = Int(parts[1]),
            number > 0, let effect = Effect(parts[2])
        else { return nil }
        return Order(point: point, left: number, effect: effect)
    }
}
