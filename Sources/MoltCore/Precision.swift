/// What a model computes in. In bf16 its matrices' products are rounded to that; norms, scans, states and sums stay in
/// fp32.
package enum Precision: String, Codable, Hashable, Sendable, CaseIterable { case fp32, bf16 }
