package import MoltTensor

/// Small facts on which all ranks must agree before they act.
extension ProcessGroup {
    /// Whether any rank says so: to stop, or that its loss is not finite.
    package func any(_ flag: Bool) throws(TorchError) -> Bool {
        try maximum([flag ? 1 : 0])[0] > 0
    }

    package func all(_ flag: Bool) throws(TorchError) -> Bool {
        try !any(!flag)
    }

    /// The largest of each number over all ranks, in one exchange.
    package func maximum(_ values: [Int]) throws(TorchError) -> [Int] {
        guard !isAlone else { return values }
        let tensor = try Tensor(values).to(device)
        try allReduce(tensor, .maximum)
        return try tensor.array()
    }

    /// The sum of each number over all ranks, in one exchange.
    package func sum(_ values: [Double]) throws(TorchError) -> [Double] {
        guard !isAlone else { return values }
        let tensor = try Tensor(values).to(device)
        try allReduce(tensor, .sum)
        return try tensor.array()
    }

    package func sum(_ values: [Int]) throws(TorchError) -> [Int] {
        guard !isAlone else { return values }
        let tensor = try Tensor(values).to(device)
        try allReduce(tensor, .sum)
        return try tensor.array()
    }

    /// The mean of a number over all ranks.
    package func mean(_ value: Double) throws(TorchError) -> Double {
        try sum([value])[0] / Double(worldSize)
    }

    /// The bytes that every rank brings, by rank; their lengths may differ.
    package func gather(_ bytes: [UInt8]) throws(TorchError) -> [[UInt8]] {
        guard !isAlone else { return [bytes] }
        let lengths = try gather(Tensor([bytes.count]).to(device)).map { tensor throws(TorchError) in
            try tensor.itemInteger()
        }
        let longest = lengths.max() ?? 0
        let padded = bytes + [UInt8](repeating: 0, count: longest - bytes.count)
        let gathered = try gather(Tensor(padded).to(device))
        var lists: [[UInt8]] = []
        for (tensor, length) in zip(gathered, lengths) {
            lists.append(Array(try tensor.array(of: UInt8.self).prefix(length)))
        }
        return lists
    }

    /// The bytes of one rank, on all.
    package func broadcast(_ bytes: [UInt8], from root: Int = 0) throws(TorchError) -> [UInt8] {
        guard !isAlone else { return bytes }
        let length = try maximum([rank == root ? bytes.count : 0])[0]
        guard length > 0 else { return [] }
        let tensor = try (rank == root ? Tensor(bytes) : Tensor.zeros([length], dtype: .uint8)).to(device)
        try broadcast([tensor], from: root)
        return try tensor.array()
    }

    /// Fails on every rank unless all hold tensors of the same shapes and types in the same order.
    package func checkSameLayout(_ tensors: [Tensor], named name: String) throws(TorchError) {
        guard !isAlone else { return }
        var fingerprint: UInt64 = 0xcbf2_9ce4_8422_2325
        for tensor in tensors {
            for word in [Int(tensor.dtype.rawValue), tensor.rank] + tensor.shape {
                fingerprint = (fingerprint ^ UInt64(bitPattern: Int64(word))) &* 0x100_0000_01b3
            }
        }
        // The largest and, negated, the smallest.
        let value = Int(truncatingIfNeeded: fingerprint >> 1)
        let ends = try maximum([value, -value])
        guard ends[0] == -ends[1] else {
            throw TorchError(.communication, "the ranks hold different \(name): they run different recipes or versions")
        }
    }
}
