package import MoltCheckpoint
import MoltCore
package import MoltModels
import MoltNN
package import MoltRecipe
import MoltTensor

/// The weights of a model that is loaded, such as one with adapters merged into it.
package struct ModelInMemory: ModelWeights {
    package let place: String
    package let tokenizer: String?
    package let specials: SpecialIDs
    package let framing: TextFraming
    package let addedBegin: String?
    package let tensors: [String: StoredTensor]
    private let model: HybridModel

    package init(
        _ model: HybridModel, place: String, tokenizer: String?, specials: SpecialIDs = SpecialIDs(),
        framing: TextFraming? = nil, addedBegin: String? = nil
    ) {
        self.framing = framing ?? TextFraming(ends: specials.end, begins: false)
        self.addedBegin = addedBegin
        self.model = model
        self.place = place
        self.tokenizer = tokenizer
        self.specials = specials
        tensors = Dictionary(
            uniqueKeysWithValues: model.registry.parameters.map { parameter in
                let type = StoredType(parameter.value.dtype) ?? .float32
                return (
                    parameter.name,
                    StoredTensor(type: type, shape: parameter.shape, file: place, names: [parameter.name])
                )
            })
    }

    package var section: ModelSection { model.section }
    package var unused: [String] { [] }

    package func read(_ name: String) throws -> HostTensor {
        guard let parameter = model.registry[name] else {
            throw UserError("the tensor '\(name)' is missing", at: place)
        }
        return try HostTensor(name, parameter.value)
    }
}
