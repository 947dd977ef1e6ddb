/// One line of `events/<epoch>-<writer>.jsonl`. Absent fields are left out of the JSON.
///
/// A `task: command` program appends the same lines (at least `step`, `loss`) to `MOLT_PROGRESS_FILE`.
package struct RunEvent: Codable, Hashable, Sendable {
    /// Seconds since 1970, by the writer's clock.
    package var at: Double?
    package var kind: Kind?
    package var step: Int?
    package var steps: Int?
    package var loss: Double?
    package var validationLoss: Double?
    package var tokens: Int?
    package var tokensPerSecond: Double?
    package var learningRate: Double?
    package var gradientNorm: Double?
    /// Seconds that the thing named by `kind` took.
    package var seconds: Double?
    package var phase: Phase?
    package var checkpoint: String?
    package var bytes: Int?
    /// Of a saved checkpoint's manifest.
    package var sha256: String?
    /// Seconds for which a save kept training waiting; the rest of it went on beside.
    package var stall: Double?
    /// Seconds that this rank itself worked on a step, without its wait for the others: the mean of `ownSteps` steps.
    package var own: Double?
    package var ownSteps: Int?
    package var message: String?

    package enum Kind: String, Codable, Sendable, CaseIterable {
        /// One optimizer step was taken.
        case step
        /// A validation pass ended.
        case validation
        /// The worker entered `phase`.
        case phase
        /// A checkpoint was committed, or failed to be (`message` says why).
        case saved, saveFailed
        /// State was loaded from `checkpoint` (or from nothing).
        case loaded
        /// A checkpoint was passed over on load (`message` says why).
        case rejectedCheckpoint
        /// The thread count, instruction set or matmul choice differs from the record of the run.
        case numericsChanged
        /// Worker and job starts and ends.
        case started, ended
        /// Some ranks make the others wait (`message` says which); none does any more.
        case slowRank, slowRankOver
        /// Anything that people should read.
        case note
    }

    /// What a worker is busy with; each phase has its own budget of silence.
    package enum Phase: String, Codable, Sendable, CaseIterable {
        case start, load, data, step, save, evaluate, finish
    }

    package init(_ kind: Kind, at: Double, step: Int? = nil, message: String? = nil) {
        self.kind = kind
        self.at = at
        self.step = step
        self.message = message
    }

    enum CodingKeys: String, CodingKey {
        case at = "t"
        case kind, step, steps, loss, tokens, seconds, phase, checkpoint, bytes, sha256, stall, own, message
        case ownSteps = "own_steps"
        case validationLoss = "validation_loss"
        case tokensPerSecond = "tokens_per_second"
        case learningRate = "lr"
        case gradientNorm = "grad_norm"
    }
}

extension RunEvent {
    /// Whatever program wrote the line: what can be no count is left out, and nobody has to reckon with it.
    package init(from decoder: any Decoder) throws {
        let line = try decoder.container(keyedBy: CodingKeys.self)
        func read<Value: Decodable>(_ key: CodingKeys) throws -> Value? {
            try line.decodeIfPresent(Value.self, forKey: key)
        }
        func count(_ key: CodingKeys) throws -> Int? {
            try line.decodeIfPresent(Int.self, forKey: key).flatMap { (0...Self.countMax).contains($0) ? $0 : nil }
        }
        (at, kind, phase) = (try read(.at), try read(.kind), try read(.phase))
        (step, steps, tokens, bytes) = (try count(.step), try count(.steps), try count(.tokens), try count(.bytes))
        (loss, validationLoss) = (try read(.loss), try read(.validationLoss))
        (tokensPerSecond, seconds, stall) = (try read(.tokensPerSecond), try read(.seconds), try read(.stall))
        (learningRate, gradientNorm) = (try read(.learningRate), try read(.gradientNorm))
        (own, ownSteps) = (try read(.own), try count(.ownSteps))
        (checkpoint, sha256, message) = (try read(.checkpoint), try read(.sha256), try read(.message))
    }

    /// Whole numbers up to here survive every JSON reader.
    private static let countMax = 1 << 53
}
