/// At most so many private clusters at once: a starved slurmctld proves nothing. Eight of them made
/// what measures time late on two cores.
actor ClusterLimit {
    static let shared = ClusterLimit(slots: 6)

    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(slots: Int) {
        free = slots
    }

    func enter() async {
        if free > 0 {
            free -= 1
        } else {
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    func leave() {
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
}
