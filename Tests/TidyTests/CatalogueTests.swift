import FoundationEssentials
import Testing

/// What is said of the catalogue of faults is what the tests say.
struct CatalogueTests {
    private let catalogue = Catalogue.read()

    @Test func theTableIsUpToDate() throws {
        let path = "\(SourceTree.root)/\(Catalogue.path)"
        if ProcessInfo.processInfo.environment["MOLT_WRITE_CATALOGUE"] == "1" {
            try Data(catalogue.text.utf8).write(to: URL(filePath: path))
        }
        let isCurrent = SourceTree.text(Catalogue.path) == catalogue.text
        #expect(isCurrent, "MOLT_WRITE_CATALOGUE=1 swift test --filter CatalogueTests")
    }

    @Test func everyCoverNamesARowAndStandsAboveATest() {
        #expect(catalogue.faults.isEmpty, "\(catalogue.faults.joined(separator: "\n"))")
    }

    @Test func everyRowHasATestOrAReason() {
        #expect(catalogue.rows.count > 180)
        #expect(Set(catalogue.rows.map(\.id)).count == catalogue.rows.count)
        for row in catalogue.rows where catalogue.tests(of: row).isEmpty {
            #expect(row.gap != nil, "\(row.id) has neither")
        }
    }

    /// Covers N5.
    @Test func enoughRowsAreAutomatedAndEnoughOfThemLive() {
        #expect(catalogue.automated >= 100, "\(catalogue.automated) rows")
        #expect(catalogue.liveTests >= 40, "\(catalogue.liveTests) live tests")
    }
}
