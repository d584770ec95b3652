import Foundation

/// Why a file gives no case.
public enum ConformanceError: Error, Equatable {
  /// The case is of an operator that this project doesn't have.
  case unsupported(operatorName: String)
  /// The file lacks something or its sizes don't agree.
  case malformed(String)
}

/// A case as it is written: settings and arrays under names that begin with the case's own.
struct CaseFile: Decodable {
  struct Array: Decodable {
    var dtype: String
    var values: [Int]

    var bits: Int { Int(dtype.drop { !$0.isNumber }) ?? 0 }
  }

  var name: String
  var config: [String: Int]
  var arrays: [String: Array]

  /// A file's case.
  init(path: String) throws {
    self = try JSONDecoder().decode(CaseFile.self, from: Data(contentsOf: URL(filePath: path)))
    for (key, value) in config where key.hasPrefix(name.uppercased() + "_") {
      config[String(key.dropFirst(name.count + 1))] = value
    }
    for (key, value) in arrays where key.hasPrefix(name + "_") {
      arrays[String(key.dropFirst(name.count + 1))] = value
    }
  }

  /// The first of some arrays that the file has.
  func array(_ names: String...) throws(ConformanceError) -> Array {
    for name in names { if let array = arrays[name] { return array } }
    throw .malformed("no \(names[0]) in \(name)")
  }

  /// The first of some settings that the file has.
  func setting(_ names: String...) throws(ConformanceError) -> Int {
    for name in names { if let value = config[name] { return value } }
    throw .malformed("no \(names[0]) in \(name)")
  }

  /// Whether the file has a setting.
  func has(_ setting: String) -> Bool { config[setting] != nil }

  /// The settings and arrays of a layer of a network, under the names of a case of its own.
  func layer(_ settings: String, _ arrayPrefix: String) -> CaseFile {
    var layer = self
    for (key, value) in config where key.hasPrefix(settings + "_") {
      layer.config[String(key.dropFirst(settings.count + 1))] = value
    }
    for (key, value) in arrays where key.hasPrefix(arrayPrefix + "_") {
      layer.arrays[String(key.dropFirst(arrayPrefix.count + 1))] = value
    }
    return layer
  }
}
