import ArgumentParser
import Cohort
import CommandSupport
import ECG
import Networks

/// How patients are divided, as arguments.
struct CrossValidationArguments: ParsableArguments {
  @Option(help: ArgumentHelp("The folds of a repeat.", valueName: "k")) var folds = 5
  @Option(help: ArgumentHelp("The repeats, each with patients dealt anew.", valueName: "r")) var repeats = 10
  @Option(help: ArgumentHelp("The seed of folds, draws and random weights.", valueName: "seed"))
  var seed: UInt64 = 1

  func validate() throws {
    guard (2...100).contains(folds) else { throw ValidationError("--folds must be in 2 ... 100") }
    guard (1...1000).contains(repeats) else { throw ValidationError("--repeats must be in 1 ... 1000") }
  }
}

/// How a network learns from patients, as arguments with the library's defaults.
struct TransferArguments: ParsableArguments {
  private static let defaults = TransferOptions()

  @Option(
    help: ArgumentHelp(
      "The first layers that don't learn: a number, all (but the last) or none.", valueName: "n"))
  var freeze = defaults.frozenLayers.map(String.init) ?? "all"
  @Option(
    help: ArgumentHelp(
      "The learning layers' rates as multiples, first to last, with commas. (default: 1)", valueName: "x,y"))
  var layerRates: String?
  @Option(help: ArgumentHelp("The steps in which layers before the last learn.", valueName: "n"))
  var steps = defaults.steps
  @Option(help: ArgumentHelp("The beats of a step.", valueName: "n")) var batchSize = defaults.batchSize
  @Option(help: ArgumentHelp("The learning rate at the first step.", valueName: "x"))
  var learningRate = defaults.learningRate
  @Option(help: ArgumentHelp("AdamW's weight decay.", valueName: "x")) var weightDecay = defaults.weightDecay
  @Option(help: ArgumentHelp("The most beats of a patient to use.", valueName: "n"))
  var beatsPerPatient = defaults.beatsPerPatient
  @Flag(help: "Measure the baselines' features in all leads, not the network's alone.") var allLeads = false
  @Flag(help: "Leave the int8 twin out of the cross-validation.") var floatOnly = false
  @OptionGroup var adc: ConverterOptions
  @OptionGroup var threading: ThreadOptions

  func validate() throws {
    guard frozenLayers != nil else { throw ValidationError("--freeze must be a number, all or none") }
    guard rates != nil else { throw ValidationError("--layer-rates must be numbers with commas between") }
    if let problem = options.problem { throw ValidationError(problem) }
  }

  /// The frozen layers: nil for what isn't a number, all or none; a nil in it for all.
  private var frozenLayers: Int?? {
    switch freeze {
    case "all": .some(nil)
    case "none": .some(0)
    default: Int(freeze).map { .some($0) }
    }
  }

  private var rates: [Double]? {
    guard let layerRates else { return [] }
    let parts = layerRates.split(separator: ",", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { Double($0) }
    return numbers.count == parts.count ? numbers : nil
  }

  var options: TransferOptions {
    var options = TransferOptions()
    options.frozenLayers = frozenLayers ?? nil
    options.layerRates = rates ?? []
    (options.steps, options.batchSize, options.learningRate) = (steps, batchSize, learningRate)
    (options.weightDecay, options.beatsPerPatient) = (weightDecay, beatsPerPatient)
    return options
  }

  func view(of source: Checkpoint) -> TransferCohort.View {
    TransferCohort.View(
      window: source.window, converter: adc.converter,
      beatsPerPatient: beatsPerPatient, usesAllLeads: allLeads)
  }
}

/// Refuses leads that a synthetic ECG doesn't have.
///
/// - Throws: `ValidationError`.
func requireLead(_ lead: String) throws {
  let names = SyntheticECG.leadNames
  guard
    names.contains(where: { $0.lowercased() == lead.lowercased() })
      || Int(lead).map({ (1...names.count).contains($0) }) == true
  else {
    throw ValidationError("--lead must be one of \(names.joined(separator: ", ")), or its number from 1")
  }
}
