import MoltData
import MoltRecipe

extension Packing {
    init(_ packing: DataSection.Packing) {
        switch packing {
        case .apart: self = .none
        case .runOn: self = .runOn
        case .bestFit: self = .bestFit
        }
    }
}

extension PrepareSettings {
    /// - Parameter inputs: what `data.train` names.
    init(_ section: PrepareSection, inputs: [String]) {
        self.init(inputs: inputs)
        validation = section.validation
        deduplicate = section.deduplicate
        filter.bytesMin = section.bytesMin
        filter.bytesMax = section.bytesMax
        filter.tokensMin = section.tokensMin
        filter.tokensMax = section.tokensMax
        filter.conditions = section.conditions
        textUnit = section.textUnit == .line ? .line : .file
        skipBad = section.skipBad
        lineBytesMax = section.lineBytesMax
        unitBytes = section.unitBytes
        shardTokens = section.shardTokens ?? shardTokens
    }
}
