import FoundationEssentials
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// The processes of local jobs.
enum LocalProcesses {
    /// Marks what belongs to one incarnation, for the case that its keeper is lost.
    static let mark = "MOLT_LOCAL_JOB"

    /// Everything that descends from the keeper or is in its session, the keeper excepted.
    static func members(of keeper: Int32) -> [Int32: ProcStat] {
        let all = table()
        return all.filter { pid, stat in
            guard pid != keeper, stat.state != "Z" else { return false }
            if stat.session == keeper { return true }
            var parent = stat.parent, steps = 0
            while parent > 1, steps < 64 {
                if parent == keeper { return true }
                parent = all[parent]?.parent ?? 0
                steps += 1
            }
            return false
        }
    }

    /// Signals the batch process, the workers (all others) or both. A signal that stops or ends goes to sleepers too.
    static func signal(_ number: Int32, _ target: SignalTarget, keeper: LocalFiles.Keeper) {
        for (pid, seen) in members(of: keeper.process.pid) {
            let isBatch = pid == keeper.program
            switch target {
            case .workers where isBatch, .batch where !isBatch: continue
            case .workers, .batch, .all: break
            }
            // Between the look and the signal the number could have gone to another.
            guard ProcStat.read(pid: pid)?.startTicks == seen.startTicks else { continue }
            if number == SIGTERM { kill(pid, SIGCONT) }
            kill(pid, number)
        }
    }

    static func killAll(keeper: LocalFiles.Keeper) {
        guard keeper.process.isAlive else { return }
        // A stopped keeper would never report.
        kill(keeper.process.pid, SIGCONT)
        signal(SIGKILL, .all, keeper: keeper)
    }

    /// Ends what carries the mark of an incarnation whose keeper is gone.
    static func sweep(mark value: String) {
        let wanted = Data("\(mark)=\(value)".utf8)
        for (pid, seen) in table() where seen.state != "Z" {
            guard let environment = FileManager.default.contents(atPath: "/proc/\(pid)/environ"),
                environment.split(separator: 0).contains(where: { $0.elementsEqual(wanted) }),
                ProcStat.read(pid: pid)?.startTicks == seen.startTicks
            else { continue }
            kill(pid, SIGKILL)
        }
    }

    private static func table() -> [Int32: ProcStat] {
        var result: [Int32: ProcStat] = [:]
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
            guard let pid = Int32(name), let stat = ProcStat.read(pid: pid) else { continue }
            result[pid] = stat
        }
        return result
    }
}
