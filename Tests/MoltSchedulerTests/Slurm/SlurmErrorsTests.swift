import MoltCore
import Testing

import MoltScheduler

/// What each of Slurm's numbers lets us conclude, by operation.
@Suite struct SlurmErrorsTests {
    private static let request = JobRequest(
        key: .random(), name: "a", script: "#!/bin/sh\n", workingDirectory: "/", output: "/tmp/x")

    private func submit(_ code: Int32) -> SchedulerError {
        SlurmErrors.classify(.submit(Self.request), code: code, text: "text")
    }

    private func cancel(_ code: Int32) -> SchedulerError {
        SlurmErrors.classify(.cancel(7, key: Self.request.key), code: code, text: "text")
    }

    /// Covers A9, A9b.
    @Test(
        arguments: [
            5004, 104, 1801, 1802, 1002, 1003, 5003, 1007, 1005, 32, 110, 99001, 6000, 12345, -1, 1,
        ] as [Int32])
    func aSubmissionThatMayHaveArrivedIsAmbiguous(_ code: Int32) {
        guard case .ambiguous = submit(code) else {
            Issue.record("\(code): \(submit(code))")
            return
        }
        guard case .ambiguous = cancel(code) else {
            Issue.record("\(code): \(cancel(code))")
            return
        }
    }

    /// Covers A13.
    @Test(arguments: [2000, 2006, 2014, 2044, 2051, 2072, 2045, 2066, 2115, 8000] as [Int32])
    func theControllersNoIsFinal(_ code: Int32) {
        #expect(submit(code) == .rejected(code: code, message: "Slurm says: text (\(code))"))
    }

    /// A partition that is drained for maintenance, a queue that takes no more of one user's jobs: the same request is
    /// taken when that is over. 2015 ("not available now") and 2050 (which stands for the submit limit, too) were
    /// final once, and ended runs that had only come at a bad moment.
    ///
    /// Covers A12, A16.
    @Test(arguments: [2015, 2050, 2055, 2056, 2068, 2070, 2074, 2100, 2101, 2105, 2118, 7000, 7008] as [Int32])
    func whatPassesByItselfMeansLater(_ code: Int32) {
        #expect(submit(code) == .later(message: "Slurm says: text (\(code))"))
        // Of a job that exists it says something else.
        if case .later = cancel(code) { Issue.record("\(code): \(cancel(code))") }
    }

    /// Covers A13.
    @Test(arguments: [2040, 2041, 2063, 2064] as [Int32])
    func aNumberWithTwoMeaningsIsNoReasonToWait(_ code: Int32) {
        guard case .rejected = submit(code) else {
            Issue.record("\(code): \(submit(code))")
            return
        }
    }

    /// 1804 asks to come back later, from 23.02 on.
    ///
    /// Covers A12, B13.
    @Test(arguments: [11, 2007, 2016, 1804] as [Int32])
    func aFullQueueMeansLater(_ code: Int32) {
        guard case .later = submit(code) else {
            Issue.record("\(code): \(submit(code))")
            return
        }
    }

    /// Neither a refused connection nor a controller in standby has done anything.
    ///
    /// Covers B5.
    @Test(arguments: [1800, 2027, 2131] as [Int32])
    func whoDidNotTakeItHasDoneNothing(_ code: Int32) {
        guard case .unavailable = submit(code), case .unavailable = cancel(code),
            case .unavailable = SlurmErrors.classify(.loadJobs, code: code, text: "")
        else {
            Issue.record("\(code)")
            return
        }
    }

    /// Covers B10.
    @Test func anotherReleaseIsNamedAsTheReason() {
        guard case .unavailable(let said) = SlurmErrors.classify(.ping, code: 1005, text: "words") else {
            Issue.record("1005")
            return
        }
        #expect(said == "Slurm says: words (1005); libslurm and the controller are of different releases")
    }

    /// Covers B14.
    @Test func aReadingNeverLeavesADoubt() {
        for code in [5004, 104, 1007, 1005, 12345, 1800] as [Int32] {
            guard case .unavailable = SlurmErrors.classify(.loadJobs, code: code, text: "") else {
                Issue.record("\(code)")
                return
            }
        }
    }

    @Test func statesOfAJobAreToldApart() {
        #expect(cancel(2017) == .notFound(job: 7))
        for code in [2021, 2024, 2020, 2037] as [Int32] {
            guard case .wrongState(job: 7, _) = cancel(code) else {
                Issue.record("\(code)")
                return
            }
        }
        guard case .notPermitted = cancel(2002) else {
            Issue.record("2002")
            return
        }
    }

    @Test(arguments: [("75-80,99", [75, 76, 77, 78, 79, 80, 99]), ("", []), ("1", [1]), ("9-3", []), ("x", [])])
    func exitCodeListsAreRead(_ text: String, _ codes: [Int32]) {
        #expect(ExitCodeList.codes(text) == codes)
    }

    @Test(
        arguments: [
            ("gpu:4", 4), ("gpu:h100:8(S:0-1),shard:16", 8), ("gpu:a:2,gpu:b:3", 5), ("(null)", 0), ("", 0), ("gpu", 1),
        ])
    func gpusAreCounted(_ text: String, _ count: Int) {
        #expect(GresList.gpus(text) == count)
    }
}
