/// The shapes of the documents of a source, in their order. Each is made when it is asked for: of a hundred million
/// documents nothing is kept but what their source maps.
package struct DocumentShapes: RandomAccessCollection {
    package let count: Int
    private let make: (Int) -> DocumentShape

    package init(count: Int, _ make: @escaping (Int) -> DocumentShape) {
        self.count = count
        self.make = make
    }

    package init(_ shapes: [DocumentShape]) {
        self.init(count: shapes.count) { shapes[$0] }
    }

    package var startIndex: Int { 0 }
    package var endIndex: Int { count }

    package subscript(index: Int) -> DocumentShape { make(index) }
}

extension DocumentShapes: Equatable {
    package static func == (left: DocumentShapes, right: DocumentShapes) -> Bool { left.elementsEqual(right) }
}
