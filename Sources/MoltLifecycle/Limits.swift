/// The bounds of this module: everything that could grow has one.
enum Limits {}
