import CMoltTorch

/// Calls `body` each time the gradient of a leaf has been accumulated, while backward goes on. A leaf has one hook.
///
/// On CPUs `body` runs on the thread that called backward; on GPUs on a thread of libtorch's, while that one waits. An
/// error thrown by `body` ends backward with a `TorchError`.
package final class GradientHook {
    private let leaf: Tensor
    private let body: () throws(TorchError) -> Void

    package init(_ leaf: Tensor, _ body: @escaping () throws(TorchError) -> Void) throws(TorchError) {
        self.leaf = leaf
        self.body = body
        // Unretained: the hook is taken off before this object goes.
        let context = Unmanaged.passUnretained(self).toOpaque()
        try check(
            mt_hook_set(
                leaf.handle,
                { context in
                    guard let context else { return 1 }
                    return Unmanaged<GradientHook>.fromOpaque(context).takeUnretainedValue().run()
                }, context))
    }

    deinit {
        _ = mt_hook_remove(leaf.handle)
    }

    private func run() -> Int32 {
        do throws(TorchError) {
            try body()
            return 0
        } catch {
            return 1
        }
    }
}
