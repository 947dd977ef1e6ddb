import MoltNN
import MoltTensor

/// The modes of a diagonal state space in discrete time; d channels, m modes, l steps. Everything is in fp64, as pairs
/// of real and imaginary parts: angles grow with the length, and fp32 would lose them.
struct DiagonalModes {
    typealias Complex = (re: Tensor, im: Tensor)

    /// Δ A: how a mode decays and turns in one step.
    private let rate_dm: Complex
    /// (e^{ΔA} − 1)/A: what one step of input writes.
    private let write_dm: Complex
    private let c_dm: Complex
    /// Two where one mode stands for itself and its conjugate.
    private let factor: Double

    init(step step_d1: Tensor, real: Tensor, imaginary: Tensor, c: Complex, factor: Double) throws(TorchError) {
        rate_dm = (try step_d1 * real, try step_d1 * imaginary)
        let grown = try Self.exponential(rate_dm)
        let size = try real.square() + imaginary.square()
        // (e − 1) · conj(A) / |A|²
        write_dm = try Self.times((grown.re - 1, grown.im), (real / size, -imaginary / size))
        c_dm = c
        self.factor = factor
    }

    /// The convolution with K, after the state `from` [b, d, m, 2], and the state that it leaves.
    func convolve(
        _ u_bds: Tensor, from state: Tensor?, keepsState: Bool
    ) throws(TorchError) -> (y_bds: Tensor, state: Tensor?) {
        let length = u_bds.size(2)
        let powers_dml = try powers(through: length)
        let first = try narrow(powers_dml, from: 0, length)
        let kernel_dl = try real(of: Self.times(c_dm, write_dm), first)
        let wide: DType = u_bds.dtype == .float64 ? .float64 : .float32
        let u = try u_bds.to(wide)
        var y_bds = try u.causalConvolution(kernel_dl.to(wide))
        guard keepsState || state != nil else { return (try y_bds.to(u_bds.dtype), nil) }
        var next = try written(u, first)
        if let state {
            let before = (re: try state.select(-1, 0).to(.float64), im: try state.select(-1, 1).to(.float64))
            let read_bdm = try Self.times(before, (c_dm.re, c_dm.im))
            let later = try narrow(powers_dml, from: 1, length)
            y_bds = try y_bds + real(of: read_bdm, later).to(wide)
            let kept = try Self.times(before, (powers_dml.re.select(-1, length), powers_dml.im.select(-1, length)))
            next = (try next.re + kept.re, try next.im + kept.im)
        }
        return (try y_bds.to(u_bds.dtype), try Tensor.stack([next.re, next.im], dim: -1))
    }

    /// f · Re Σ_m a_m p_ml, for a [.., d, m] and p [d, m, l].
    private func real(of a: Complex, _ powers_dml: Complex) throws(TorchError) -> Tensor {
        let re = try (a.re.unsqueeze(-1) * powers_dml.re).sum(-2), im = try (a.im.unsqueeze(-1) * powers_dml.im).sum(-2)
        return try (re - im) * factor
    }

    /// What the inputs leave after the last one: Σ_l e^{(L−1−l)ΔA} write u_l, [b, d, m].
    private func written(_ u_bds: Tensor, _ powers_dml: Complex) throws(TorchError) -> Complex {
        let u_dbl = try u_bds.to(.float64).transpose(0, 1).flip([2])
        let re = try u_dbl.matmul(powers_dml.re.transpose(1, 2)).transpose(0, 1)
        let im = try u_dbl.matmul(powers_dml.im.transpose(1, 2)).transpose(0, 1)
        return try Self.times((re, im), write_dm)
    }

    /// e^{lΔA} for l from 0 through `last`, [d, m, last + 1].
    private func powers(through last: Int) throws(TorchError) -> Complex {
        let steps_l = try Tensor.arange(to: last + 1, device: rate_dm.re.device).to(.float64)
        return try Self.exponential((rate_dm.re.unsqueeze(-1) * steps_l, rate_dm.im.unsqueeze(-1) * steps_l))
    }

    private func narrow(_ x: Complex, from start: Int, _ length: Int) throws(TorchError) -> Complex {
        (try x.re.narrow(-1, from: start, length: length), try x.im.narrow(-1, from: start, length: length))
    }

    private static func exponential(_ x: Complex) throws(TorchError) -> Complex {
        let size = try x.re.exp()
        return (try size * x.im.cos(), try size * x.im.sin())
    }

    private static func times(_ a: Complex, _ b: Complex) throws(TorchError) -> Complex {
        (try a.re * b.re - a.im * b.im, try a.re * b.im + a.im * b.re)
    }
}

extension Tensor {
    private static let forwardTransform = Operator("aten::fft_rfft")
    private static let inverseTransform = Operator("aten::fft_irfft")
    private static let product = Operator("aten::mul", "Tensor")

    /// y_t = Σ_l K_l u_{t−l}, for u [b, d, s] and K [d, s], by Fourier transforms of twice the length.
    fileprivate func causalConvolution(_ kernel_dl: Tensor) throws(TorchError) -> Tensor {
        let length = size(-1), none = Operator.none
        let spectrum = try Self.product(
            Self.forwardTransform(self, 2 * length, -1, none), Self.forwardTransform(kernel_dl, 2 * length, -1, none))
        return try Self.inverseTransform(spectrum, 2 * length, -1, none).narrow(-1, from: 0, length: length)
    }
}
