import MoltCore
import Testing

struct DurationsTests {
    @Test(arguments: [
        ("0", 0), ("90", 90), ("90s", 90), ("10m", 600), ("24h", 86400), ("7d", 604_800), ("1h30m", 5400),
        ("24:00:00", 86400), ("12:30", 750), ("4-0", 345_600), ("4-12", 388_800), ("4-12:30", 390_600),
        ("4-12:30:15", 390_615), ("1.5h", 5400),
    ])
    func everyFormIsRead(_ text: String, _ seconds: Double) {
        #expect(Durations.seconds(parsing: text) == seconds)
    }

    @Test(arguments: ["", "-1", "m", "10x", "1h30", "1:2:3:4", "a:b", "4-", "-4-0", "4-1:2:3:4", "nan", "inf", "1:-2"])
    func nonsenseIsRefused(_ text: String) {
        #expect(Durations.seconds(parsing: text) == nil)
    }

    @Test(arguments: [(0.0, "0 s"), (59.6, "1 min"), (3700, "1 h 1 min"), (90000, "1 d 1 h"), (86400, "1 d")])
    func peopleReadTheTwoLargestUnits(_ seconds: Double, _ text: String) {
        #expect(Durations.text(seconds) == text)
    }

    @Test(arguments: [(60.0, "00:01:00"), (86400, "1-00:00:00"), (93784, "1-02:03:04"), (0.2, "00:00:01")])
    func slurmReadsItsOwnForm(_ seconds: Double, _ text: String) {
        #expect(Durations.slurmText(seconds) == text)
        #expect(Durations.seconds(parsing: text) == seconds.rounded(.up))
    }
}

struct QuantitiesTests {
    @Test(arguments: [
        ("0", 0), ("4096", 4096), ("64k", 64000), ("200M", 200_000_000), ("1.5B", 1_500_000_000),
        ("2T", 2_000_000_000_000), ("1_000", 1000),
    ])
    func countsAreRead(_ text: String, _ count: Int) {
        #expect(Quantities.count(parsing: text) == count)
    }

    @Test(arguments: ["", "-5", "M", "1e9", "12 M", "9999999999T", "1.2.3M", "0x10"])
    func otherTextIsRefused(_ text: String) {
        #expect(Quantities.count(parsing: text) == nil)
    }

    @Test(arguments: [(3.14159, 2, "3.14"), (-0.004, 2, "0.00"), (2.999, 1, "3.0"), (12, 0, "12"), (0.05, 3, "0.050")])
    func decimalsRound(_ value: Double, _ digits: Int, _ text: String) {
        #expect(Decimals.text(value, digits: digits) == text)
    }
}
