package import FoundationEssentials
package import MoltCore
package import MoltScheduler

/// A request as the body of `POST /slurm/<version>/job/submit`.
package enum RestSubmission {
    /// - Parameter release: of the server, as in `22.05.8`.
    package static func body(
        _ request: JobRequest, variables: [String: String], version: RestVersion, release: String
    ) throws(SchedulerError) -> Data {
        var job = RestFields(version: version)
        fill(&job, from: request, release: release)
        if version.isPlain {
            job["environment"] = .object(variables.mapValues { .text($0) })
        } else {
            job["environment"] = .list(variables.map { .text("\($0.key)=\($0.value)") }.sorted { "\($0)" < "\($1)" })
        }
        try setOptions(&job, from: request)
        var body: [String: RestField] = [:]
        if version.hasScriptInJob {
            job["script"] = .text(request.script)
        } else {
            body["script"] = .text(request.script)
        }
        body["job"] = .object(job.fields)
        do {
            return try JSONEncoder().encode(RestField.object(body))
        } catch {
            throw .unavailable(message: "the request cannot be written: \(error)")
        }
    }

    private static func fill(_ job: inout RestFields, from request: JobRequest, release: String) {
        job["name"] = .text(request.name)
        job["comment"] = .text(request.key.comment)
        job["partition"] = request.partition.map { .text($0) }
        job["account"] = request.account.map { .text($0) }
        job["qos"] = request.qos.map { .text($0) }
        job["current_working_directory"] = .text(request.workingDirectory)
        job["standard_output"] = .text(request.output)
        job["standard_input"] = .text("/dev/null")
        job["requeue"] = .flag(true)
        if request.held { job["hold"] = .flag(true) }
        job["tasks"] = .number(request.nodes * request.ranksPerNode)
        job["tasks_per_node"] = .number(request.ranksPerNode)
        job["cpus_per_task"] = .number(request.cpusPerRank)
        // Slurm counts memory in MiB and time in minutes; less than asked for would be a surprise.
        job["memory_per_node"] = request.memoryPerNode.map { job.size($0.plus((1 << 20) - 1) >> 20) }
        job["time_limit"] = request.timeLimit.map { job.size(Int(($0 / 60).rounded(.up))) }
        if job.version.isPlain {
            // As sbatch's --nodes: of the list that the schema speaks of, 22.05 takes the least number only.
            job["nodes"] = .text("\(request.nodes)")
            job["open_mode"] = .text("append")
            if request.gpusPerNode > 0 { job["gres"] = .text("\(request.gres):\(request.gpusPerNode)") }
            job["signal"] = request.warning.map { .text("\($0.signal)@\($0.secondsBefore)") }
        } else {
            job["minimum_nodes"] = .number(request.nodes)
            job["maximum_nodes"] = .number(request.nodes)
            job["minimum_cpus"] = .number(request.nodes * request.ranksPerNode * request.cpusPerRank)
            job["open_mode"] = .list([.text("APPEND")])
            if request.gpusPerNode > 0 {
                let mark = isBefore(release, (23, 11)) ? "gres:" : "gres/"
                job["tres_per_node"] = .text("\(mark)\(request.gres):\(request.gpusPerNode)")
            }
            if let warning = request.warning {
                job["kill_warning_signal"] = .text("\(warning.signal)")
                job["kill_warning_delay"] = job.size(warning.secondsBefore)
            }
        }
    }

    private static func setOptions(_ job: inout RestFields, from request: JobRequest) throws(SchedulerError) {
        var excluded = request.excludedNodes
        for (name, value) in request.options.sorted(by: { $0.key < $1.key }) {
            guard let option = SlurmOption(rawValue: name) else { continue }
            if option == .exclude {
                excluded.append(value)
            } else if option.form != .flag || value == "true" {
                guard job.set(option, value) else {
                    throw .rejected(
                        code: 22, message: "slurmrestd \(job.version) cannot be told '\(name)'; "
                            + "a site with 'backend: commands' or 'libslurm' can")
                }
            }
        }
        guard !excluded.isEmpty else { return }
        job[job.version.isPlain ? "exclude_nodes" : "excluded_nodes"] = job.names(excluded.joined(separator: ","))
    }

    private static func isBefore(_ release: String, _ other: (Int, Int)) -> Bool {
        let numbers = release.split(separator: ".").prefix(2).compactMap { Int($0) }
        return numbers.count == 2 && (numbers[0], numbers[1]) < other
    }
}

/// A value of JSON that is written.
indirect enum RestField: Encodable, Hashable, Sendable {
    case text(String)
    case number(Int)
    case flag(Bool)
    case list([RestField])
    case object([String: RestField])

    func encode(to encoder: any Encoder) throws {
        var single = encoder.singleValueContainer()
        switch self {
        case .text(let text): try single.encode(text)
        case .number(let number): try single.encode(number)
        case .flag(let flag): try single.encode(flag)
        case .list(let list): try single.encode(list)
        case .object(let object): try single.encode(object)
        }
    }
}

/// The fields of a job, each in the form that its version wants.
struct RestFields {
    let version: RestVersion
    var fields: [String: RestField] = [:]

    init(version: RestVersion) {
        self.version = version
    }

    subscript(name: String) -> RestField? {
        get { fields[name] }
        set { fields[name] = newValue }
    }

    /// A number that may be unset: plain, or `{"set": true, "number": …}`.
    func size(_ number: Int) -> RestField {
        version.isPlain ? .number(number) : .object(["set": .flag(true), "number": .number(number)])
    }

    func moment(_ seconds: Int) -> RestField { version.hasMomentObjects ? size(seconds) : .number(seconds) }

    /// A list of nodes: Slurm's short form, or one text each.
    func names(_ list: String) -> RestField {
        version.isPlain ? .text(list) : .list((HostList.expand(list) ?? [list]).map { .text($0) })
    }

    /// False when this version has no way to say it.
    mutating func set(_ option: SlurmOption, _ value: String) -> Bool {
        switch option {
        case .constraint: self["constraints"] = .text(value)
        case .dependency: self["dependency"] = .text(value)
        case .licenses: self["licenses"] = .text(value)
        case .mailUser: self["mail_user"] = .text(value)
        case .reservation: self["reservation"] = .text(value)
        case .wckey: self["wckey"] = .text(value)
        case .nice: self["nice"] = .number(Int(value) ?? 0)
        case .coreSpec: self["core_specification"] = .number(Int(value) ?? 0)
        case .threadsPerCore: self["threads_per_core"] = .number(Int(value) ?? 0)
        case .nodelist: self[version.isPlain ? "nodelist" : "required_nodes"] = names(value)
        case .exclusive:
            if version.isPlain {
                self["exclusive"] = .text("exclusive")
            } else if version.hasSharing {
                self["shared"] = .list([.text("none")])
            } else {
                self["exclusive"] = .list([.text("true")])
            }
        case .mailType:
            let types = value.split(separator: ",").map { RestField.text($0.uppercased()) }
            self["mail_type"] = version.isPlain ? .text(value) : .list(types)
        case .tmp:
            let size = Int(ScratchSize.mebibytes(value))
            self["temporary_disk_per_node"] = version.isPlain ? .text("\(size)M") : .number(size)
        case .begin, .deadline:
            // Later versions take a number of seconds, and what sbatch's words come to is known to sbatch alone.
            guard version.isPlain else { return false }
            self[option == .begin ? "begin_time" : "deadline"] = .text(value)
        case .contiguous, .switches:
            guard !version.isPlain else { return false }
            if option == .contiguous { self["contiguous"] = .flag(true) } else {
                self["required_switches"] = size(Int(value) ?? 0)
            }
        case .exclude: return false
        }
        return true
    }
}
