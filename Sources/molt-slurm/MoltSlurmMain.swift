@main
struct MoltSlurmMain {
    static func main() {}
}
