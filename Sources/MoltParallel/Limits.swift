/// The bounds of this module: everything that could grow has one.
package enum Limits {
    /// Gradients that travel together. Larger buckets travel faster, smaller ones start earlier.
    package static let bucketBytes = 25 << 20
    /// How long a rank waits for the others, when nobody says otherwise.
    package static let timeout = Duration.seconds(600)
}
