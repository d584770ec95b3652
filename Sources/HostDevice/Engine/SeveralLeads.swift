import ModelFiles
import QuantInfer
import Support

extension LoadedModel {
  /// Refuses a model of several leads for what hears one.
  ///
  /// - Parameters:
  ///   - what: What does, with its verb: `a patch is learnt`.
  ///   - file: The model's file.
  /// - Throws: `FileError`, malformed.
  package func requireOneLead(for what: String, file: String) throws(FileError) {
    guard model.leadCount > 1 else { return }
    throw .malformed(
      file, "takes \(model.leadCount) leads, and \(what) on a model of one lead",
      remedy: "name another model, or run this one with `device-sim stream`")
  }
}
