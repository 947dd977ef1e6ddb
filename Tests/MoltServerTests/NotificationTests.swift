import FoundationEssentials
import Logging
import MoltAPI
import MoltCore
import MoltRecipe
import MoltScheduler
import MoltServer
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// `notify:` in a recipe: who is told what, and what a deaf receiver costs.
struct NotificationTests {
    private struct Message: Decodable {
        let run: String
        let name: String
        let occasion: String
        let state: String
        let message: String
        let step: Int?
        let loss: Double?

        init(_ text: String) throws {
            self = try JSONDecoder().decode(Message.self, from: Data(text.utf8))
        }
    }

    private func outbox(_ daemon: TestDaemon, patience: Double = 5) -> NotificationService {
        NotificationService(
            store: daemon.store, clock: daemon.clock, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            patience: patience)
    }

    /// A run that reported a step and then ended well.
    private func finished(_ daemon: TestDaemon, _ change: (inout NotifySection) -> Void) async throws -> String {
        let (run, job) = try await daemon.running { change(&$0.notify) }
        try daemon.report(run, [#"{"t":1,"kind":"step","step":3,"steps":3,"loss":1.5}"#])
        try daemon.leaveReceipt(run, code: 0)
        await daemon.scheduler.end(job, .complete)
        try await daemon.pass(3)
        try #require(try await daemon.state(run) == .finished)
        return run
    }

    private func events(_ daemon: TestDaemon, _ run: String) async throws -> [String] {
        try await daemon.service.timeline(run, after: 0, limit: 100).entries.map(\.kind)
    }

    @Test func aWebhookIsToldOnceOfAFinishedRun() async throws {
        let daemon = try TestDaemon(), server = try WebhookServer()
        defer { server.stop() }
        let run = try await finished(daemon) { $0.webhook = server.url }
        let outbox = outbox(daemon)
        await outbox.deliverDue()
        daemon.clock.advance(100)
        await outbox.deliverDue()
        #expect(server.bodies.count == 1)
        let message = try Message(try #require(server.bodies.first))
        #expect(message.run == run && message.name == "count")
        #expect(message.occasion == "finished" && message.state == "finished")
        #expect(message.step == 3 && message.loss == 1.5)
    }

    @Test func aWebhookIsToldWhyARunFailed() async throws {
        let daemon = try TestDaemon(), server = try WebhookServer()
        defer { server.stop() }
        await daemon.scheduler.next(.fail(.rejected(code: 2000, message: "invalid account")))
        _ = try await daemon.submit { $0.notify.webhook = server.url }
        try await daemon.pass(2)
        await outbox(daemon).deliverDue()
        let message = try Message(try #require(server.bodies.first))
        #expect(message.occasion == "failed" && message.message.contains("invalid account"))
    }

    @Test func aWebhookIsToldThatARunIsStuck() async throws {
        let daemon = try TestDaemon(), server = try WebhookServer()
        defer { server.stop() }
        let run = try await daemon.submit { $0.notify.webhook = server.url }
        var rounds = 0
        while try await daemon.state(run) != .stuck {
            rounds += 1
            try #require(rounds < 20)
            try await daemon.pass(1)
            let job = try #require(try await daemon.detail(run).attempts.last?.jobID)
            await daemon.scheduler.start(job)
            try daemon.claim(run, job, incarnation: 0)
            try await daemon.pass(2)
            await daemon.scheduler.forgetEverything()
            try await daemon.pass(400, step: 5)
        }
        await outbox(daemon).deliverDue()
        let message = try Message(try #require(server.bodies.first))
        #expect(message.occasion == "stuck" && !message.message.isEmpty)
    }

    @Test func whatWasNotAskedForIsNotSent() async throws {
        let daemon = try TestDaemon(), server = try WebhookServer()
        defer { server.stop() }
        _ = try await finished(daemon) {
            $0.on = [.failed, .stuck]
            $0.webhook = server.url
        }
        await outbox(daemon).deliverDue()
        #expect(server.bodies.isEmpty)
    }

    @Test func aFailingWebhookIsTriedAgainAfterGrowingPausesAndGetsThrough() async throws {
        let daemon = try TestDaemon(), server = try WebhookServer(statuses: [500, 503, 200])
        defer { server.stop() }
        let run = try await finished(daemon) { $0.webhook = server.url }
        let outbox = outbox(daemon)
        await outbox.deliverDue()
        #expect(server.bodies.count == 1)
        daemon.clock.advance(9)
        await outbox.deliverDue()
        #expect(server.bodies.count == 1, "ten seconds are waited before the second try")
        daemon.clock.advance(1)
        await outbox.deliverDue()
        #expect(server.bodies.count == 2)
        daemon.clock.advance(19)
        await outbox.deliverDue()
        #expect(server.bodies.count == 2, "and twice as long before the third")
        daemon.clock.advance(1)
        await outbox.deliverDue()
        daemon.clock.advance(10_000)
        await outbox.deliverDue()
        #expect(server.bodies.count == 3)
        #expect(try await !events(daemon, run).contains("notify-failed"))
    }

    @Test func aWebhookThatNeverAnswersIsGivenUpAndTheRunIsAsItWas() async throws {
        let daemon = try TestDaemon(), server = try WebhookServer(statuses: [500])
        let run = try await finished(daemon) { $0.webhook = server.url }
        server.stop()
        let outbox = outbox(daemon)
        for _ in 0..<(Limits.notificationTries + 3) {
            await outbox.deliverDue()
            daemon.clock.advance(3600)
        }
        let story = try await daemon.service.timeline(run, after: 0, limit: 100).entries
        let given = story.filter { $0.kind == "notify-failed" }
        #expect(given.count == 1 && given.first?.message.contains("finished") == true)
        #expect(try await daemon.state(run) == .finished)
    }

    @Test func aWebhookThatHangsDelaysNoneOfTheOthers() async throws {
        let daemon = try TestDaemon(), deaf = try WebhookServer(statuses: [0]), good = try WebhookServer()
        defer {
            deaf.stop()
            good.stop()
        }
        _ = try await finished(daemon) { $0.webhook = deaf.url }
        _ = try await finished(daemon) { $0.webhook = good.url }
        await outbox(daemon, patience: 0.5).deliverDue()
        #expect(deaf.bodies.count == 1 && good.bodies.count == 1)
    }

    @Test func aCommandGetsTheMessageAndItsArgumentsAsTheyAre() async throws {
        let daemon = try TestDaemon(), file = daemon.folder("told")
        let hostile = "a b'\"$(id)\n;🦀"
        let run = try await finished(daemon) {
            $0.command = ["/bin/sh", "-c", "cat >\"$0\"; printf %s \"$1\" >\"$0.argument\"", file, hostile]
        }
        await outbox(daemon).deliverDue()
        let message = try Message(String(decoding: try DurableFile.read(file), as: UTF8.self))
        #expect(message.run == run && message.occasion == "finished")
        #expect(String(decoding: try DurableFile.read(file + ".argument"), as: UTF8.self) == hostile)
    }

    /// What its user has agreed to is the program there, and not one of that name where the daemon was started.
    @Test func aCommandRunsInTheFolderOfItsRun() async throws {
        let daemon = try TestDaemon(), place = daemon.folder("place")
        try DurableFile.makeFolder(place)
        try DurableFile.write(Data("#!/bin/sh\npwd >told\n".utf8), to: "\(place)/tell")
        chmod("\(place)/tell", 0o755)
        let (run, job) = try await daemon.running {
            $0.workingDirectory = place
            $0.notify.command = ["./tell"]
        }
        try daemon.leaveReceipt(run, code: 0)
        await daemon.scheduler.end(job, .complete)
        try await daemon.pass(3)
        await outbox(daemon).deliverDue()
        #expect(String(decoding: try DurableFile.read("\(place)/told"), as: UTF8.self) == place + "\n")
    }

    @Test(arguments: [["/nonexistent/program"], ["/bin/sh", "-c", "exit 3"], ["/bin/sleep", "60"]])
    func aCommandThatFailsHarmsNothingAndIsSaid(_ command: [String]) async throws {
        let daemon = try TestDaemon()
        let run = try await finished(daemon) { $0.command = command }
        let outbox = outbox(daemon, patience: 0.1)
        for _ in 0..<Limits.notificationTries {
            await outbox.deliverDue()
            daemon.clock.advance(3600)
        }
        #expect(try await events(daemon, run).contains("notify-failed"))
        #expect(try await daemon.state(run) == .finished)
    }

    @Test func aWayThatWorkedIsNotUsedAgainBecauseTheOtherFailed() async throws {
        let daemon = try TestDaemon(), server = try WebhookServer(statuses: [500, 200]), file = daemon.folder("told")
        defer { server.stop() }
        _ = try await finished(daemon) {
            $0.webhook = server.url
            $0.command = ["/bin/sh", "-c", "echo told >>\"$0\"", file]
        }
        let outbox = outbox(daemon)
        for _ in 0..<3 {
            await outbox.deliverDue()
            daemon.clock.advance(60)
        }
        #expect(server.bodies.count == 2)
        #expect(String(decoding: try DurableFile.read(file), as: UTF8.self) == "told\n")
    }

    @Test func aCommandThatFailsDoesNotKeepTheWebhookFromBeingTold() async throws {
        let daemon = try TestDaemon(), server = try WebhookServer()
        defer { server.stop() }
        _ = try await finished(daemon) {
            $0.webhook = server.url
            $0.command = ["/bin/false"]
        }
        await outbox(daemon).deliverDue()
        #expect(server.bodies.count == 1)
    }

    private func secret(_ daemon: TestDaemon, _ text: String) throws -> String {
        let path = daemon.folder("hook")
        try DurableFile.write(Data(text.utf8), to: path)
        return "secret://\(path)"
    }

    /// Covers J10.
    @Test func aSecretAddressIsReadWhenItIsNeeded() async throws {
        let daemon = try TestDaemon(), server = try WebhookServer()
        defer { server.stop() }
        let address = try secret(daemon, server.url + "\n")
        _ = try await finished(daemon) { $0.webhook = address }
        await outbox(daemon).deliverDue()
        #expect(server.bodies.count == 1)
    }

    /// Covers J10.
    @Test(arguments: ["http://127.0.0.1:1/canary", "http://[canary/", "canary"])
    func aSecretAddressThatDoesNotWorkIsNotTold(_ text: String) async throws {
        let daemon = try TestDaemon(), address = try secret(daemon, text)
        let run = try await finished(daemon) { $0.webhook = address }
        let outbox = outbox(daemon)
        for _ in 0..<10 {
            await outbox.deliverDue()
            daemon.clock.advance(4000)
        }
        let told = try await daemon.service.timeline(run, after: 0, limit: 100).entries
        #expect(told.contains { $0.kind == "notify-failed" }, "\(told)")
        #expect(!told.contains { $0.message.contains("canary") }, "\(told)")
    }
}
