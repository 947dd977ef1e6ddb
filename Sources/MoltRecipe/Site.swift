/// A place to run, as its owner describes it in `sites/<name>.yaml`.
package struct Site: Codable, Hashable, Sendable {
    package var name: String
    package var kind: Kind
    /// Where `make install` went (without the version); the nodes see it.
    package var prefix: String
    /// The folder of the run folders; the nodes see it.
    package var runs: String
    package var scratch: String?
    package var account: String?
    package var partitions: Partitions
    package var gpus: GPUs
    /// Lines at the top of the batch script, written by the site's owner.
    package var setup: [String]
    package var environment: [String: String]
    /// Extra srun options.
    package var srun: [String]
    package var poll: Poll
    /// What recipes may ask for at most.
    package var policy: Policy
    /// When a node is left out, and for how long.
    package var exclude: Exclude
    /// When the scheduler has lost its memory.
    package var amnesia: Amnesia
    /// For `kind: slurm`: the slurm.conf to use; nil means the library's default.
    package var slurmConfiguration: String?
    /// For `kind: slurm`: how Slurm is spoken to; nil means the first way that answers.
    package var backend: Backend?
    /// Where slurmrestd is, if the site has one.
    package var rest: Rest?
    /// The folder of Slurm's commands; nil looks through the PATH.
    package var commands: String?
    /// For `kind: local`: what this machine offers.
    package var slots: Slots

    package enum Kind: String, Codable, Sendable, CaseIterable { case local, slurm }

    /// In the order in which they are tried.
    package enum Backend: String, Codable, Sendable, CaseIterable { case libslurm, rest, commands }

    /// A unix socket, or an address and the proof of who asks.
    package struct Rest: Codable, Hashable, Sendable {
        package var socket: String?
        package var url: String?
        /// A file that only its owner may read; nil asks `scontrol token`.
        package var tokenFile: String?
        /// Nil: the user who runs the daemon.
        package var user: String?

        enum CodingKeys: String, CodingKey, CaseIterable {
            case socket, url, user
            case tokenFile = "token_file"
        }

        package init() {}
    }

    package struct Partitions: Codable, Hashable, Sendable {
        package var `default`: String?
        /// Empty: any.
        package var allowed: [String] = []

        package init() {}
    }

    package struct GPUs: Codable, Hashable, Sendable {
        /// `gpu` or `gpu:h100`; a count is appended.
        package var gres: String = "gpu"
        /// GPUs a node, if the site's owner says so.
        package var perNode: Int?
        /// Bytes that the smallest GPU has, if the site's owner says so.
        package var memory: Int?

        enum CodingKeys: String, CodingKey, CaseIterable {
            case gres, memory
            case perNode = "per_node"
        }

        package init() {}
    }

    /// Seconds between looks at the queue.
    package struct Poll: Codable, Hashable, Sendable {
        package var min: Double = 5
        package var max: Double = 60

        package init() {}
    }

    /// Bounds for the recipes' `policy`: the smaller count holds, and the longer pause. Nil: what the recipe says.
    package struct Policy: Codable, Hashable, Sendable {
        package var maxCrashes: Int?
        package var maxFaults: Int?
        package var backOff: Double?
        /// Seconds within which something of a job must have claimed its run; nil for Molt's own figure.
        package var startWithin: Double?

        enum CodingKeys: String, CodingKey, CaseIterable {
            case startWithin = "start_within"
            case maxCrashes = "max_crashes"
            case maxFaults = "max_faults"
            case backOff = "back_off"
        }

        package init() {}
    }

    /// So many failures within `fast` of a start, in the last `within`, leave a node out `for` so long; never more
    /// than this share of a partition. Seconds throughout.
    package struct Exclude: Codable, Hashable, Sendable {
        package var failures: Int = 2
        package var fast: Double = 60
        package var within: Double = 3600
        package var length: Double = 86400
        package var share: Double = 0.25

        enum CodingKeys: String, CodingKey, CaseIterable {
            case failures, fast, within, share
            case length = "for"
        }

        package init() {}
    }

    /// Jobs that the scheduler forgot all at once are sent again after so many seconds; nil: when a person says so.
    package struct Amnesia: Codable, Hashable, Sendable {
        package var goOnAfter: Double?

        enum CodingKeys: String, CodingKey, CaseIterable {
            case goOnAfter = "go_on_after"
        }

        package init() {}
    }

    /// Nil: what the machine has.
    package struct Slots: Codable, Hashable, Sendable {
        package var cpus: Int?
        package var gpus: Int = 0
        /// Seconds between the warning and the kill when `high` preempts `low`.
        package var grace: Double = 20

        package init() {}
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case name, kind, prefix, runs, scratch, account, partitions, gpus, setup, srun, poll, policy, exclude, slots
        case backend, rest, commands, amnesia
        case environment = "env"
        case slurmConfiguration = "slurm_conf"
    }

    package init(name: String, kind: Kind, prefix: String, runs: String) {
        self.name = name
        self.kind = kind
        self.prefix = prefix
        self.runs = runs
        partitions = Partitions()
        gpus = GPUs()
        setup = []
        environment = [:]
        srun = []
        poll = Poll()
        policy = Policy()
        exclude = Exclude()
        amnesia = Amnesia()
        slots = Slots()
    }
}
