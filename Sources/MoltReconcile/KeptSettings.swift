import MoltScheduler

/// The scheduler's settings, and what of them every look asks for again for each run.
struct KeptSettings {
    let value: SchedulerConfiguration
    /// When they were asked for, by our clock.
    let at: Double
    private let preempts: [String: Bool]
    private let preemptsByDefault: Bool
    private let preemptsElsewhere: Bool

    init(_ value: SchedulerConfiguration, at time: Double) {
        self.value = value
        at = time
        preempts = Dictionary(
            value.partitions.map { ($0.name, Self.preempts($0.preemptMode)) }, uniquingKeysWith: { first, _ in first })
        preemptsElsewhere = Self.preempts(value.preemptMode)
        preemptsByDefault = value.partitions.first(where: \.isDefault).map { Self.preempts($0.preemptMode) }
            ?? preemptsElsewhere
    }

    /// True when a job there may be stopped for another's sake, by requeueing or ending it.
    /// - Parameter partition: nil for the site's default.
    func mayPreempt(in partition: String?) -> Bool {
        guard let partition else { return preemptsByDefault }
        return preempts[partition] ?? preemptsElsewhere
    }

    private static func preempts(_ mode: String) -> Bool {
        let mode = mode.uppercased()
        return mode.contains("REQUEUE") || mode.contains("CANCEL")
    }
}
