package import FoundationEssentials
import MoltCore
package import MoltScheduler

/// An answer of slurmrestd: whatever it has of the parts that Molt reads, in every version of the interface.
package struct RestReply: Decodable, Sendable {
    package var errors: [Problem]?
    package var warnings: [Problem]?
    package var meta: Meta?
    package var jobs: [RestJob]?
    package var partitions: [RestPartition]?
    package var nodes: [RestNode]?
    package var pings: [Ping]?
    package var statistics: Statistics?
    package var result: Submission?
    package var jobID: RestNumber?
    package var message: RestText?
    /// The controller's clock, from v0.0.39 on in every list.
    package var lastUpdate: RestNumber?

    enum CodingKeys: String, CodingKey {
        case errors, warnings, meta, jobs, partitions, nodes, pings, statistics, result
        case jobID = "job_id"
        case message = "job_submit_user_msg"
        case lastUpdate = "last_update"
    }

    package struct Problem: Decodable, Hashable, Sendable {
        package var number: RestNumber?
        /// v0.0.38 writes some of its errors under this name.
        package var code: RestNumber?
        package var error: RestText?
        package var description: RestText?

        enum CodingKeys: String, CodingKey {
            case error, description
            case number = "error_number"
            case code = "error_code"
        }

        package var value: Int32? { ((number ?? code)?.value).flatMap { Int32(exactly: $0) } }
    }

    package struct Meta: Decodable, Sendable {
        private var older: Slurm?
        private var newer: Slurm?

        enum CodingKeys: String, CodingKey {
            case older = "Slurm"
            case newer = "slurm"
        }

        struct Slurm: Decodable, Sendable {
            var release: RestText?
        }

        package var release: String? { (older?.release ?? newer?.release)?.text }
    }

    package struct Ping: Decodable, Sendable {
        private var ping: RestText?
        private var pinged: RestText?
        /// From v0.0.42 on; the words are to go.
        private var responding: Bool?

        package var isUp: Bool { responding ?? ((pinged ?? ping)?.text.uppercased() == "UP") }
    }

    package struct Statistics: Decodable, Sendable {
        package var requestTime: RestNumber?

        enum CodingKeys: String, CodingKey { case requestTime = "req_time" }
    }

    package struct Submission: Decodable, Sendable {
        package var jobID: RestNumber?

        enum CodingKeys: String, CodingKey { case jobID = "job_id" }
    }

    /// Reads an answer. Names of other users' jobs may hold bytes that are no text; they become question marks.
    package static func read(_ body: Data) throws -> RestReply {
        let isText = body.withUnsafeBytes { String(validating: $0, as: UTF8.self) != nil }
        let data = isText ? body : Data(String(decoding: body, as: UTF8.self).utf8)
        return try BoundedJSON().decode(RestReply.self, from: data)
    }
}

/// A job in slurmrestd's words: the names are the same from v0.0.36 on, the forms are not.
package struct RestJob: Decodable, Sendable {
    package var id: RestNumber
    package var userID: RestNumber?
    package var userName: RestText?
    package var name: RestText?
    package var comment: RestText?
    package var state: RestWords
    package var reason: RestText?
    package var detail: RestText?
    package var restarts: RestNumber?
    package var exit: RestExit?
    package var submitted: RestNumber?
    package var eligible: RestNumber?
    package var started: RestNumber?
    package var ends: RestNumber?
    package var preempted: RestNumber?
    /// Minutes.
    package var timeLimit: RestNumber?
    package var partition: RestText?
    package var nodes: RestText?
    package var array: RestNumber?
    package var heterogeneous: RestNumber?

    enum CodingKeys: String, CodingKey {
        case name, comment, partition, nodes
        case array = "array_job_id"
        case heterogeneous = "het_job_id"
        case id = "job_id"
        case userID = "user_id"
        case userName = "user_name"
        case state = "job_state"
        case reason = "state_reason"
        case detail = "state_description"
        case restarts = "restart_cnt"
        case exit = "exit_code"
        case submitted = "submit_time"
        case eligible = "eligible_time"
        case started = "start_time"
        case ends = "end_time"
        case preempted = "preempt_time"
        case timeLimit = "time_limit"
    }

    /// Nil when it has no number.
    package func status(asOf: Double, wasCancelled: (UInt32) -> Bool) -> JobStatus? {
        guard let number = id.count, number > 0 else { return nil }
        let word = exit?.word ?? 0
        let evidence = StateWords.Evidence(
            endsAt: ends?.moment, asOf: asOf, exitWord: word, wasCancelled: wasCancelled(number))
        let (base, flags) = StateWords.decode(state.words, evidence)
        var job = JobStatus(
            job: number, name: name?.text ?? "", comment: comment?.text ?? "", userID: userID?.count ?? .max,
            state: base)
        job.flags = flags
        job.reason = reason?.text ?? "None"
        job.reasonCode = ReasonWords.number(job.reason) ?? 0
        job.detail = base == .unknown ? StateWords.told(state.words) : detail?.text ?? ""
        job.restartCount = Int(restarts?.count ?? 0)
        job.exitWord = word
        job.submittedAt = submitted?.moment
        job.eligibleAt = eligible?.moment
        job.startedAt = started?.moment
        job.endsAt = ends?.moment
        job.preemptedAt = preempted?.moment
        job.timeLimit = RestTime.seconds(timeLimit)
        job.partition = partition?.text ?? ""
        job.nodes = HostList.expand(nodes?.text ?? "") ?? []
        job.group = [array, heterogeneous].compactMap { $0?.count }.first { $0 > 0 }
        return job
    }
}

enum RestTime {
    /// Minutes to seconds. v0.0.38 writes "no limit" as null or as a number that is all ones.
    static func seconds(_ minutes: RestNumber?) -> Double? {
        guard let value = minutes?.value, value >= 0, value < 4_294_967_294 else { return nil }
        return value * 60
    }
}
