import MoltRecipe

/// A layer pattern in rows of groups of five, each row with the number of its first layer.
struct LayerDrawing {
    let pattern: String

    init(_ pattern: String) { self.pattern = pattern }

    private var letters: [Character] { pattern.filter { $0 != "|" } }

    func rows(width: Int) -> [String] {
        let groups = max(1, (width - 6) / 6)
        let all = letters
        return stride(from: 0, to: all.count, by: groups * 5).map { start in
            let row = all[start..<min(all.count, start + groups * 5)]
            let number = String(start)
            let text = stride(from: row.startIndex, to: row.endIndex, by: 5).map { at in
                String(row[at..<min(row.endIndex, at + 5)])
            }
            return String(repeating: " ", count: max(0, 4 - number.count)) + number + "  " + text.joined(separator: " ")
        }
    }

    /// The letters that occur, with how often.
    var legend: [String] {
        LayerKind.allCases.compactMap { kind in
            let count = letters.count { $0 == kind.rawValue }
            return count == 0 ? nil : "\(kind.rawValue) \(kind.name) × \(count)"
        }
    }
}
