import FoundationEssentials
import MoltCore
import MoltTesting
import Testing

struct FailpointTests {
    @Test func theOrderedPassingIsTheOneThatFails() {
        let orders = FailOrders(parsing: "attempt.intent-recorded:3:kill")
        #expect(orders.effect(of: .intentRecorded) == nil)
        #expect(orders.effect(of: .sendingRecorded) == nil)
        #expect(orders.effect(of: .intentRecorded) == nil)
        #expect(orders.effect(of: .intentRecorded) == .kill)
        #expect(orders.effect(of: .intentRecorded) == nil)
    }

    @Test func severalOrdersStandBesideEachOther() {
        let orders = FailOrders(parsing: "look.answered:1:error,look.answered:2:delay=0.5")
        #expect(orders.effect(of: .lookAnswered) == .error)
        #expect(orders.effect(of: .lookAnswered) == .delay(0.5))
    }

    @Test(
        arguments: [
            "look.nowhere:1:kill", "look.answered:0:kill", "look.answered:1:explode", "look.answered:1", "kill",
            "look.answered:x:error", "look.answered:1:delay=-1", "look.answered:1:delay=1e9",
        ])
    func aMisspeltOrderIsNamed(_ text: String) throws {
        let complaint = try #require(FailOrders.complaint(text))
        #expect(complaint.contains(text))
        #expect(FailOrders(parsing: text).effect(of: .lookAnswered) == nil)
    }

    @Test func ordersThatCanBeReadAreNotComplainedOf() {
        #expect(FailOrders.complaint("") == nil)
        for point in Failpoint.allCases { #expect(FailOrders.complaint("\(point.rawValue):1:kill") == nil) }
    }

    @Test func withoutOrdersNothingFails() throws {
        for point in Failpoint.allCases { try Failpoints.pass(point) }
    }

    @Test func whatHasBeenPassedLeavesAFileEach() throws {
        let folder = TemporaryFolder()
        let passed = PassedPoints(folder: folder.path)
        for point in [Failpoint.claimed, .storeOpened, .claimed] { passed.add(point) }
        // Programs that follow find the files there.
        PassedPoints(folder: folder.path).add(.claimed)
        #expect(try Set(FileManager.default.contentsOfDirectory(atPath: folder.path))
            == ["job.claimed", "daemon.store-opened"])
    }

    @Test func namesCanStandInAnOrder() {
        for point in Failpoint.allCases {
            #expect(point.rawValue.allSatisfy { $0.isLowercase || $0 == "." || $0 == "-" }, "\(point)")
        }
    }
}
