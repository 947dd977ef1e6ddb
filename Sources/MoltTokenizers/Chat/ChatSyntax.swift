/// An expression of a template.
indirect enum ChatExpression: Sendable {
    case constant(ChatValue)
    case name(String)
    case list([ChatExpression], isTuple: Bool)
    case table([(ChatExpression, ChatExpression)])
    case member(ChatExpression, String)
    case item(ChatExpression, ChatExpression)
    case slice(ChatExpression, ChatExpression?, ChatExpression?, ChatExpression?)
    case call(ChatExpression, [ChatExpression], [(String, ChatExpression)])
    case filter(ChatExpression, String, [ChatExpression], [(String, ChatExpression)])
    case test(ChatExpression, String, [ChatExpression], negated: Bool)
    case not(ChatExpression)
    case negative(ChatExpression)
    case binary(String, ChatExpression, ChatExpression)
    /// First operand, then operator and operand: `a < b < c`.
    case comparison(ChatExpression, [(String, ChatExpression)])
    case and(ChatExpression, ChatExpression)
    case or(ChatExpression, ChatExpression)
    case condition(ChatExpression, if: ChatExpression, else: ChatExpression?)
}

/// What a template does, in order.
indirect enum ChatStatement: Sendable {
    case text(String)
    case output(ChatExpression)
    case branch([(ChatExpression, [ChatStatement])], otherwise: [ChatStatement])
    case loop(ChatLoop)
    case set(ChatTarget, ChatExpression)
    case setBlock(String, filters: [ChatExpression], [ChatStatement])
    case macro(ChatMacro)
    case filterBlock(ChatExpression, [ChatStatement])
    /// What the assistant wrote, for the loss.
    case generation([ChatStatement])
    case breakLoop
    case continueLoop
}

struct ChatLoop: Sendable {
    var names: [String]
    var over: ChatExpression
    var filter: ChatExpression?
    var isRecursive: Bool
    var body: [ChatStatement]
    var otherwise: [ChatStatement]
}

enum ChatTarget: Sendable {
    case names([String])
    /// Of a namespace.
    case member(String, String)
}

struct ChatMacro: Sendable {
    var name: String
    var parameters: [(name: String, value: ChatExpression?)]
    var body: [ChatStatement]
}
