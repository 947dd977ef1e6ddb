@main
struct MoltTrainMain {
    static func main() {}
}
