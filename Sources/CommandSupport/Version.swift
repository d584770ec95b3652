/// The version of the project's commands.
public let version = "0.1.0"
