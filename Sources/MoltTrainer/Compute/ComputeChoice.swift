package import MoltCore
import MoltRecipe
import MoltTensor

/// What somebody asks for: a device and a type, or whatever fits.
package struct ComputeChoice: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// A GPU where one is visible.
        case any
        case cpu
        /// The one of this number, the first when nil.
        case gpu(Int?)

        /// `cpu`, `cuda` or `cuda:1`; nil for other words.
        package init?(_ text: String) {
            switch text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false) {
            case ["cpu"]: self = .cpu
            case ["cuda"]: self = .gpu(nil)
            case let parts where parts.count == 2 && parts[0] == "cuda" && parts[1].allSatisfy(\.isNumber):
                guard let number = Int(parts[1]) else { return nil }
                self = .gpu(number)
            default: return nil
            }
        }
    }

    package var device: Kind
    /// Nil for bf16 on a GPU, fp32 elsewhere.
    package var precision: Precision?

    package init(_ device: Kind = .any, _ precision: Precision? = nil) {
        self.device = device
        self.precision = precision
    }

    /// The place itself, before anything is read.
    package func place(at key: String = "--device") throws(UserError) -> ComputePlace {
        try place(at: key, visible: Device.cudaCount)
    }

    /// - Parameter visible: how many GPUs this process may use.
    package func place(at key: String, visible: Int) throws(UserError) -> ComputePlace {
        switch device {
        case .cpu: return ComputePlace(.cpu, precision ?? .fp32)
        case .any where visible == 0: return ComputePlace(.cpu, precision ?? .fp32)
        case .any: return ComputePlace(.cuda(0), precision ?? .bf16)
        case .gpu(let number):
            let number = number ?? 0
            guard visible > 0 else {
                throw UserError(
                    "a GPU is asked for, and none is visible to Molt on this machine", at: key,
                    fix: "compute on the CPU (\(Self.onCPU(key))), or go where a GPU is; on a machine that has one: "
                        + "does CUDA_VISIBLE_DEVICES hide it, and was this Molt built with a libtorch for CUDA?")
            }
            guard number < visible else {
                throw UserError(
                    "there is no cuda:\(number): \(visible == 1 ? "one GPU is" : "\(visible) GPUs are") visible on "
                        + "this machine, and numbers start at 0", at: key,
                    fix: "give \(visible == 1 ? "cuda:0" : "one of cuda:0 to cuda:\(visible - 1)"), or cpu")
            }
            return ComputePlace(.cuda(number), precision ?? .bf16)
        }
    }

    private static func onCPU(_ key: String) -> String { key.hasPrefix("--") ? "\(key) cpu" : "\(key): 0" }
}

extension ComputeChoice {
    /// Of a run: what its recipe gives it.
    /// - Parameter localRank: the number of its GPU among those that the scheduler gave, as in training.
    init(_ recipe: Recipe, localRank: Int, _ dtype: Precision?) {
        self.init(recipe.resources.gpusPerNode > 0 ? .gpu(localRank) : .cpu, dtype)
    }
}
