import MoltCore
import Testing

/// Slurm's short form of many names.
struct HostListTests {
    @Test(arguments: [
        ("", []), ("(null)", []), ("N/A", []), ("n1", ["n1"]), ("n[1-3]", ["n1", "n2", "n3"]),
        ("n[08-10],m", ["n08", "n09", "n10", "m"]), ("n[08-10,12]", ["n08", "n09", "n10", "n12"]),
        ("a[1,3-4]-ib", ["a1-ib", "a3-ib", "a4-ib"]), ("a1,b[2,4],c", ["a1", "b2", "b4", "c"]),
        ("r[0-1]n[0-1]", ["r0n0", "r0n1", "r1n0", "r1n1"]), ("n[007-011]", ["n007", "n008", "n009", "n010", "n011"]),
    ] as [(String, [String])])
    func shortFormsAreWrittenOut(_ text: String, _ names: [String]) {
        #expect(HostList.expand(text) == names)
    }

    @Test(arguments: [
        "n[", "n]", "n[]", "n[1", "n1]", "n[3-1]", "n[a-b]", "n[1-2-3]", "n[[1]]", ",", "a,,b", "n[-1]", "n[1-]",
        "n[1-99999999999]", "n[1-999999999]", "n[0-999999]", "n[0-999]m[0-999]", "n[1-40000]x[1-40000]",
    ])
    func whatIsNoListIsNil(_ text: String) {
        #expect(HostList.expand(text) == nil)
    }

    @Test func noListIsLongerThanTheLimit() {
        #expect(HostList.expand("n[1-65536]")?.count == 65_536)
        #expect(HostList.expand("n[0-255]m[0-255]")?.last == "n255m255")
        for text in ["n[1-65537]", "n[1-65536],m", "n[0-255]m[0-256]", "n[1-40000],m[1-40000]", "n[1-40000,1-40000]"] {
            #expect(HostList.expand(text) == nil, "\(text)")
        }
    }
}
