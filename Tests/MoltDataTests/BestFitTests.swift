import MoltCore
import MoltData
import Testing

/// Best fit: everything once, nothing cut without need, and fuller than what runs on with whole documents.
struct BestFitTests {
    private func epoch(_ sizes: [Int], length: Int, seed: UInt64? = 5) -> PackedEpoch {
        PackedEpoch(
            shapes: DocumentShapes(sizes.map { DocumentShape(tokens: $0, firstTarget: min(2, $0)) }),
            sequenceLength: length, packing: .bestFit, seed: seed, epoch: 0)
    }

    private func sizes(_ count: Int, below bound: Int, seed: UInt64) -> [Int] {
        var generator = SeededGenerator(seed)
        return (0..<count).map { _ in 1 + Int(generator.below(UInt64(bound))) }
    }

    @Test(arguments: [1, 63, 64, 65, 200, 5000])
    func everyTokenIsServedOnceAndOnlyLongDocumentsAreCut(length: Int) {
        let sizes = sizes(500, below: 300, seed: UInt64(length))
        let epoch = epoch(sizes, length: length)
        var served = sizes.map { Array(repeating: 0, count: $0) }, pieces = sizes.map { _ in 0 }
        for sample in 0..<epoch.sequenceCount {
            var filled = 0
            for piece in epoch.pieces(ofSample: sample) {
                for index in piece.offset..<(piece.offset + piece.count) { served[piece.document][index] += 1 }
                pieces[piece.document] += 1
                filled += piece.count
            }
            #expect((1...length).contains(filled))
        }
        #expect(served.joined().allSatisfy { $0 == 1 })
        for (size, count) in zip(sizes, pieces) { #expect(count == (size + length - 1) / length) }
    }

    /// Best fit decreasing by a search over all open sequences, as the textbook has it.
    private func textbook(_ sizes: [Int], length: Int) -> [Int] {
        var rooms: [Int] = []
        for size in sizes.sorted(by: >) {
            let fitting = rooms.indices.filter { rooms[$0] >= size }
            if let best = fitting.min(by: { rooms[$0] < rooms[$1] }) {
                rooms[best] -= size
            } else {
                rooms.append(length - size)
            }
        }
        return rooms.sorted()
    }

    @Test(arguments: 0..<12)
    func theRoomsLeftAreThoseOfTheTextbook(number: Int) {
        let length = [7, 64, 100, 129, 4096, 5000][number % 6]
        let sizes = sizes(400, below: length, seed: UInt64(number))
        let epoch = epoch(sizes, length: length)
        let rooms = (0..<epoch.sequenceCount).map { sample in
            length - epoch.pieces(ofSample: sample).reduce(0) { $0 + $1.count }
        }
        #expect(rooms.sorted() == textbook(sizes, length: length))
    }

    @Test func theReportCountsWhatEachWayFillsAndCuts() {
        let shapes = [6, 6, 4, 4, 12].map { DocumentShape(tokens: $0, firstTarget: 1) }
        let report = PackingReport(shapes: DocumentShapes(shapes), sequenceLength: 10)
        #expect(report.tokens == 32 && report.longer == 1)
        let ways = Dictionary(uniqueKeysWithValues: report.ways.map { ($0.packing, $0) })
        #expect(ways["false"]?.sequences == 6 && ways["false"]?.cut == 1)
        #expect(ways["true"]?.sequences == 4)
        #expect(ways["true"]?.fill == 80)
        #expect(ways["best_fit"]?.sequences == 4 && ways["best_fit"]?.cut == 1)
    }

    @Test func spansOfAConversationAreTargetsWhereverItIsCut() {
        let shape = DocumentShape(tokens: 12, spans: [3..<5, 8..<12])
        let prompt = DocumentShape(tokens: 5, firstTarget: 2)
        for length in 1...14 {
            for packing in Packing.allCases {
                let epoch = PackedEpoch(
                    shapes: DocumentShapes([prompt, shape]), sequenceLength: length, packing: packing, seed: 1,
                    epoch: 0)
                var seen: [Int] = []
                for sample in 0..<epoch.sequenceCount {
                    for piece in epoch.pieces(ofSample: sample) where piece.document == 1 {
                        let targets = epoch.targets(of: piece).flatMap(Array.init)
                        #expect(targets.allSatisfy { $0 > piece.offset && $0 <= piece.offset + piece.count })
                        seen += targets
                    }
                }
                #expect(seen.sorted() == [3, 4, 8, 9, 10, 11], "\(length) \(packing)")
            }
        }
    }
}
