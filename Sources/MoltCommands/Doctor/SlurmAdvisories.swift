/// Published holes of Slurm, and the releases that closed them, by SchedMD's own change logs.
///
/// Only what its number tells: distributions close holes without changing it.
package enum SlurmAdvisories {
    struct Advisory {
        var name: String
        /// The first release of each series without the hole; series newer than all of them never had it.
        var mended: [(series: Series, release: Int)]
    }

    struct Series: Comparable {
        var year: Int
        var month: Int

        static func < (a: Series, b: Series) -> Bool { (a.year, a.month) < (b.year, b.month) }
    }

    private static func at(_ year: Int, _ month: Int, _ release: Int) -> (series: Series, release: Int) {
        (Series(year: year, month: month), release)
    }

    private static let all = [
        Advisory(name: "CVE-2023-41914", mended: [at(22, 5, 10), at(23, 2, 6)]),
        Advisory(name: "CVE-2023-49933 to 49938", mended: [at(22, 5, 11), at(23, 2, 7), at(23, 11, 1)]),
        Advisory(name: "CVE-2025-43904", mended: [at(23, 11, 11), at(24, 5, 8), at(24, 11, 5)]),
        Advisory(name: "CVE-2026-65107 to 65165", mended: [at(25, 5, 9), at(25, 11, 8), at(26, 5, 4)]),
    ]

    /// The holes that a release has as SchedMD published it; nil when `version` (`slurm 22.05.8`) names no release.
    package static func of(_ version: String) -> [String]? {
        let words = version.split(separator: " ")
        guard words.first == "slurm", let numbers = words.last?.prefix(while: { $0 != "-" }).split(separator: "."),
            numbers.count >= 3, let year = Int(numbers[0]), let month = Int(numbers[1]),
            let release = Int(numbers[2].prefix(while: \.isNumber))
        else { return nil }
        let series = Series(year: year, month: month)
        return all.filter { advisory in
            if let mended = advisory.mended.first(where: { $0.series == series }) { return release < mended.release }
            // A series older than one that was mended, and not mended itself, is no longer looked after.
            return advisory.mended.contains { series < $0.series }
        }.map(\.name)
    }
}
