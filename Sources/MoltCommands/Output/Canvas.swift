/// A grid of dots: eight to a character in braille, one otherwise. Places are fractions from the top left.
struct Canvas {
    private let columns: Int
    private let rows: Int
    private let isBraille: Bool
    /// One bit mask a cell.
    private var cells: [[UInt8]]
    private var rules: Set<Int> = []

    /// Bits of a braille cell by column and row of its dots.
    private static let dots: [[UInt8]] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]]

    init(columns: Int, rows: Int, isBraille: Bool) {
        self.columns = columns
        self.rows = rows
        self.isBraille = isBraille
        cells = Array(repeating: Array(repeating: 0, count: columns), count: rows)
    }

    private var dotColumns: Int { isBraille ? columns * 2 : columns }
    private var dotRows: Int { isBraille ? rows * 4 : rows }

    /// A straight line of dots.
    mutating func stroke(from start: (x: Double, y: Double), to end: (x: Double, y: Double)) {
        let x0 = start.x * Double(dotColumns - 1), y0 = start.y * Double(dotRows - 1)
        let x1 = end.x * Double(dotColumns - 1), y1 = end.y * Double(dotRows - 1)
        let count = max(1, Int(max(abs(x1 - x0), abs(y1 - y0)).rounded(.up)))
        for index in 0...count {
            let part = Double(index) / Double(count)
            dot(Int((x0 + (x1 - x0) * part).rounded()), Int((y0 + (y1 - y0) * part).rounded()))
        }
    }

    /// A vertical line behind the dots.
    mutating func rule(at x: Double) {
        rules.insert(min(columns - 1, Int(x * Double(columns))))
    }

    private mutating func dot(_ x: Int, _ y: Int) {
        guard (0..<dotColumns).contains(x), (0..<dotRows).contains(y) else { return }
        if isBraille {
            cells[y / 4][x / 2] |= Self.dots[x % 2][y % 4]
        } else {
            cells[y][x] = 1
        }
    }

    func lines() -> [String] {
        cells.map { row in
            String(row.enumerated().map { column, bits in character(bits, isRule: rules.contains(column)) })
        }
    }

    private func character(_ bits: UInt8, isRule: Bool) -> Character {
        if bits == 0 { return isRule ? (isBraille ? "╎" : ":") : " " }
        guard isBraille, let scalar = Unicode.Scalar(0x2800 + UInt32(bits)) else { return "*" }
        return Character(scalar)
    }
}
