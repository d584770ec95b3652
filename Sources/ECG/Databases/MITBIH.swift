/// The records of MIT-BIH by their part in an evaluation.
package enum MITBIH {
  /// De Chazal's training records.
  package static let ds1 = [
    "101", "106", "108", "109", "112", "114", "115", "116", "118", "119", "122", "124", "201", "203", "205",
    "207", "208", "209", "215", "220", "223", "230",
  ]
  /// De Chazal's test records, of other patients.
  package static let ds2 = [
    "100", "103", "105", "111", "113", "117", "121", "123", "200", "202", "210", "212", "213", "214", "219",
    "221", "222", "228", "231", "232", "233", "234",
  ]
  /// The records with paced beats, which both lists leave out.
  package static let paced = ["102", "104", "107", "217"]
  /// All 48 records, in order of name.
  package static let all = (ds1 + ds2 + paced).sorted()
  /// The record whose leads are in the other order: its MLII is the second signal.
  package static let swappedLeads = "114"

  /// The patient of a record, by the name of the first record: 201 and 202 are of one.
  ///
  /// - Parameter record: The record's name, with or without its folder.
  /// - Returns: The name of the patient's first record.
  package static func patient(of record: String) -> String {
    let name = RecordPath.name(of: record)
    return name == "202" ? "201" : name
  }
}
