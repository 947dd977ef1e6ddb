import CSlurm
import Glibc

extension molt_slurm_job {
    /// Two sights of a job with the same digest are the same, or so unlike that only chance could make them so; cheaper
    /// than a sight in words.
    var digest: Int {
        var hasher = Hasher()
        let numbers = [job, user_id, state, reason, restarts, exit_word, priority, time_limit, group]
        for number in numbers { hasher.combine(number) }
        for moment in [submitted, eligible, started, ends, preempted] { hasher.combine(moment) }
        for text in [name, comment, partition, nodes, reason_word, detail, batch_host, output] {
            guard let text else { continue }
            let bytes = UnsafeRawBufferPointer(start: text, count: strlen(text) + 1)
            hasher.combine(bytes: bytes)
        }
        return hasher.finalize()
    }
}
