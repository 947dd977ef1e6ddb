import MoltModels
import MoltNN
import MoltTensor
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// The convolution of S4D and DSS against the recurrence that it unrolls, in plain Swift and fp64:
/// x_t = e^{ΔA} x_{t−1} + (e^{ΔA} − 1)/A u_t, y_t = f · Re Σ C x_t + D u_t.
struct DiagonalTests {
    private static let (width, length) = (3, 29)

    private func values(_ registry: ParameterRegistry, _ name: String) throws -> [Double] {
        try #require(registry["mixer.\(name)"]).value.to(.float64).array()
    }

    private func recurrence(
        _ registry: ParameterRegistry, _ kind: DiagonalMixer.Kind, _ u: [Double]
    ) throws -> [Double] {
        let (step, real) = (try values(registry, "log_dt"), try values(registry, "log_A_real"))
        let (imaginary, c, d) = (try values(registry, "A_imag"), try values(registry, "C"), try values(registry, "D"))
        let modes = c.count / (2 * Self.width), factor = kind == .s4d ? 2.0 : 1
        var result = [Double](repeating: 0, count: u.count)
        for channel in 0..<Self.width {
            for mode in 0..<modes {
                let place = kind == .s4d ? channel * modes + mode : mode
                let dt = exp(step[channel]), a = (re: -exp(real[place]), im: imaginary[place])
                let grown = (re: exp(dt * a.re) * cos(dt * a.im), im: exp(dt * a.re) * sin(dt * a.im))
                let size = a.re * a.re + a.im * a.im
                let write = (
                    re: ((grown.re - 1) * a.re + grown.im * a.im) / size,
                    im: (grown.im * a.re - (grown.re - 1) * a.im) / size
                )
                let weight = (re: c[(channel * modes + mode) * 2], im: c[(channel * modes + mode) * 2 + 1])
                var x = (re: 0.0, im: 0.0)
                for t in 0..<Self.length {
                    let input = u[t * Self.width + channel]
                    x = (
                        re: grown.re * x.re - grown.im * x.im + write.re * input,
                        im: grown.re * x.im + grown.im * x.re + write.im * input
                    )
                    result[t * Self.width + channel] += factor * (weight.re * x.re - weight.im * x.im)
                }
            }
            for t in 0..<Self.length { result[t * Self.width + channel] += d[channel] * u[t * Self.width + channel] }
        }
        return result
    }

    /// gelu, the linear layer and the gate, in plain Swift.
    private func finished(_ registry: ParameterRegistry, _ y: [Double]) throws -> [Double] {
        let (weight, bias) = (try values(registry, "output_linear.weight"), try values(registry, "output_linear.bias"))
        let w = Self.width
        return (0..<Self.length).flatMap { t -> [Double] in
            let row = y[(t * w)..<(t * w + w)].map { $0 * 0.5 * (1 + erf($0 / 2.0.squareRoot())) }
            let both = (0..<(2 * w)).map { out in
                bias[out] + (0..<w).reduce(0) { $0 + weight[out * w + $1] * row[$1] }
            }
            return (0..<w).map { both[$0] / (1 + exp(-both[$0 + w])) }
        }
    }

    @Test(arguments: [DiagonalMixer.Kind.s4d, .dss], [DType.float64, .float32])
    func theConvolutionIsTheRecurrence(_ kind: DiagonalMixer.Kind, _ dtype: DType) throws {
        let registry = ParameterRegistry(dtype: dtype)
        let mixer = try DiagonalMixer(registry.root / "mixer", width: Self.width, stateSize: 8, kind: kind)
        let u = SyntheticNumbers.uniform("u", Self.length * Self.width)
        let context = try SequenceContext(count: Self.length, on: .cpu)
        let ours = try mixer(Tensor(u, shape: [1, Self.length, Self.width]).to(dtype), context)
        let truth = try finished(registry, recurrence(registry, kind, u))
        let difference = try maximumDifference(ours, Tensor(truth, shape: [1, Self.length, Self.width]))
        #expect(difference <= (dtype == .float64 ? 1e-12 : 1e-5 * max(1, rootMeanSquare(truth.map(Float.init)))))
    }
}
