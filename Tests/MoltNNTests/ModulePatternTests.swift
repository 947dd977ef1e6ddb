import MoltNN
import Testing

struct ModulePatternTests {
    @Test(arguments: [
        ("in_proj", "backbone.layers.0.mixer.in_proj", true),
        ("in_proj", "backbone.layers.0.mixer.main_proj", false),
        ("proj", "backbone.layers.0.mixer.in_proj", false),
        ("*", "lm_head", true),
        ("*_proj", "backbone.layers.0.mixer.in_proj", true),
        ("*.mixer.?_proj", "backbone.layers.0.mixer.q_proj", true),
        ("*.mixer.?_proj", "backbone.layers.0.mixer.in_proj", false),
        ("backbone.layers.1*.mixer.*", "backbone.layers.12.mixer.in_proj", true),
        ("backbone.layers.1*.mixer.*", "backbone.layers.2.mixer.in_proj", false),
        ("backbone.layers.1.mixer.in_proj", "backbone.layers.1.mixer.in_proj", true),
        ("backbone.layers.1.mixer", "backbone.layers.1.mixer.in_proj", false),
        ("", "lm_head", false),
    ])
    func aPatternNamesTheLastComponentOrTheWholePath(_ pattern: String, _ path: String, _ matches: Bool) {
        #expect(ModulePattern(pattern).matches(path) == matches)
    }
}
