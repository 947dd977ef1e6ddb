import MoltCore
import Testing

/// What the kill of an incarnation cost, by rank 0's own events and where the next one began.
struct KillLoss: CustomStringConvertible {
    /// Steps of the killed incarnation that the next one had to take again.
    let steps: Int
    /// Those of them that were taken while a save was under way which the kill ended.
    let duringSave: Int
    /// Steps that were taken while the state that was resumed from was being saved; a save that is due waits for the
    /// one before.
    let duringResumedSave: Int

    init(in fleet: Fleet, epoch: Int) throws {
        let first = try #require(fleet.firstStep(epoch: epoch + 1))
        try self.init(fleet.events(epoch: epoch), resumed: first - 1)
    }

    init(_ events: [RunEvent], resumed: Int) throws {
        let last = try #require(events.last { $0.kind == .step }?.step)
        steps = last - resumed
        let saves = Self.saves(events)
        duringSave = saves.last.flatMap { $0.isDone ? nil : last - max($0.begun, resumed) } ?? 0
        duringResumedSave = saves.first { $0.begun == resumed }?.steps ?? 0
    }

    func isWithin(_ interval: Int) -> Bool {
        steps - duringSave <= max(interval, duringResumedSave)
    }

    var description: String {
        "\(steps) steps lost, \(duringSave) of them during a save; \(duringResumedSave) during the save before"
    }

    /// Each save's step, how many steps were reported while it was under way, and whether its end was told.
    private static func saves(_ events: [RunEvent]) -> [(begun: Int, steps: Int, isDone: Bool)] {
        var saves: [(begun: Int, steps: Int, isDone: Bool)] = []
        for event in events {
            switch event.kind {
            case .phase where event.phase == .save: saves.append((event.step ?? 0, 0, false))
            case .step:
                if let last = saves.indices.last, !saves[last].isDone { saves[last].steps += 1 }
            case .saved:
                if let index = saves.firstIndex(where: { $0.begun == event.step }) { saves[index].isDone = true }
            default: break
            }
        }
        return saves
    }
}

struct KillLossTests {
    /// Numbers are steps, `b` begins a save of the state there, `e4` tells that the save of step 4 has ended.
    private func events(_ text: String) -> [RunEvent] {
        var step = 0
        return text.split(separator: " ").map { word in
            if word == "b" {
                var event = RunEvent(.phase, at: 0, step: step)
                event.phase = .save
                return event
            }
            if word.first == "e" { return RunEvent(.saved, at: 0, step: Int(word.dropFirst())) }
            step = Int(word) ?? 0
            return RunEvent(.step, at: 0, step: step)
        }
    }

    @Test(arguments: [
        ("1 2 3 4", 0, 4, 0, true), ("1 2 3 4 5", 0, 5, 0, false),
        // The save that was hit took three steps, and the interval before it is lost as well.
        ("1 2 3 4 b 5 6 7", 0, 7, 3, true), ("1 2 3 4 5 b 6 7", 0, 7, 2, false),
        // Committed, and killed before it was told.
        ("1 2 3 4 b 5 6 7", 4, 3, 3, true),
        ("1 2 3 4 b 5 e4 6 7 8 b 9", 4, 5, 1, true), ("1 2 3 4 b 5 e4 6 7 8 9", 4, 5, 0, false),
        // The save before took six steps, so the next could not begin earlier.
        ("1 2 3 4 b 5 6 7 8 9 10 e4 b 11", 4, 7, 1, true),
    ])
    func theLossIsHeldAgainstTheInterval(
        _ text: String, _ resumed: Int, _ steps: Int, _ duringSave: Int, _ isWithin: Bool
    ) throws {
        let loss = try KillLoss(events(text), resumed: resumed)
        #expect(loss.steps == steps && loss.duringSave == duringSave && loss.isWithin(4) == isWithin, "\(loss)")
    }
}
