import CMoltTorch

/// The place where ranks find each other: a key-value store that rank 0 serves.
package final class Rendezvous {
    let handle: mt_store
    package let rank: Int
    package let size: Int

    /// Returns when every rank has come, and fails when one has not within `timeout`.
    package init(host: String, port: UInt16, rank: Int, size: Int, timeout: Duration) throws(TorchError) {
        var store: mt_store?
        try check(mt_store_connect(host, port, Int32(rank), Int32(size), timeout.milliseconds, &store))
        guard let store else { throw TorchError(.communication, "libtorch made no store") }
        handle = store
        self.rank = rank
        self.size = size
    }

    deinit {
        mt_store_free(handle)
    }
}

/// Ranks that exchange tensors. Every rank must make the same calls in the same order; a call that another rank does
/// not join fails at the timeout.
package final class Communicator {
    package enum Backend: String, Sendable {
        case gloo
        case nccl
    }

    package enum Reduction: Sendable {
        case sum
        case maximum
        case minimum
    }

    private let handle: mt_group
    // The group's connections are made through the store as long as it lives.
    private let rendezvous: Rendezvous

    /// - Parameters:
    ///   - name: tells the groups of one rendezvous apart.
    ///   - ranks: the members, by their rank in the rendezvous; all of them when nil.
    ///   - interface: the network interface for Gloo, or `127.0.0.1`; the host's own name decides when nil.
    package init(
        _ rendezvous: Rendezvous, name: String, backend: Backend, ranks: [Int]? = nil, interface: String? = nil,
        timeout: Duration
    ) throws(TorchError) {
        self.rendezvous = rendezvous
        let members = ranks ?? Array(0..<rendezvous.size)
        guard let rank = members.firstIndex(of: rendezvous.rank) else {
            throw TorchError(.communication, "rank \(rendezvous.rank) is no member of the group \(name): \(members)")
        }
        var group: mt_group?
        try check(
            mt_group_create(
                rendezvous.handle, name, backend.rawValue, interface ?? "", Int32(rank), Int32(members.count),
                timeout.milliseconds, &group))
        guard let group else { throw TorchError(.communication, "libtorch made no group") }
        handle = group
    }

    deinit {
        mt_group_free(handle)
    }

    /// Combines the tensors of all ranks; each finds the result in its own tensor once the work is done.
    package func allReduce(_ tensor: Tensor, _ reduction: Reduction = .sum) throws(TorchError) -> PendingWork {
        try pending { mt_all_reduce(handle, tensor.handle, reduction.native, &$0) }
    }

    package func broadcast(_ tensor: Tensor, from root: Int = 0) throws(TorchError) -> PendingWork {
        try pending { mt_broadcast(handle, tensor.handle, Int32(root), &$0) }
    }

    /// Fills `outputs`, one for each rank, with the ranks' inputs, all of one shape.
    package func allGather(_ input: Tensor, into outputs: [Tensor]) throws(TorchError) -> PendingWork {
        try pending { work in
            withHandles(outputs) { mt_all_gather(handle, input.handle, $0.baseAddress, $0.count, &work) }
        }
    }

    /// Combines the i-th inputs of all ranks into the output of rank i.
    package func reduceScatter(
        _ inputs: [Tensor], into output: Tensor, _ reduction: Reduction = .sum
    ) throws(TorchError) -> PendingWork {
        try pending { work in
            withHandles(inputs) {
                mt_reduce_scatter(handle, $0.baseAddress, $0.count, output.handle, reduction.native, &work)
            }
        }
    }

    package func send(_ tensor: Tensor, to rank: Int, tag: Int = 0) throws(TorchError) -> PendingWork {
        try pending { mt_send(handle, tensor.handle, Int32(rank), Int32(tag), &$0) }
    }

    package func receive(into tensor: Tensor, from rank: Int, tag: Int = 0) throws(TorchError) -> PendingWork {
        try pending { mt_receive(handle, tensor.handle, Int32(rank), Int32(tag), &$0) }
    }

    package func barrier() throws(TorchError) -> PendingWork {
        try pending { mt_barrier(handle, &$0) }
    }

    private func pending(_ start: (inout mt_work?) -> mt_status) throws(TorchError) -> PendingWork {
        var work: mt_work?
        try check(start(&work))
        guard let work else { throw TorchError(.communication, "libtorch started no work") }
        return PendingWork(handle: work)
    }
}

/// A collective that is under way. Its tensors belong to it until it is done.
package final class PendingWork {
    private let handle: mt_work

    init(handle: mt_work) {
        self.handle = handle
    }

    deinit {
        mt_work_free(handle)
    }

    /// Returns when this rank's part is done (on a GPU: when its stream is told to wait), or fails at the timeout.
    package func wait() throws(TorchError) {
        try check(mt_work_wait(handle, -1))
    }
}

extension Communicator.Reduction {
    fileprivate var native: mt_reduction {
        switch self {
        case .sum: MT_SUM
        case .maximum: MT_MAX
        case .minimum: MT_MIN
        }
    }
}

extension Duration {
    fileprivate var milliseconds: Int64 {
        components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
    }
}
