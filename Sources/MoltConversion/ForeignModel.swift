/// A model in a layout that is not Molt's own.
package enum ForeignModel {
    /// Nil when nothing at the path looks like one.
    package static func open(_ path: String) throws -> (any ModelWeights)? {
        HuggingFaceFolder.isOne(path) ? try HuggingFaceFolder(path) : nil
    }

    /// The layout's name, for reports.
    package static func layout(of weights: any ModelWeights) -> String {
        weights is HuggingFaceFolder ? "hf" : "molt"
    }
}
