#if canImport(Glibc)
import Glibc
#endif
package import MoltTensor

/// Rotary positions (Su et al. 2021): pairs of channels of a head turn by an angle that grows with the position, so
/// that a score depends on the distance of two tokens alone.
///
/// The first `turned` channels of a head turn, channel i with channel i + turned/2 by position · base^(−2i/turned).
package struct Rotary: Hashable, Sendable {
    package let turned: Int
    package let base: Double
    /// What positions are divided by.
    package let stretch: Double

    package init(turned: Int, base: Double, stretch: Double = 1) {
        precondition(turned > 0 && turned % 2 == 0, "\(turned) channels do not make pairs")
        self.turned = turned
        self.base = base
        self.stretch = stretch
    }

    /// The base under which the slowest angle is `factor` times smaller.
    package static func longerBase(_ base: Double, by factor: Double, turned: Int) -> Double {
        turned > 2 ? base * pow(factor, Double(turned) / Double(turned - 2)) : base * factor
    }

    /// Cosines and sines of every position, in fp64: at position 100,000 an angle in fp32 is wrong in its third digit.
    /// - Parameter positions: [b, s] or [1, s], int64.
    package func turn(_ positions_bs: Tensor) throws(TorchError) -> Turn {
        let half = turned / 2
        let rates = (0..<half).map { pow(base, -2 * Double($0) / Double(turned)) / stretch }
        let rates_e = try Tensor(rates, shape: [half]).to(positions_bs.device)
        let angles_b1se = try positions_bs.to(.float64).unsqueeze(1).unsqueeze(-1) * rates_e
        return Turn(cos: try angles_b1se.cos(), sin: try angles_b1se.sin())
    }

    /// The turn of each token, [b or 1, 1, s, turned / 2].
    package struct Turn {
        let cos: Tensor
        let sin: Tensor

        /// - Parameter x: [b, h, s, e]; channels beyond the turned ones stay as they are.
        func callAsFunction(_ x_bhse: Tensor) throws(TorchError) -> Tensor {
            let half = cos.size(-1), size = x_bhse.size(-1)
            let wide = x_bhse.dtype == .float64 ? DType.float64 : .float32
            let a = try x_bhse.narrow(-1, from: 0, length: half).to(wide)
            let b = try x_bhse.narrow(-1, from: half, length: half).to(wide)
            let cos = try self.cos.to(wide), sin = try self.sin.to(wide)
            var parts = [try (a * cos - b * sin).to(x_bhse.dtype), try (b * cos + a * sin).to(x_bhse.dtype)]
            if size > 2 * half { parts.append(try x_bhse.narrow(-1, from: 2 * half, length: size - 2 * half)) }
            return try Tensor.cat(parts, dim: -1)
        }
    }
}
