import Support
import Testing
import TestSupport

/// Options that contradict each other, do nothing, or say something twice: the error names them, before any work.
@Suite struct ContradictionTests {
  private static let stream = ["device-sim", "stream", "--model", "m.qinf", "--record", "r"]
  private static let own = ["device-sim", "stream", "--model", "m.qinf"]
  private static let sweep = [
    "device-sim", "sweep", "--model", "m.qinf", "--records", "r", "--output", "s.jsonl",
  ]
  private static let faults = ["device-sim", "faults", "--model", "m.qinf", "--record", "r"]
  private static let verdict = ["device-sim", "verdict", "--model", "m.qinf"]
  private static let explain = ["exporter", "explain", "m.qinf", "--float", "f.safetensors"]

  @Test(
    arguments: [
      (sweep + ["--seed", "2,1,2"], "--seed has 2 twice; name it once"),
      (sweep + ["--noise", "emg,emg", "--snr", "6"], "--noise has emg twice; name it once"),
      (sweep + ["--noise", "emg", "--snr", "6,6.0"], "--snr has 6.0 twice; name it once"),
      (sweep + ["--profile", "pacemaker,pacemaker"], "--profile has pacemaker twice; name it once"),
      (stream + ["--brown-out", "10,10"], "--brown-out has 10.0 twice; name it once"),
      (stream + ["--report", "p.html", "--moments", "3,3"], "--moments has 3.0 twice; name it once"),
      (faults + ["--kinds", "weights,clock,weights"], "--kinds has weights twice; name it once"),
      (
        verdict + ["--profile", "pacemaker", "--profile", "pacemaker"],
        "--profile has pacemaker twice; name it once"
      ),
    ] as [([String], String)])
  func whatIsNamedTwiceIsNamed(arguments: [String], text: String) throws {
    expectError(try Command(arguments[0]).run(Array(arguments.dropFirst())), status: 64, containing: text)
  }

  @Test(
    arguments: [
      (stream + ["--every", "16", "--decide", "beats"], "--every and --decide both say when to decide"),
      (stream + ["--annotator", "mine"], "--annotator needs --annotations"),
      (
        stream + ["--board-record", "9", "--target", "qemu:virt"],
        "--record and --board-record exclude each other"
      ),
      (own, "--record is missing: name a record, or let a board sample by itself"),
      (own + ["--board-record", "9"], "--board-record needs --target"),
      (stream + ["--keep-record", "mine"], "--keep-record needs --board-record"),
      (
        own + ["--board-record", "9", "--target", "qemu:virt", "--noise", "emg", "--snr", "6"],
        "--board-record takes the board's samples as they are"
      ),
      (
        verdict + ["--lead", "V1"], "--lead, --sample-rate, --gain, --baseline and --no-header need --records"
      ),
      (verdict + ["--no-header"], "--no-header need --records"),
      (
        verdict + ["--heart-rate", "60", "--interval", "2"],
        "--heart-rate and --interval both say when to decide"
      ),
      (verdict + ["--patients", "worst"], "--patients needs --records, --record or --data"),
      (explain + ["--record", "r", "--at", "10", "--row", "3"], "--row is of --input"),
      (explain + ["--input", "x.npy", "--lead", "II"], "--no-header are of --record"),
    ] as [([String], String)])
  func whatWouldDoNothingIsRefused(arguments: [String], text: String) throws {
    expectError(try Command(arguments[0]).run(Array(arguments.dropFirst())), status: 64, containing: text)
  }

  @Test(.enabled(if: Databases.has("mitdb"), "needs ../shared/data/mitdb"))
  func anAmplifierThatMissesEveryBeatIsNotARecordWithoutAny() throws {
    let result = try Command("device-sim")(
      "stream", "--model", ProjectFiles.model, "--record", Databases.path("mitdb") + "/100", "--sensed",
      "--undersense", "100", "--quiet")
    // The database's own count of the record's beats.
    expectError(
      result, status: 65,
      containing: "has 2,273 annotated beats, and the amplifier misses every one; give a lower --undersense")
  }

  @Test(
    arguments: [
      (["--majority", "0"], "--majority must be in 1 ... "),
      (["--hysteresis", "0"], "--hysteresis must be in 1 ... "),
      (["--min-margin", "256"], "--min-margin must be in 0 ... 255 codes"),
      (["--wake-rr", "1001"], "--wake-rr must be in 1 ... 1,000 %"),
      (["--noise", "emg"], "--noise emg needs --snr, or an SNR of its own, as in emg@6"),
      (["--snr", "6"], "--snr needs a --noise that has no SNR of its own"),
      (["--noise", "emg@6", "--snr", "6"], "--snr needs a --noise that has no SNR of its own"),
      (["--noise", "emg@600"], "--noise must have SNRs in -100 ... 100 dB"),
      (["--gain-error=-91"], "--gain-error must be in -90 ... 900 %"),
      (["--lead-off=-1:2"], "--lead-off must start at 0 s or later, and last"),
      (["--sensed", "--undersense", "101"], "--undersense must be in 0 ... 100 %"),
    ] as [([String], String)])
  func whatIsOutOfRangeIsNamedByItsOption(options: [String], text: String) throws {
    expectError(
      try Command("device-sim").run(Array(Self.stream.dropFirst()) + options), status: 64, containing: text)
  }

  @Test func aLogitIsRaisedByAHundredAtMost() throws {
    func tune(_ offsets: String) throws -> Command.Result {
      try Command("exporter")(
        "tune", "none.safetensors", "--offsets", offsets, "--output", "tuned.safetensors")
    }
    expectError(try tune("VT=100.5"), status: 64, containing: "'VT=100.5' is invalid for '--offsets")
    expectError(try tune("VT=100"), status: 66, containing: "none.safetensors: no such file")
  }
}
