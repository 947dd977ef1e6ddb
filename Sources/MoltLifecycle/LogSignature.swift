#if canImport(Glibc)
import Glibc
#endif

/// A piece of text that tells a cause. All parts must stand in one line, in any order, whatever their case.
struct LogSignature: Sendable {
    let name: String
    let cause: Cause
    /// Root causes weigh more than what follows from them.
    let weight: Int
    /// In small letters.
    let parts: [[UInt8]]
    let isHardware: Bool
    /// Only the scheduler's own output is believed: a program may print such lines about others.
    let fromScheduler: Bool
    /// It tells of a program, whose own output is then the better witness.
    private(set) var isAboutProgram = false

    init(
        _ name: String, _ cause: Cause, _ weight: Int, _ parts: String..., isHardware: Bool = false,
        fromScheduler: Bool = false
    ) {
        self.name = name
        self.cause = cause
        self.weight = weight
        self.parts = parts.map { Array($0.utf8) }
        self.isHardware = isHardware
        self.fromScheduler = fromScheduler
    }

    /// What it weighs when it stands there: the lines around a job often tell of programs that do not matter.
    func weight(in source: LogTail.Source) -> Int {
        if case .rank = source { return weight }
        return isAboutProgram ? min(weight, 5) : weight
    }

    /// The weightiest signature that fits a line of ASCII in small letters.
    static func match(_ line: [UInt8], in source: LogTail.Source) -> LogSignature? {
        guard !isHarmless(line) else { return nil }
        return all.first { signature in
            (!signature.fromScheduler || source == .scheduler) && signature.parts.allSatisfy { line.has($0) }
        }
    }

    /// Lines that report trouble which was got over.
    private static func isHarmless(_ line: [UInt8]) -> Bool {
        harmless.contains { line.has($0) } && !graver.contains { line.has($0) }
    }

    private static let harmless = [
        "warning:", "warn:", "[w ", "[w0", "[w1", "[warning", "[warn]", "userwarning", " warn ", " warning ",
        "|warning|", "retrying", "will retry", "trying again", "ignored", "ignoring", "falling back", "skipping",
        "skipped", "passing over", "passed over", "[debug]", " debug ", "nccl info",
    ].map { Array($0.utf8) }
    private static let graver = ["killed process", "oom-kill", "oom_kill", "nvrm: xid", "nccl warn"]
        .map { Array($0.utf8) }

    /// Ordered by weight, the gravest first.
    static let all: [LogSignature] = {
        let ofPrograms = (numerics + users + cuda + collectives + crashes).map { signature in
            var signature = signature
            signature.isAboutProgram = true
            return signature
        }
        return (fromSlurm + memory + hardware + storage + ofPrograms).enumerated()
            .sorted { ($1.element.weight, $0.offset) < ($0.element.weight, $1.offset) }.map(\.element)
    }()

    private static let fromSlurm: [LogSignature] = [
        .init("slurm-time-limit", .wallTime, 95, "cancelled at", "due to time limit", fromScheduler: true),
        .init("slurm-preemption", .preempted, 95, "cancelled at", "due to preemption", fromScheduler: true),
        .init("slurm-node-failure", .nodeFailed, 95, "cancelled at", "due to node fail", fromScheduler: true),
        .init("slurm-job-requeue", .requeued, 94, "cancelled at", "due to job requeue", fromScheduler: true),
        .init("slurm-cancelled", .cancelledElsewhere, 93, "*** job ", "cancelled at", fromScheduler: true),
        .init("srun-node-failure", .nodeFailed, 92, "node failure on ", fromScheduler: true),
        .init("srun-communication", .nodeFailed, 58, "srun: error: node ", "down", fromScheduler: true),
        .init("slurm-prolog", .launchFailed, 57, "prolog", "fail", fromScheduler: true),
        .init("slurm-credential", .launchRace, 57, "job credential revoked", fromScheduler: true),
        .init("slurm-launch", .launchFailed, 40, "task launch for", "failed on node", fromScheduler: true),
        .init("slurm-execve", .launchFailed, 39, "error: execve()", fromScheduler: true),
    ]

    private static let memory: [LogSignature] = [
        .init("kernel-oom", .outOfMemory, 90, "out of memory", "killed process"),
        .init("kernel-oom-cgroup", .outOfMemory, 90, "memory cgroup out of memory"),
        .init("kernel-oom-kill", .outOfMemory, 90, "invoked oom-killer"),
        .init("kernel-oom-constraint", .outOfMemory, 90, "oom-kill:constraint="),
        .init("slurm-oom-event", .outOfMemory, 90, "detected", "oom", "kill event"),
        .init("slurm-oom-event-underscore", .outOfMemory, 90, "detected", "oom_kill event"),
        .init("slurm-oom-killed", .outOfMemory, 90, "oom kill", "task"),
        .init("slurm-out-of-memory", .outOfMemory, 90, "srun: error:", "out of memory"),
        .init("slurm-memory-limit", .outOfMemory, 90, "exceeded memory limit"),
        .init("slurm-step-memory", .outOfMemory, 90, "exceeded", "memory limit", "being killed"),
        .init("cuda-oom", .outOfGPUMemory, 88, "cuda out of memory"),
        .init("cuda-oom-class", .outOfGPUMemory, 88, "outofmemoryerror", "cuda"),
        .init("cuda-oom-code", .outOfGPUMemory, 88, "cuda error", "out of memory"),
        .init("cuda-oom-symbol", .outOfGPUMemory, 88, "cudaerrormemoryallocation"),
        .init("cublas-alloc", .outOfGPUMemory, 85, "cublas_status_alloc_failed"),
        .init("hip-oom", .outOfGPUMemory, 88, "hip out of memory"),
        .init("nccl-cuda-oom", .outOfGPUMemory, 88, "cuda failure", "out of memory"),
        .init("python-memory", .outOfMemory, 86, "memoryerror"),
        .init("cpp-bad-alloc", .outOfMemory, 86, "std::bad_alloc"),
        .init("torch-cpu-alloc", .outOfMemory, 86, "defaultcpuallocator", "allocate memory"),
        .init("cannot-allocate", .outOfMemory, 84, "cannot allocate memory"),
        .init("shm-bus", .outOfMemory, 83, "bus error", "shared memory"),
        .init("shm-insufficient", .outOfMemory, 83, "insufficient shared memory"),
    ]

    private static let hardware: [LogSignature] = [
        .init("xid", .gpuFault, 89, "nvrm: xid", isHardware: true),
        .init("gpu-fell-off", .gpuFault, 89, "fallen off the bus", isHardware: true),
        .init("gpu-lost", .gpuFault, 89, "gpu is lost", isHardware: true),
        .init("ecc", .gpuFault, 89, "uncorrectable ecc error", isHardware: true),
        .init("ecc-symbol", .gpuFault, 89, "cudaerroreccuncorrectable", isHardware: true),
        .init("nvlink", .gpuFault, 87, "uncorrectable nvlink error", isHardware: true),
        .init("no-device", .gpuFault, 80, "no cuda-capable device is detected", isHardware: true),
        .init("no-devices-torch", .gpuFault, 80, "no cuda gpus are available", isHardware: true),
        .init("device-busy", .gpuFault, 80, "devices are busy or unavailable", isHardware: true),
        .init("nvml-mismatch", .gpuFault, 80, "driver/library version mismatch", isHardware: true),
        .init("driver", .gpuFault, 80, "driver initialization failed", isHardware: true),
        .init("system-not-ready", .gpuFault, 80, "cudaerrorsystemnotready", isHardware: true),
        .init("fabric", .gpuFault, 80, "system not yet initialized", isHardware: true),
        .init("machine-check", .nodeFailed, 80, "machine check", "hardware error", isHardware: true),
    ]

    private static let storage: [LogSignature] = [
        .init("no-space", .diskFull, 78, "no space left on device"),
        .init("errno-28", .diskFull, 78, "[errno 28]"),
        .init("quota", .diskFull, 78, "disk quota exceeded"),
        .init("errno-122", .diskFull, 78, "[errno 122]"),
        .init("write-short", .diskFull, 70, "pytorchstreamwriter failed writing"),
        .init("stale", .storageFault, 74, "stale file handle"),
        .init("stale-nfs", .storageFault, 74, "stale nfs file handle"),
        .init("io-error", .storageFault, 74, "input/output error"),
        .init("errno-5", .storageFault, 74, "[errno 5]"),
        .init("read-only", .storageFault, 74, "read-only file system"),
        .init("transport", .storageFault, 74, "transport endpoint is not connected"),
        .init("lustre", .storageFault, 74, "cannot send after transport endpoint shutdown"),
        .init("remote-io", .storageFault, 74, "remote i/o error"),
    ]

    private static let numerics: [LogSignature] = [
        .init("nan-step", .numerics, 66, "is not finite"),
        .init("nan-is", .numerics, 45, "is nan"),
        .init("nan-printed", .numerics, 45, "loss: nan"),
        .init("nan-printed-equal", .numerics, 45, "loss=nan"),
        .init("nan-printed-plain", .numerics, 45, "loss nan"),
        .init("nan-printed-python", .numerics, 45, "'loss': nan"),
        .init("nan-printed-json", .numerics, 45, "\"loss\": nan"),
        .init("nan-printed-norm", .numerics, 45, "grad_norm: nan"),
        .init("nan-loss", .numerics, 66, "loss is nan"),
        .init("nan-loss-equals", .numerics, 64, "loss", "nan", "stopping"),
        .init("nan-found", .numerics, 66, "found nan in"),
        .init("nan-in-loss", .numerics, 66, "nan or inf found"),
        .init("nan-gradients", .numerics, 66, "non-finite", "grad"),
        .init("nan-total-norm", .numerics, 66, "total norm", "non-finite"),
        .init("nan-anomaly", .numerics, 66, "returned nan values"),
        .init("nan-megatron", .numerics, 66, "unexpected result nan"),
        .init("nan-detected", .numerics, 66, "nan detected"),
        .init("nan-probability", .numerics, 62, "probability tensor contains either", "nan"),
        .init("fp-error", .numerics, 62, "floatingpointerror"),
        .init("loss-scale", .numerics, 62, "loss scale", "minimum"),
    ]
}

extension [UInt8] {
    /// True when `part` stands somewhere in it.
    func has(_ part: [UInt8]) -> Bool {
        guard let first = part.first, count >= part.count else { return part.isEmpty }
        return withUnsafeBytes { text in
            part.withUnsafeBytes { part in
                guard let start = text.baseAddress, let wanted = part.baseAddress else { return false }
                let last = start + (text.count - part.count)
                var place = start
                while place <= last, let found = memchr(place, Int32(first), place.distance(to: last) + 1) {
                    if memcmp(found, wanted, part.count) == 0 { return true }
                    place = UnsafeRawPointer(found) + 1
                }
                return false
            }
        }
    }
}
