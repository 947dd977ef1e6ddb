import MoltCheckpoint
import MoltModels
package import MoltRecipe
import MoltTensor

/// Two models, weight by weight.
package struct ModelComparison: Codable, Equatable, Sendable {
    package struct Difference: Codable, Equatable, Sendable {
        package var name: String
        /// In fp32; infinite where shapes differ.
        package var maxDifference: Double

        enum CodingKeys: String, CodingKey {
            case name
            case maxDifference = "max_difference"
        }
    }

    package var compared = 0
    package var equal = 0
    package var different: [Difference] = []
    package var onlyInFirst: [String] = []
    package var onlyInSecond: [String] = []
    /// Keys of the model section that differ.
    package var configuration: [String] = []

    package var isEqual: Bool {
        different.isEmpty && onlyInFirst.isEmpty && onlyInSecond.isEmpty && configuration.isEmpty
    }

    /// The keys in which two models differ, of those that any of their layers reads.
    package static func configuration(_ first: ModelSection, _ second: ModelSection) -> [String] {
        let (a, b) = (first.relevant.architecture, second.relevant.architecture)
        // The family decides names alone; where they differ, the tensors say so.
        return Set(a.keys).union(b.keys).filter { $0 != "family" && a[$0] != b[$0] }.sorted()
    }

    package init(_ first: any ModelWeights, _ second: any ModelWeights) throws {
        configuration = Self.configuration(first.section, second.section)
        onlyInFirst = first.tensors.keys.filter { second.tensors[$0] == nil }.sorted()
        onlyInSecond = second.tensors.keys.filter { first.tensors[$0] == nil }.sorted()
        for name in first.tensors.keys.sorted() where second.tensors[name] != nil {
            compared += 1
            let (x, y) = (
                try first.read(name).converted(to: .float32), try second.read(name).converted(to: .float32)
            )
            guard x != y else {
                equal += 1
                continue
            }
            let distance =
                x.shape == y.shape ? try (x.tensor() - y.tensor()).abs().max().item() : .greatestFiniteMagnitude
            different.append(
                Difference(name: name, maxDifference: distance.isFinite ? distance : .greatestFiniteMagnitude))
        }
    }

    enum CodingKeys: String, CodingKey {
        case compared, equal, different, configuration
        case onlyInFirst = "only_in_first"
        case onlyInSecond = "only_in_second"
    }
}
