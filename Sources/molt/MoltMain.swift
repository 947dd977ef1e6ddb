@main
struct MoltMain {
    static func main() {}
}
