package import MoltCore

/// Where recipes known by name come from; `TemplateLibrary` of MoltTemplates is the one that programs use.
package protocol RecipeSource: Sendable {
    /// The text of a named recipe, or nil when there is none of this name.
    func recipe(named name: String) throws(UserError) -> NamedRecipe?

    /// Every name, sorted.
    func recipeNames() -> [String]
}

package struct NamedRecipe: Sendable {
    package var bytes: [UInt8]
    /// How messages call it: a path, or `built-in <name>.yaml`.
    package var label: String
    /// Where its relative paths start; nil means the current folder.
    package var folder: String?

    package init(bytes: [UInt8], label: String, folder: String?) {
        self.bytes = bytes
        self.label = label
        self.folder = folder
    }
}

/// No named recipes at all.
package struct NoRecipes: RecipeSource {
    package init() {}

    package func recipe(named name: String) throws(UserError) -> NamedRecipe? { nil }

    package func recipeNames() -> [String] { [] }
}
