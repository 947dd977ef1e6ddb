import MoltAPI
import MoltCore
import MoltReconcile
import MoltScheduler
import MoltServer
import Testing

/// What the daemon asks of the scheduler for a drill, and how it says that it may not.
struct DrillActionTests {
    @Test(arguments: [
        (DrillFault.preempt, "requeue 1"), (.kill, "signal 1 9"), (.walltime, "endOfTime 1"),
        (.nodeFail, "nodeDown(\"n1\") 1"), (.ctldOutage, "outage(7.0) 1"),
    ])
    func eachFaultIsAskedForOnceAndToldBefore(_ fault: DrillFault, _ request: String) async throws {
        let daemon = try TestDaemon()
        let (run, _) = try await daemon.running()
        try daemon.report(run, ["{\"kind\":\"step\",\"step\":3}"])
        try await daemon.reconciler.followProgress()
        let start = try await daemon.service.drill(run, DrillRequest(fault: fault, seconds: 7))
        #expect(await daemon.scheduler.log.filter { $0 == request }.count == 1)
        #expect(start.until == (fault == .ctldOutage ? start.at + 7 : nil))
        let told = try await daemon.service.timeline(run, after: 0, limit: 100).entries.filter { $0.kind == "drill" }
        #expect(told.map(\.message) == ["\(fault.rawValue), asked for by the user"])
    }

    @Test func whoMayNotTakeNodesDownIsToldWhatItNeeds() async throws {
        let daemon = try TestDaemon()
        let (run, _) = try await daemon.running()
        try daemon.report(run, ["{\"kind\":\"step\",\"step\":3}"])
        try await daemon.reconciler.followProgress()
        await daemon.scheduler.refuseUpdates(.notPermitted(message: "Access/permission denied"))
        let error = await #expect(throws: APIError.self) {
            try await daemon.service.drill(run, DrillRequest(fault: .nodeFail))
        }
        #expect(error?.code == .forbidden)
        #expect(error?.what.contains("only an operator") == true && error?.fix?.contains("molt drill kill") == true)
    }
}
