import CSlurm
import Glibc
import MoltCore
import MoltScheduler

/// Turns a request into the C descriptor, whose strings live as long as the call.
enum RequestDescriptor {
    static func withDescriptor(of request: JobRequest, _ body: (UnsafePointer<molt_slurm_request>) -> Int32) -> Int32 {
        let strings = CStrings()
        var descriptor = molt_slurm_request()
        fill(&descriptor, from: request, strings)
        setOptions(&descriptor, from: request, strings)
        let environment = SubmissionEnvironment.variables(of: request).map { "\($0.key)=\($0.value)" }.sorted()
        let pointers: [UnsafePointer<CChar>?] = environment.map { strings.keep($0) }
        return pointers.withUnsafeBufferPointer { buffer in
            descriptor.environment = buffer.baseAddress
            descriptor.environment_count = UInt32(buffer.count)
            return withExtendedLifetime(strings) { body(&descriptor) }
        }
    }

    private static func fill(_ descriptor: inout molt_slurm_request, from request: JobRequest, _ strings: CStrings) {
        descriptor.user_id = geteuid()
        descriptor.group_id = getegid()
        descriptor.name = strings.keep(request.name)
        descriptor.comment = strings.keep(request.key.comment)
        descriptor.script = strings.keep(request.script)
        descriptor.working_directory = strings.keep(request.workingDirectory)
        descriptor.output = strings.keep(request.output)
        descriptor.partition = strings.keep(request.partition)
        descriptor.account = strings.keep(request.account)
        descriptor.qos = strings.keep(request.qos)
        descriptor.nodes = UInt32(clamping: request.nodes)
        descriptor.tasks_per_node = UInt32(clamping: request.ranksPerNode)
        descriptor.cpus_per_task = UInt32(clamping: request.cpusPerRank)
        if request.gpusPerNode > 0 { descriptor.gres = strings.keep("\(request.gres):\(request.gpusPerNode)") }
        // Slurm counts memory in MiB and time in minutes; less than asked for would be a surprise.
        if let memory = request.memoryPerNode { descriptor.memory = UInt64(max(0, memory).plus((1 << 20) - 1) >> 20) }
        descriptor.time_limit = request.timeLimit.map { UInt32(($0 / 60).rounded(.up)) } ?? UInt32.max - 1
        if let warning = request.warning {
            descriptor.warning_signal = UInt16(clamping: warning.signal)
            descriptor.warning_seconds = UInt16(clamping: warning.secondsBefore)
        }
        descriptor.held = request.held ? 1 : 0
    }

    private static func setOptions(
        _ descriptor: inout molt_slurm_request, from request: JobRequest, _ strings: CStrings
    ) {
        var excluded = request.excludedNodes
        for (name, value) in request.options {
            guard let option = SlurmOption(rawValue: name) else { continue }
            switch option {
            case .begin: descriptor.begin = strings.keep(value)
            case .constraint: descriptor.constraint = strings.keep(value)
            case .contiguous: descriptor.contiguous = value == "true" ? 1 : 0
            case .dependency: descriptor.dependency = strings.keep(value)
            case .deadline: descriptor.deadline = strings.keep(value)
            case .exclude: excluded.append(value)
            case .exclusive: descriptor.exclusive = value == "true" ? 1 : 0
            case .licenses: descriptor.licenses = strings.keep(value)
            case .nice: descriptor.nice = Int32(value) ?? 0
            case .nodelist: descriptor.node_list = strings.keep(value)
            case .reservation: descriptor.reservation = strings.keep(value)
            case .switches: descriptor.switches = UInt32(value) ?? 0
            case .tmp: descriptor.scratch = ScratchSize.mebibytes(value)
            case .wckey: descriptor.wckey = strings.keep(value)
            case .coreSpec: descriptor.reserved_cores = UInt16(value) ?? 0
            case .mailType: descriptor.mail_type = MailTypes.bits(value)
            case .mailUser: descriptor.mail_user = strings.keep(value)
            case .threadsPerCore: descriptor.threads_per_core = UInt16(value) ?? 0
            }
        }
        if !excluded.isEmpty { descriptor.excluded_nodes = strings.keep(excluded.joined(separator: ",")) }
    }
}

/// C strings that live as long as this object.
private final class CStrings {
    private var kept: [UnsafeMutablePointer<CChar>] = []

    func keep(_ text: String?) -> UnsafePointer<CChar>? {
        guard let text, let copy = strdup(text) else { return nil }
        kept.append(copy)
        return UnsafePointer(copy)
    }

    deinit {
        for pointer in kept { free(pointer) }
    }
}
