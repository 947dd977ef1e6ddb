/// Numbers by formula, the same in Swift and in `Scripts/goldens/synthetic.py`, so that golden files need no weights.
package enum SyntheticNumbers {
    /// `count` numbers in [-1, 1): a 32-bit hash of the index and of the name.
    package static func uniform(_ name: String, _ count: Int) -> [Double] {
        var seed: UInt32 = 2_166_136_261
        for byte in name.utf8 { seed = (seed ^ UInt32(byte)) &* 16_777_619 }
        return (0..<count).map { index in
            var x = UInt32(truncatingIfNeeded: index) &* 2_654_435_761 &+ seed
            x ^= x >> 16
            x &*= 0x85eb_ca6b
            x ^= x >> 13
            x &*= 0xc2b2_ae35
            x ^= x >> 16
            return Double(x) / 2_147_483_648 - 1
        }
    }

    /// A model's weight, spread as its name suggests.
    package static func weight(_ name: String, _ shape: [Int]) -> [Float] {
        let (center, spread) = centerAndSpread(name, shape)
        return uniform(name, shape.reduce(1, *)).map { Float(center + spread * $0) }
    }

    package static func tokens(_ name: String, _ count: Int, vocabulary: Int) -> [Int64] {
        uniform(name, count).map { Int64(($0 + 1) / 2 * Double(vocabulary)) }
    }

    private static func centerAndSpread(_ name: String, _ shape: [Int]) -> (Double, Double) {
        let parts = name.split(separator: ".")
        let module = parts.count > 1 ? parts[parts.count - 2] : ""
        if name.hasSuffix("A_log") { return (1.4, 1.3) }
        if name.hasSuffix("dt_bias") { return (-2, 2) }
        if name.hasSuffix(".D") { return (1, 0.5) }
        if module.contains("norm") { return (1, 0.3) }
        if module == "conv1d" { return (0, 0.5) }
        if module == "embeddings" { return (0, 1) }
        return (0, 1.7 / Double(shape[shape.count - 1]).squareRoot())
    }
}
