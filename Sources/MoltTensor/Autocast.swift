import CMoltTorch

/// Runs `body` in mixed precision: matrix products in `dtype`, sums and losses in float32, as libtorch's lists say.
/// With nil it runs in full precision, also inside another autocast.
///
/// Backward belongs outside. Casts of parameters are kept until the outermost scope ends.
package func autocast<Result>(
    _ dtype: DType?, on device: Device = .cpu, _ body: () throws(TorchError) -> Result
) throws(TorchError) -> Result {
    var previous = mt_autocast()
    let wanted = mt_autocast(enabled: dtype != nil, dtype: (dtype ?? .bfloat16).rawValue)
    try check(mt_autocast_enter(device.native.kind, wanted, &previous))
    defer { _ = mt_autocast_exit(device.native.kind, previous) }
    return try body()
}
