/// One of PhysioNet's databases: what it is, its version, licence and citation.
package struct Database: Sendable {
  /// The short name, such as `mitdb`.
  package let name: String
  /// The full name.
  package let title: String
  /// The version that is fetched.
  package let version: String
  /// The licence by name and address; nil where only the database's page tells it.
  package let licence: String?
  /// The publication that its authors ask to cite; nil where only the database's page tells it.
  package let citation: String?
  /// The database's own identifier; nil where only the database's page tells it.
  package let doi: String?

  /// The address of the page that says all of the above.
  package var page: String { "https://physionet.org/content/\(name)/\(version)/" }

  /// The file's text that goes beside the records: where they are from, under which licence, and what to cite.
  package var source: String {
    """
    \(title) (\(name)), version \(version)
    \(page)

    Licence: \(licence ?? "see LICENSE.txt, where it is beside this file, or the page above")

    Whoever publishes results from these records cites
    - \(citation ?? "the publication that the page above asks for")
    - the database itself\(doi.map { ": https://doi.org/\($0)" } ?? ", as the page above says")
    - Goldberger A, Amaral L, Glass L, et al. PhysioBank, PhysioToolkit, and PhysioNet: components of a new research
      resource for complex physiologic signals. Circulation 101(23):e215-e220, 2000.

    Where the page says otherwise, the page is right.

    """
  }

  private static let attribution =
    "Open Data Commons Attribution License v1.0, https://opendatacommons.org/licenses/by/1-0/"

  /// A database under the Open Data Commons Attribution License.
  private init(
    _ name: String, _ title: String, version: String = "1.0.0", _ citation: String?, doi: String
  ) {
    (self.name, self.title, self.version) = (name, title, version)
    (licence, self.citation, self.doi) = (Self.attribution, citation, doi)
  }

  /// A database of which its page tells all else.
  init(name: String, title: String, version: String) {
    (self.name, self.title, self.version) = (name, title, version)
    (licence, citation, doi) = (nil, nil, nil)
  }

  /// A database by its name; nil where this list doesn't have it.
  package static func named(_ name: String) -> Database? { all.first { $0.name == name } }

  /// The databases of ECGs that are asked for most, in order of name.
  package static let all = [
    Database(
      "afdb", "MIT-BIH Atrial Fibrillation Database",
      "Moody GB, Mark RG. A new method for detecting atrial fibrillation using R-R intervals. Computers in Cardiology"
        + " 10:227-230, 1983.",
      doi: "10.13026/C2MW2D"),
    Database(
      "chfdb", "BIDMC Congestive Heart Failure Database",
      "Baim DS, Colucci WS, Monrad ES, et al. Survival of patients with severe congestive heart failure treated with"
        + " oral milrinone. J American College of Cardiology 7(3):661-670, 1986.",
      doi: "10.13026/C29G60"),
    Database(
      "cudb", "CU Ventricular Tachyarrhythmia Database",
      "Nolle FM, Badura FK, Catlett JM, Bowser RW, Sketch MH. CREI-GARD, a new concept in computerized arrhythmia"
        + " monitoring systems. Computers in Cardiology 13:515-518, 1986.",
      doi: "10.13026/C2X59M"),
    Database(
      "edb", "European ST-T Database",
      "Taddei A, Distante G, Emdin M, et al. The European ST-T database: standard for evaluating systems for the"
        + " analysis of ST-T changes in ambulatory electrocardiography. European Heart Journal 13:1164-1172, 1992.",
      doi: "10.13026/C2D59Z"),
    Database(
      "incartdb", "St Petersburg INCART 12-lead Arrhythmia Database", nil, doi: "10.13026/C2V88N"),
    Database(
      "ltafdb", "Long Term AF Database",
      "Petrutiu S, Sahakian AV, Swiryn S. Abrupt changes in fibrillatory wave characteristics at the termination of"
        + " paroxysmal atrial fibrillation in humans. Europace 9:466-470, 2007.",
      doi: "10.13026/C2QG6Q"),
    Database(
      "ltdb", "MIT-BIH Long-Term ECG Database", nil, doi: "10.13026/C2KS3F"),
    Database(
      "ltstdb", "Long Term ST Database",
      "Jager F, Taddei A, Moody GB, et al. Long-term ST database: a reference for the development and evaluation of"
        + " automated ischaemia detectors and for the study of the dynamics of myocardial ischaemia. Medical and"
        + " Biological Engineering and Computing 41(2):172-183, 2003.",
      doi: "10.13026/C2G01T"),
    Database(
      "ludb", "Lobachevsky University Electrocardiography Database", version: "1.0.1",
      "Kalyakulina AI, Yusipov II, Moskalenko VA, et al. LUDB: a new open-access validation tool for electrocardiogram"
        + " delineation algorithms. IEEE Access 8:186181-186190, 2020.",
      doi: "10.13026/eegm-h675"),
    Database(
      "mitdb", "MIT-BIH Arrhythmia Database",
      "Moody GB, Mark RG. The impact of the MIT-BIH Arrhythmia Database. IEEE Eng in Med and Biol 20(3):45-50, 2001.",
      doi: "10.13026/C2F305"),
    Database(
      "nsrdb", "MIT-BIH Normal Sinus Rhythm Database", nil, doi: "10.13026/C2NK5R"),
    Database(
      "nstdb", "MIT-BIH Noise Stress Test Database",
      "Moody GB, Muldrow WE, Mark RG. A noise stress test for arrhythmia detectors. Computers in Cardiology 11:381-384,"
        + " 1984.",
      doi: "10.13026/C2HS3T"),
    Database(
      "qtdb", "QT Database",
      "Laguna P, Mark RG, Goldberger A, Moody GB. A database for evaluation of algorithms for measurement of QT and"
        + " other waveform intervals in the ECG. Computers in Cardiology 24:673-676, 1997.",
      doi: "10.13026/C24K53"),
    Database(
      "sddb", "Sudden Cardiac Death Holter Database",
      "Greenwald SD. Development and analysis of a ventricular fibrillation detector. M.S. thesis, MIT, 1986.",
      doi: "10.13026/C2W306"),
    Database(
      "stdb", "MIT-BIH ST Change Database",
      "Albrecht P. S-T segment characterization for long-term automated ECG analysis. M.S. thesis, MIT, 1983.",
      doi: "10.13026/C2ZW2H"),
    Database(
      "svdb", "MIT-BIH Supraventricular Arrhythmia Database",
      "Greenwald SD. Improved detection and classification of arrhythmias in noise-corrupted electrocardiograms using"
        + " contextual information. Ph.D. thesis, Harvard-MIT, 1990.",
      doi: "10.13026/C2V30W"),
    Database(
      "vfdb", "MIT-BIH Malignant Ventricular Ectopy Database",
      "Greenwald SD. Development and analysis of a ventricular fibrillation detector. M.S. thesis, MIT, 1986.",
      doi: "10.13026/C22P44"),
  ]
}
