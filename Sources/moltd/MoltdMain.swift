@main
struct MoltdMain {
    static func main() {}
}
