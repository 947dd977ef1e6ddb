/// A model in a layout that is not Molt's own.
package enum ForeignModel {
    /// Nil when nothing at the path looks like one.
    package static func open(_ path: String) throws -> (any ModelWeights)? {
        if NemoCheckpoint.isOne(path) { return try NemoCheckpoint(path) }
        if StateSpacesFolder.isOne(path), !SafetensorsShards.areIn(path) { return try StateSpacesFolder(path) }
        if DistributedCheckpoint.folder(path) != nil { return try DistributedCheckpoint(path) }
        if MegatronCheckpoint.isOne(path) { return try MegatronCheckpoint(path) }
        return HuggingFaceFolder.isOne(path) ? try HuggingFaceFolder(path) : nil
    }

    /// The layout's name, for reports.
    package static func layout(of weights: any ModelWeights) -> String {
        switch weights {
        case is HuggingFaceFolder: "hf"
        case is StateSpacesFolder: "state-spaces"
        case is MegatronCheckpoint: "megatron"
        case is DistributedCheckpoint: "distributed"
        case is NemoCheckpoint: "nemo"
        default: "molt"
        }
    }
}
