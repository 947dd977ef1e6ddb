import ArgumentParser
import MoltCore
import MoltTrainer

#if canImport(Glibc)
import Glibc
#endif

/// On which device.
struct DeviceOption: ParsableArguments {
    @Option(help: "cpu, cuda or cuda:N; when left out, a GPU where one is visible.") var device: ComputeChoice.Kind?
}

/// On which device, and in which type.
struct ComputeOptions: ParsableArguments {
    @OptionGroup var on: DeviceOption
    @Option(help: "fp32 or bf16: of the weights and the products; when left out, bf16 on a GPU, fp32 on a CPU.")
    var dtype: Precision?

    /// Told to whoever watches.
    /// - Throws: `UserError` when it is not there, before anything is read.
    func place() throws(UserError) -> ComputePlace {
        let place = try ComputeChoice(on.device ?? .any, dtype).place()
        if isatty(STDERR_FILENO) != 0 { StandardError.write("molt-train: computes on \(place)") }
        return place
    }
}

/// Where what was converted is checked: in fp32, on the CPU unless told otherwise, since a model that is not meant to
/// be served need not fit into a GPU.
struct CheckOptions: ParsableArguments {
    @Option(help: "Where the numeric check computes, in fp32: cpu, cuda or cuda:N.")
    var device: ComputeChoice.Kind = .cpu

    func place() throws(UserError) -> ComputePlace { try ComputeChoice(device, .fp32).place() }
}

extension Precision: ExpressibleByArgument {}

extension ComputeChoice.Kind: ExpressibleByArgument {
    package init?(argument: String) { self.init(argument) }

    package var defaultValueDescription: String {
        switch self {
        case .any: "any"
        case .cpu: "cpu"
        case .gpu(let number): number.map { "cuda:\($0)" } ?? "cuda"
        }
    }
}
