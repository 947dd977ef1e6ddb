import MoltTensor

/// What a program that computes does before anything else.
package enum EngineProcess {
    package static func prepare() {
        Torch.keepFreedMemory()
    }
}
