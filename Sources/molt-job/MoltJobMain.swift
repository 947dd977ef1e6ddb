@main
struct MoltJobMain {
    static func main() {}
}
