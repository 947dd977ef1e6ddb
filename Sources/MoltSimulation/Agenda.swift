/// What will happen, in the order of time; what is due at the same time happens in the order in which it was planned.
struct Agenda {
    private struct Entry {
        var time: Double
        var sequence: Int
        var happening: Happening

        func isBefore(_ other: Entry) -> Bool {
            time != other.time ? time < other.time : sequence < other.sequence
        }
    }

    /// All times are rounded up to multiples of this, where it is given.
    var grain: Double?
    private var heap: [Entry] = []
    private var planned = 0

    var nextTime: Double? { heap.first?.time }

    func rounded(_ time: Double) -> Double { grain.map { (time / $0).rounded(.up) * $0 } ?? time }

    mutating func add(_ happening: Happening, at time: Double) {
        planned += 1
        heap.append(Entry(time: rounded(time), sequence: planned, happening: happening))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].isBefore(heap[parent]) else { break }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func removeFirst() -> (time: Double, happening: Happening)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            sink()
        }
        return (first.time, first.happening)
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var least = parent
            for child in 2 * parent + 1...2 * parent + 2 where child < heap.count {
                if heap[child].isBefore(heap[least]) { least = child }
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}

/// Everything in the world that is not the daemon's own doing.
enum Happening {
    // The controller.
    case schedulingPass
    case laterPass
    case saveState
    case purge
    case controllerStarts
    case controllerContinues
    case controllerDies
    case stateRestored
    case partitionOpens
    case requestArrives(Int)
    case launch(job: UInt32, launch: Int)
    case configured(job: UInt32, launch: Int)
    case completed(job: UInt32, launch: Int)
    case timeLimit(job: UInt32, launch: Int)
    // Nodes and the processes on them.
    case nodeHeals(Int)
    case slurmdStarts(Int)
    case processActs(Int)
    case processStops(Int)
    case processKilled(Int)
    case processReported(Int)
    case strangerLeaves(UInt32)
    case shellLooks(Int)
    /// A file that was written on a node can be seen elsewhere.
    case fileShows
    // People, and what goes wrong.
    case runIsSubmitted
    case userActs
    case adminActs
    case adminRelents(UInt32)
    case fault
    /// One of the faults that come at a rate of their own.
    case rated(Int)
    case spellEnds
    case daemonStarts
    case calm
    case tidyUp
}
