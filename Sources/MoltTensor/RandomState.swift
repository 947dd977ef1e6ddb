import CMoltTorch

/// The default generators, one for each device, from which every random operator draws.
package enum RandomState {
    /// Seeds the generators of all devices.
    package static func seed(_ seed: UInt64) throws(TorchError) {
        try check(mt_seed(seed))
    }

    /// The generator's whole state, for a checkpoint.
    package static func save(of device: Device = .cpu) throws(TorchError) -> [UInt8] {
        var count = 0
        try check(mt_random_state_size(device.native, &count))
        var bytes = [UInt8](repeating: 0, count: count)
        try check(mt_random_state_get(device.native, &bytes, count))
        return bytes
    }

    package static func restore(_ state: [UInt8], of device: Device = .cpu) throws(TorchError) {
        try check(mt_random_state_set(device.native, state, state.count))
    }
}

