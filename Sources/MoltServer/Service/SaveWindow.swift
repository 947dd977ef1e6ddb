import MoltCore
import MoltRecipe
import MoltScheduler

/// Whether what a recipe saves fits into the time that a partition leaves for it.
struct SaveWindow {
    /// Bytes of a checkpoint: weights and the optimizer's two moments in fp32, of what is trained.
    let bytes: Double
    /// Bytes a second.
    let rate: Double
    /// True when the rate comes from saves that were made at this site.
    let isMeasured: Bool

    /// Before anything was measured; the engine starts from the same figure.
    static let assumedRate = 100e6
    /// Saves smaller than this say nothing about a file system's rate.
    static let measuredBytesMin = 16 << 20
    static let measuredLatest = 20

    /// Nil for a recipe that does not train, or whose size only its base knows.
    init?(_ recipe: Recipe, measured: Double?) {
        guard let estimate = Estimate(recipe) else { return nil }
        bytes = 12 * Double(estimate.trainableParameters)
        rate = measured ?? Self.assumedRate
        isMeasured = measured != nil
    }

    /// Seconds that a save takes, and with the margin that the workers leave before their deadline.
    var save: Double { bytes / rate }
    var withMargin: Double { 1.5 * save + 2 }

    private var words: String {
        "a checkpoint of \(Quantities.bytesText(bytes)) takes about \(Durations.text(max(1, save))) to save at "
            + "\(Quantities.bytesText(rate))/s (\(isMeasured ? "measured here" : "assumed"))"
    }

    /// - Returns: warnings. What could never save is refused, if its rate is more than a guess.
    func check(
        time: Double?, partition: SchedulerConfiguration.Partition, settings: SchedulerConfiguration
    ) throws(UserError) -> [String] {
        var warnings: [String] = []
        if let time = time ?? partition.defaultTime ?? partition.timeLimit {
            // An attempt loads what the one before has saved, which takes about as long.
            let needed = save + withMargin + Self.startSeconds
            if needed >= time {
                let problem = "\(words): an attempt of \(Durations.text(time)) would end before it has saved anything"
                let least = Durations.text((2 * needed / 60).rounded(.up) * 60)
                guard !isMeasured else {
                    throw UserError(problem, at: "resources.time", fix: "ask for \(least) or more")
                }
                warnings.append("\(problem); \(least) or more would be safe")
            }
        }
        let mode = partition.preemptMode.isEmpty ? settings.preemptMode : partition.preemptMode
        let window = partition.graceTime + settings.killWait
        if ["requeue", "cancel"].contains(where: mode.lowercased().contains), withMargin > window {
            warnings.append(
                "\(words), and partition '\(partition.name)' leaves \(Durations.text(window)) when it preempts: "
                    + "what was done since the last periodic save is lost then (checkpoint.every)")
        }
        return warnings
    }

    /// Seconds from the start of a job to its first step, without loading.
    private static let startSeconds = 20.0
}
