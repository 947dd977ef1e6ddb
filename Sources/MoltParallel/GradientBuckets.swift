package import MoltTensor

/// Data parallelism: the gradients of all ranks become their mean, or their sum, while backward still runs.
///
/// Gradients lie in flat buckets, filled in the reverse order of the parameters since backward reaches the last ones
/// first. A bucket whose gradients are all there is sent at once; `finish` waits for what is under way. After it
/// `parameter.grad` is a view into a bucket.
///
///     buckets.begin(synchronizing: isLastMicroBatch)
///     try loss.backward()
///     try buckets.finish()       // after the last micro-batch
package final class GradientBuckets {
    package enum Combination: Sendable {
        case mean
        /// For losses that were already divided by what the whole batch counts.
        case sum
    }

    /// Gradients that travel together.
    private final class Bucket {
        let flat: Tensor
        let members: [Member]
        var ready = 0
        var work: PendingWork?

        init(flat: Tensor, members: [Member]) {
            self.flat = flat
            self.members = members
        }
    }

    /// One parameter and its place in the bucket.
    private final class Member {
        let parameter: Tensor
        let place: Tensor
        var isReady = false

        init(parameter: Tensor, place: Tensor) {
            self.parameter = parameter
            self.place = place
        }
    }

    private let group: ProcessGroup
    private let combination: Combination
    private var buckets: [Bucket] = []
    private var hooks: [GradientHook] = []
    private var synchronizing = false
    /// Buckets are sent in one order on all ranks, whatever order they become ready in.
    private var sent = 0
    private var failure: TorchError?

    package init(
        _ parameters: [Tensor], group: ProcessGroup, combination: Combination = .mean,
        bucketBytes: Int = Limits.bucketBytes
    ) throws(TorchError) {
        self.group = group
        self.combination = combination
        guard !group.isAlone else { return }
        try group.checkSameLayout(parameters, named: "parameters")
        for members in Self.partition(parameters, bucketBytes: bucketBytes) {
            buckets.append(try Self.makeBucket(members))
        }
        for (index, bucket) in buckets.enumerated() {
            for member in bucket.members {
                // The hook lives as long as the buckets do, so it must not keep them alive.
                let hook = try GradientHook(member.parameter) { [weak self, unowned member] () throws(TorchError) in
                    try self?.gradientIsReady(member, in: index)
                }
                hooks.append(hook)
            }
        }
    }

    package var bucketCount: Int { buckets.count }

    /// Called before each backward. Only the last micro-batch of a step synchronizes; before it gradients accumulate.
    package func begin(synchronizing: Bool) {
        self.synchronizing = synchronizing
        failure = nil
        sent = 0
        for bucket in buckets {
            bucket.ready = 0
            bucket.work = nil
            for member in bucket.members {
                member.isReady = false
            }
        }
    }

    /// Called after the last backward of a step: sends what is left, waits, and leaves the combined gradients in place.
    package func finish() throws(TorchError) {
        guard !buckets.isEmpty else { return }
        precondition(synchronizing, "finish() follows the micro-batch that synchronizes")
        for bucket in buckets {
            for member in bucket.members where !member.isReady {
                try place(member)
            }
        }
        try send(through: buckets.count)
        for bucket in buckets {
            try bucket.work?.wait(naming: "all-reduce of gradients", in: group)
            bucket.work = nil
            if combination == .mean {
                _ = try noGrad { () throws(TorchError) in try bucket.flat.div_(Double(group.worldSize)) }
            }
        }
        synchronizing = false
    }

    private func gradientIsReady(_ member: Member, in index: Int) throws(TorchError) {
        guard synchronizing, !member.isReady else { return }
        do throws(TorchError) {
            try place(member)
            buckets[index].ready += 1
            var end = sent
            while end < buckets.count, buckets[end].ready == buckets[end].members.count {
                end += 1
            }
            try send(through: end)
        } catch {
            // libtorch only learns that a hook failed; `backward`'s caller may ask for the reason.
            failure = error
            throw error
        }
    }

    /// What a hook threw, if backward failed because of one.
    package var hookFailure: TorchError? { failure }

    /// Moves a gradient into its bucket, unless autograd accumulated it there. A parameter without one counts as zero.
    private func place(_ member: Member) throws(TorchError) {
        try noGrad { () throws(TorchError) in
            if let gradient = member.parameter.grad {
                if !gradient.isSame(as: member.place) {
                    try member.place.copy_(gradient)
                }
            } else {
                try member.place.zero_()
            }
        }
        member.parameter.grad = member.place
        member.isReady = true
    }

    private func send(through end: Int) throws(TorchError) {
        while sent < end {
            buckets[sent].work = try group.startAllReduce(buckets[sent].flat)
            sent += 1
        }
    }

    /// Splits parameters, last first, where a bucket is full or the type or device changes.
    private static func partition(_ parameters: [Tensor], bucketBytes: Int) -> [[Tensor]] {
        var parts: [[Tensor]] = []
        var bytes = 0
        for parameter in parameters.reversed() where parameter.requiresGrad {
            let fits =
                parts.last?.first.map {
                    $0.dtype == parameter.dtype && $0.device == parameter.device
                        && bytes + parameter.byteCount <= bucketBytes
                } ?? false
            if fits {
                parts[parts.count - 1].append(parameter)
                bytes += parameter.byteCount
            } else {
                parts.append([parameter])
                bytes = parameter.byteCount
            }
        }
        return parts
    }

    private static func makeBucket(_ parameters: [Tensor]) throws(TorchError) -> Bucket {
        let count = parameters.reduce(0) { $0 + $1.count }
        let flat = try Tensor.zeros([count], dtype: parameters[0].dtype, device: parameters[0].device)
        var members: [Member] = []
        var start = 0
        for parameter in parameters {
            let place = try flat.narrow(0, from: start, length: parameter.count).view(parameter.shape)
            members.append(Member(parameter: parameter, place: place))
            start += parameter.count
        }
        return Bucket(flat: flat, members: members)
    }
}
