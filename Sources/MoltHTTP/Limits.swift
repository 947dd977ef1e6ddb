/// The bounds of this module: everything that could grow has one.
package enum HTTPLimits {
    /// A unix socket's path has to fit `sun_path`, with its final zero.
    package static let socketPathBytes = 107
    package static let answerBytes = 32 << 20
    package static let connectSeconds = 5.0
    package static let seconds = 30.0
}
