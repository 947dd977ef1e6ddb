package import MoltTensor

/// Where a rank stands among the ranks of a run, and how it reaches them.
package struct ProcessGroupConfiguration: Sendable {
    package var rank: Int
    package var worldSize: Int
    /// Rank 0's host and a free port there.
    package var address: String
    package var port: UInt16
    package var backend: Communicator.Backend
    /// The network interface for Gloo; the host's own name decides when nil.
    package var interface: String?
    /// How long any one exchange may take; then it is an error.
    package var timeout: Duration

    package init(
        rank: Int, worldSize: Int, address: String, port: UInt16, backend: Communicator.Backend = .gloo,
        interface: String? = nil, timeout: Duration = Limits.timeout
    ) {
        self.rank = rank
        self.worldSize = worldSize
        self.address = address
        self.port = port
        self.backend = backend
        self.interface = interface
        self.timeout = timeout
    }
}

/// The ranks that train one model together. A group of one opens no sockets, and its exchanges do nothing.
///
/// Every rank makes the same calls in the same order. A rank that is gone or late makes the others' calls fail at the
/// timeout; nothing waits for ever.
package final class ProcessGroup {
    package let rank: Int
    package let worldSize: Int
    /// Where tensors that are exchanged must lie.
    package let device: Device
    private let communicator: Communicator?

    /// A group of one.
    package init(device: Device = .cpu) {
        rank = 0
        worldSize = 1
        self.device = device
        communicator = nil
    }

    /// Meets the other ranks.
    package init(_ configuration: ProcessGroupConfiguration, device: Device = .cpu) throws(TorchError) {
        rank = configuration.rank
        worldSize = configuration.worldSize
        self.device = device
        guard configuration.worldSize > 1 else {
            communicator = nil
            return
        }
        guard (0..<configuration.worldSize).contains(configuration.rank) else {
            throw TorchError(.communication, "rank \(configuration.rank) is outside 0..<\(configuration.worldSize)")
        }
        do throws(TorchError) {
            let rendezvous = try Rendezvous(
                host: configuration.address, port: configuration.port, rank: configuration.rank,
                size: configuration.worldSize, timeout: configuration.timeout)
            communicator = try Communicator(
                rendezvous, name: "world", backend: configuration.backend, interface: configuration.loopback,
                timeout: configuration.timeout)
        } catch {
            throw TorchError(
                .communication,
                """
                rank \(configuration.rank) of \(configuration.worldSize) did not meet the others at \
                \(configuration.address):\(configuration.port) within \(configuration.timeout): \(error.message)
                """)
        }
    }

    package var isAlone: Bool { communicator == nil }
    package var isFirst: Bool { rank == 0 }

    /// Combines the tensors of all ranks in place.
    package func allReduce(_ tensor: Tensor, _ reduction: Communicator.Reduction = .sum) throws(TorchError) {
        try startAllReduce(tensor, reduction)?.wait(naming: "all-reduce", in: self)
    }

    /// Like `allReduce`, but returns before it is done; nil in a group of one.
    package func startAllReduce(
        _ tensor: Tensor, _ reduction: Communicator.Reduction = .sum
    ) throws(TorchError) -> PendingWork? {
        guard let communicator else { return nil }
        return try communicator.allReduce(tensor, reduction)
    }

    /// Gives every rank the tensors of one, in place.
    package func broadcast(_ tensors: [Tensor], from root: Int = 0) throws(TorchError) {
        guard let communicator else { return }
        for tensor in tensors {
            let whole = try noGrad { () throws(TorchError) in try tensor.detach().contiguous() }
            try communicator.broadcast(whole, from: root).wait(naming: "broadcast", in: self)
            if !tensor.isContiguous {
                _ = try noGrad { () throws(TorchError) in try tensor.copy_(whole) }
            }
        }
    }

    /// The tensors of all ranks, by rank; all have one shape.
    package func gather(_ tensor: Tensor) throws(TorchError) -> [Tensor] {
        guard let communicator else { return [tensor] }
        let input = try tensor.detach().contiguous()
        var outputs: [Tensor] = []
        for _ in 0..<worldSize {
            outputs.append(try input.emptyLike())
        }
        try communicator.allGather(input, into: outputs).wait(naming: "all-gather", in: self)
        return outputs
    }

    /// Returns when every rank has come here.
    package func barrier() throws(TorchError) {
        guard let communicator else { return }
        try communicator.barrier().wait(naming: "barrier", in: self)
    }
}

extension ProcessGroupConfiguration {
    /// Ranks of one machine talk over its loopback, whatever its name resolves to.
    fileprivate var loopback: String? {
        let isLocal = ["localhost", "127.0.0.1", "::1"].contains(address)
        return interface ?? (isLocal ? "127.0.0.1" : nil)
    }
}

extension PendingWork {
    /// Waits, and says in an error which exchange failed on which rank.
    package func wait(naming exchange: String, in group: ProcessGroup) throws(TorchError) {
        do throws(TorchError) {
            try wait()
        } catch {
            throw TorchError(
                .communication,
                """
                \(exchange) failed on rank \(group.rank) of \(group.worldSize): another rank is gone or late \
                (\(error.message))
                """)
        }
    }
}
