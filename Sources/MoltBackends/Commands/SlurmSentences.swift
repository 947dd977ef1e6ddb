/// What Slurm's commands print for an error, back to the number behind it, as libslurm 22.05 knows them.
///
/// Only numbers that are a definite answer are listed: a sentence that is missing here, or that another release words
/// otherwise, is no proof of anything.
enum SlurmSentences {
    /// The number and the sentence that make up the whole of `text`.
    static func exactly(_ text: String) -> (number: Int32, sentence: String)? {
        let wanted = plain(text)
        return all.first { plain($0.sentence) == wanted }
    }

    /// The same, for a text that ends with the sentence after a colon, or goes on with ` for job 5`.
    static func within(_ line: String) -> (number: Int32, sentence: String)? {
        let wanted = plain(line)
        return all.first { entry in
            let sentence = plain(entry.sentence)
            return wanted == sentence || wanted.hasSuffix(": " + sentence) || wanted.hasPrefix(sentence + " for job ")
        }
    }

    private static func plain(_ text: String) -> String {
        var text = text.lowercased()
        while let last = text.last, last == "." || last.isWhitespace { text.removeLast() }
        return text
    }

    private static let all: [(number: Int32, sentence: String)] = table.split(separator: "\n").compactMap { line in
        let parts = line.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, let number = Int32(parts[0]) else { return nil }
        return (number, String(parts[1]))
    }

    private static let table = """
        1800 Unable to contact slurm controller (connect failure)
        2000 Invalid partition name specified
        2001 No partition specified or system default partition
        2002 Access/permission denied
        2003 User's group not permitted to use this partition
        2004 Requested nodes not in this partition
        2005 More processors requested than permitted
        2006 Node count specification invalid
        2007 Unable to create job record, try again
        2008 Job size specification needs to be provided
        2009 Job script not specified
        2010 Invalid user id
        2012 Pathname of a file, directory or other parameter too long
        2014 Requested node configuration is not available
        2015 Requested partition configuration not available now
        2016 Requested nodes are busy
        2017 Invalid job id specified
        2018 Invalid node name specified
        2020 Job can not be altered now, try again later
        2021 Job/step already completing or completed
        2023 Task distribution specification invalid
        2024 Job is pending execution
        2025 Task count specification invalid
        2027 Slurm backup controller in standby mode
        2029 Invalid feature specification
        2036 Requested operation not supported on this system
        2037 Requested operation is presently disabled
        2038 Job dependency problem
        2039 Only batch jobs are accepted or processed
        2041 Requested more tasks than available processors
        2044 Memory required by task is not available
        2045 Invalid account or account/partition combination specified
        2048 Invalid license specification
        2050 Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)
        2051 Requested time limit is invalid (missing or exceeds some limit)
        2052 Access denied to requested reservation
        2053 Requested reservation is invalid
        2054 Invalid time specified
        2055 Requested reservation is in use
        2056 Requested reservation not usable now
        2057 Invalid wckey specification
        2066 Invalid qos specification
        2068 Required node not available (down, drained or reserved)
        2069 CPU count specification invalid
        2070 Required partition not available (inactive or drain)
        2071 Circular job dependency
        2072 Invalid generic resource (gres) specification
        2073 Job is no longer pending execution
        2074 Requested account has breached requested QOS usage threshold
        2077 Job is current suspended, requested operation disabled
        2083 Job has already started
        2084 Job has already finished
        2085 Job is not running
        2086 Job is not pending nor running
        2087 Job is not suspended
        2088 Job is not finished
        2100 Waiting for burst buffer
        2101 Partition in DOWN state
        2102 Duplicate generic resource (gres) specification
        2105 System submissions disabled
        2113 Invalid group id
        2114 Job --batch option is invalid or not a subset of --constraints
        2115 Invalid Trackable RESource (TRES) specification
        2118 Job can not start due to maintenance reservation
        2119 Invalid GRES specification (with and without type identification)
        2122 Requested GRES option unsupported by configured SelectType plugin
        2123 Invalid --nice value
        2124 Invalid time-min specification (exceeds job's time or other limits)
        2127 Environment is missing in job
        2130 Multiple partition job request not supported when a partition is set in the association
        2131 Controller is in standby mode, try a different controller
        2132 Cannot request more threads per core than the job allocation
        2133 Invalid preferred feature specification
        2134 Insufficient GRES available in allocation
        7000 Unable to connect to database
        7008 Database connection reference is invalid
        8000 Time limit specification required, but not provided
        """
}
