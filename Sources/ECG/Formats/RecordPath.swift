/// A record's path taken apart, without the surprises that empty paths bring.
enum RecordPath {
  /// What comes after the last `/`.
  static func name(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
  }

  /// A file named in another file: beside it, unless the name starts at the root.
  static func file(_ name: String, beside path: String) -> String {
    guard !name.hasPrefix("/"), let slash = path.lastIndex(of: "/") else { return name }
    return path[...slash] + name
  }
}
