import MoltCore

/// Whether what a recipe saves fits into the time that a partition leaves for it: at submission, and for the doctor.
package struct SaveWindow: Sendable {
    /// Bytes of a checkpoint: weights and the optimizer's two moments in fp32, of what is trained.
    package let bytes: Double
    /// Bytes a second.
    package let rate: Double
    /// True when the rate comes from saves that were made at this site.
    package let isMeasured: Bool

    /// Before anything was measured; the engine starts from the same figure.
    package static let assumedRate = 100e6
    /// Saves smaller than this say nothing about a file system's rate.
    package static let measuredBytesMin = 16 << 20
    package static let measuredLatest = 20

    /// What a partition leaves; seconds.
    package struct Place: Hashable, Sendable {
        package var name: String
        package var timeLimit: Double?
        package var defaultTime: Double?
        package var graceTime: Double
        package var killWait: Double
        package var preemptMode: String

        /// - Parameter preemptMode: the partition's own, or the cluster's where it has none.
        package init(
            name: String, timeLimit: Double?, defaultTime: Double?, graceTime: Double, killWait: Double,
            preemptMode: String
        ) {
            self.name = name
            self.timeLimit = timeLimit
            self.defaultTime = defaultTime
            self.graceTime = graceTime
            self.killWait = killWait
            self.preemptMode = preemptMode
        }

        /// Seconds from the warning before a preemption to the kill; nil where nothing is preempted.
        package var window: Double? {
            let mode = preemptMode.lowercased()
            return ["requeue", "cancel"].contains(where: mode.contains) ? graceTime + killWait : nil
        }
    }

    /// Something that does not fit.
    package struct Finding: Hashable, Sendable {
        package var words: String
        package var advice: String
        /// It can never save, by a rate that is more than a guess.
        package var isFatal: Bool
    }

    /// Nil for a recipe that does not train, or whose size only its base knows.
    package init?(_ recipe: Recipe, measured: Double?) {
        guard recipe.trains, let model = recipe.model else { return nil }
        // The length of sequences decides how much is computed, not how much is saved.
        let trainable = recipe.method.type.adapts
            ? AdapterSize.count(recipe.method, model) : ModelSize(model, sequenceLength: 1).parameters
        bytes = 12 * Double(trainable)
        rate = measured ?? Self.assumedRate
        isMeasured = measured != nil
    }

    /// Seconds that a save takes, and with the margin that the workers leave before their deadline.
    package var save: Double { bytes / rate }
    package var withMargin: Double { 1.5 * save + 2 }

    /// The bytes that a window of so many seconds is enough for.
    package static func bytes(in window: Double, rate: Double) -> Double { max(0, window - 2) / 1.5 * rate }

    package var words: String {
        "a checkpoint of \(Quantities.bytesText(bytes)) takes about \(Durations.text(max(1, save))) to save at "
            + "\(Quantities.bytesText(rate))/s (\(isMeasured ? "measured here" : "assumed"))"
    }

    /// - Parameter time: what an attempt asks for; nil for the partition's own.
    package func findings(time: Double?, in place: Place) -> [Finding] {
        var findings: [Finding] = []
        if let time = time ?? place.defaultTime ?? place.timeLimit {
            // An attempt loads what the one before has saved, which takes about as long.
            let needed = save + withMargin + Self.startSeconds
            if needed >= time {
                let problem = "\(words): an attempt of \(Durations.text(time)) would end before it has saved anything"
                let least = Durations.text((2 * needed / 60).rounded(.up) * 60)
                findings.append(
                    isMeasured
                        ? Finding(words: problem, advice: "ask for \(least) or more", isFatal: true)
                        : Finding(
                            words: problem,
                            advice: "\(least) or more would be safe; nothing is refused while no save was measured",
                            isFatal: false))
            }
        }
        if let window = place.window, withMargin > window {
            findings.append(
                Finding(
                    words: "\(words), and partition '\(place.name)' leaves \(Durations.text(window)) when it preempts",
                    advice: "what was done since the last periodic save is lost then (checkpoint.every)",
                    isFatal: false))
        }
        return findings
    }

    /// Seconds from the start of a job to its first step, without loading.
    private static let startSeconds = 20.0
}
