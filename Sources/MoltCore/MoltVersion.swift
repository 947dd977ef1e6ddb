/// The version of this source tree; an attempt records the installed prefix that carries it.
package enum MoltVersion {
    package static let current = "0.1.0"
}
