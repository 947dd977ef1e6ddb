/// The story of one seed. Its lines are kept only when somebody wants to read them; a digest of all that happened is
/// always there, so that two runs of one seed can be compared.
struct Trace: Sendable {
    var keeps = false
    private(set) var lines: [String] = []
    private(set) var events = 0
    private(set) var digest: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func count(_ number: UInt64, at time: Double) {
        events += 1
        digest = (digest ^ number) &* 0x0000_0100_0000_01b3
        digest = (digest ^ time.bitPattern) &* 0x0000_0100_0000_01b3
    }

    mutating func say(_ time: Double, _ text: @autoclosure () -> String) {
        guard keeps else { return }
        let tenths = Int((time * 1000).rounded())
        let fraction = "\(1000 + tenths % 1000)".dropFirst()
        lines.append("\(tenths / 1000).\(fraction)  \(text())")
    }
}
