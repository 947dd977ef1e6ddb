import MoltCommands
import Testing

struct TableTests {
    private let table = Table(
        [.init("NAME", minimum: 4), .init("STEP", .right), .init("NOTE", minimum: 5)],
        rows: [["short", "7", "waits for nodes"], ["a-longer-name", "1200", .init("", .red)]])

    @Test func columnsLineUp() {
        #expect(table.lines(for: Terminal()) == [
            "NAME           STEP  NOTE",
            "short             7  waits for nodes",
            "a-longer-name  1200",
        ])
    }

    @Test func aNarrowTerminalCutsTheLastColumnFirst() {
        #expect(table.lines(for: Terminal(width: 30)) == [
            "NAME           STEP  NOTE",
            "short             7  waits fo…",
            "a-longer-name  1200",
        ])
        #expect(table.lines(for: Terminal(width: 20, hasUnicode: false)) == [
            "NAME     STEP  NOTE",
            "short       7  wait~",
            "a-long~  1200",
        ])
    }

    @Test func coloursChangeNoWidths() {
        let coloured = Table([.init("A"), .init("B")], rows: [[.init("x", .green), "y"]])
        let lines = coloured.lines(for: Terminal(hasColour: true), header: false)
        #expect(lines == ["\u{1b}[32mx\u{1b}[0m  y"])
        #expect(coloured.lines(for: Terminal(hasColour: false), header: false) == ["x  y"])
    }

    @Test func anEmptyTableIsItsHeader() {
        #expect(Table([.init("ID"), .init("STATE")]).lines(for: Terminal()) == ["ID  STATE"])
    }
}
