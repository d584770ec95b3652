import ModelFiles
import QuantInfer
import Support

extension LoadedModel {
  /// Refuses a model of several leads that doesn't say which of a record's they are.
  ///
  /// - Throws: `FileError`, malformed, naming `file`.
  package func requireLeadsOfTask(file: String) throws(FileError) {
    guard model.leadCount > 1, task?.frontEnd.leadCount != model.leadCount else { return }
    throw .malformed(
      file, "takes \(model.leadCount) leads, and doesn't tell a task that names them",
      remedy: "put \"task\": \"FILE.json\" into the front end's file and make the image anew, or run it with "
        + "`device-sim stream`")
  }
}
