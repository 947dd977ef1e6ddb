import FoundationEssentials
import MoltCore
import MoltTokenizers
import Testing

/// Conversations read as transformers writes them, by templates of the families' kinds.
struct ChatTemplateTests {
    private struct Case: Decodable {
        var name: String
        var template: String
        var prompt: Bool
        var text: String?
        var spans: [[Int]]?
        var error: String?
    }

    @Test func conversationsReadAsTransformersWritesThem() throws {
        let data = try OracleTexts.chats()
        let cases = try JSONDecoder().decode([Case].self, from: data)
        let inputs = try OracleTexts.members(of: data, ["messages", "tools"])
        #expect(cases.count > 150)
        var rendered = 0
        for (item, input) in zip(cases, inputs) {
            let template = try ChatTemplate(item.template, at: "template")
            var chat = try ChatInput(json: input[0] ?? [], tools: input[1])
            chat.addsGenerationPrompt = item.prompt
            chat.variables = ["bos_token": "<s>", "eos_token": "</s>"]
            chat.clock = ChatClock(year: 2024, month: 7, day: 26, hour: 9, minute: 5, second: 3)
            guard let text = item.text else {
                #expect(throws: UserError.self, "\(item.name)") { try template.render(chat) }
                continue
            }
            rendered += 1
            #expect(try template.render(chat) == text, "\(item.name)")
            if let spans = item.spans, !spans.isEmpty, !item.prompt {
                let answers = try template.renderForTraining(chat).answers
                #expect(answers.map { [$0.lowerBound, $0.upperBound] } == spans, "\(item.name)")
            }
        }
        #expect(rendered > 100)
    }

    private static let chatML = """
        {% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}\
        {% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}
        """

    @Test func answersAreWhatTheyAddToTheTextBefore() throws {
        let template = try ChatTemplate(Self.chatML, at: "t")
        let chat = ChatInput(messages: [
            ("user", "Grüß dich"), ("assistant", "Hallo"), ("user", "Ja?"), ("assistant", "Nein\n"),
        ])
        let rendering = try template.renderForTraining(chat)
        let bytes = Array(rendering.text.utf8)
        #expect(
            rendering.answers.map { String(decoding: bytes[$0], as: UTF8.self) }
                == ["Hallo<|im_end|>", "Nein\n<|im_end|>"])
        #expect(try template.renderForTraining(chat, answersAfter: 2).answers == [rendering.answers[1]])
    }

    /// As jinja2 3.1 writes them.
    @Test(arguments: [
        ("{{ namespace(a=7).a }}", "7"), ("{{ namespace(a=7)['a'] }}", "7"),
        ("{{ namespace(a='x').a.upper() }}", "X"), ("{{ namespace(a=['p', 'q'])['a'][namespace(i=1).i] }}", "q"),
        ("{{ namespace(a=7).b is defined }}", "False"),
    ])
    func aNamespaceCanBeAskedWhereItIsMade(_ template: String, _ text: String) throws {
        let chat = ChatInput(messages: [("user", "a")])
        #expect(try ChatTemplate(template, at: "t").render(chat) == text)
    }

    @Test func aTemplateThatTakesTurnsBackIsSaid() throws {
        let template = try ChatTemplate("{% for m in messages | reverse %}{{ m.content }}{% endfor %}", at: "t")
        let chat = ChatInput(messages: [("user", "a"), ("assistant", "b"), ("user", "c")])
        let error = #expect(throws: UserError.self) { try template.renderForTraining(chat) }
        #expect(error?.fix?.contains("{% generation %}") == true)
    }

    @Test(arguments: [
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "too many steps"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "too deeply"),
        ("{{ 'x' * 999999999999 }}", "too long"),
        ("{{ range(999999999) }}", "too long"),
        ("{{ 9223372036854775807 + 1 }}", "too large"),
        ("{% set n = namespace(s='x') %}{% for i in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}", "too long"),
        ("{{ 1 / 0 }}", "divides by zero"), ("{{ a.b.c }}", "not defined"), ("{{ open('x') }}", "not defined"),
        ("{{ messages.__class__.__mro__ }}", "not defined"),
        ("{{ raise_exception('no') }}", "refuses the messages: no"),
    ])
    func whatATemplateMustNotDoIsAnError(_ source: String, _ reason: String) throws {
        let template = try ChatTemplate(source, at: "chat_template")
        let error = #expect(throws: UserError.self) { try template.render(ChatInput(messages: [("user", "a")])) }
        #expect("\(error.map { "\($0)" } ?? "")".contains(reason))
    }

    @Test(arguments: [
        "{% if x %}", "{{ a", "{% for %}{% endfor %}", "{{ a b }}", "{% endif %}", "{{ 'abc }}", "{# no end",
        "{% include 'x' %}", "{% import 'x' as y %}", "{{ (((((((1 }}", "{% set %}", "{{ a | }}", "{% raw %}",
        "{{" + String(repeating: "[", count: 5000),
        "{{" + String(repeating: "-", count: 5000) + "1}}",
    ])
    func aBrokenTemplateSaysItsLine(_ source: String) throws {
        let error = #expect(throws: UserError.self) { try ChatTemplate("\n\n" + source, at: "t") }
        #expect(error?.what.contains("line ") == true)
    }
}
