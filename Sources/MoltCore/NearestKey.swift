/// Finds the known word that a misspelt one most likely meant.
package enum NearestKey {
    /// The known key with the smallest edit distance to `word`, if that distance is small enough to be a slip.
    package static func of(_ word: String, among known: some Sequence<String>) -> String? {
        let limit = max(1, word.count / 3 + 1)
        return known.map { (distance($0, word), $0) }.filter { $0.0 <= limit }.min { $0 < $1 }?.1
    }

    /// Edit distance (insert, delete, replace, swap of neighbours).
    package static func distance(_ left: String, _ right: String) -> Int {
        let a = Array(left.lowercased()), b = Array(right.lowercased())
        var beforeLast = [Int](repeating: 0, count: b.count + 1)
        var last = Array(0...b.count)
        for i in 0..<a.count {
            var row = [i + 1]
            row.reserveCapacity(b.count + 1)
            for j in 0..<b.count {
                var best = min(row[j] + 1, last[j + 1] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, beforeLast[j - 1] + 1) }
                row.append(best)
            }
            beforeLast = last
            last = row
        }
        return last[b.count]
    }
}
