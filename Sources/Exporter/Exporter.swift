import ArgumentParser
import CommandSupport
import Support

/// The command `exporter`: from records of beats to a model image for the device.
@main struct Exporter: CommandLineTool {
  static let configuration = CommandConfiguration(
    commandName: "exporter",
    abstract: "Train an ECG network, bring it to integers, and measure what that costs.",
    discussion: """
      From the records to the device's model image:

        exporter records fetch mitdb --into data/mitdb
        exporter train --task aami --data data/mitdb --output beats.safetensors
        exporter quantize beats.safetensors --data data/mitdb --output beats.qinf
        exporter evaluate beats.qinf --float beats.safetensors --data data/mitdb
        exporter report beats.safetensors --data data/mitdb --output report
        exporter personalize --model beats.qinf --data data/mitdb \\
          --record data/mitdb/208 --output 208.qpatch
        exporter inspect beats.qinf

      For other programs, and to compare with them:

        exporter import keywords.tflite --output keywords.qinf
        exporter export beats.qinf --format tflite --output beats.tflite
        exporter run beats.qinf --input windows.npy --output logits.npy

      Exit status: 0 done, 64 wrong arguments, 65 bad data, 66 missing file,
      1 any other failure.
      """,
    version: Release.version,
    subcommands: [
      Records.self, TaskCommand.self, CohortCommand.self, Train.self, Validate.self, Design.self, Tune.self,
      Finetune.self,
      Quantize.self,
      Evaluate.self,
      Report.self, Explain.self, Personalize.self, Detect.self, Inspect.self, Import.self, Export.self,
      Run.self, Sign.self, Verify.self, DossierCommand.self,
    ])
}
