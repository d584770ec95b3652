import Cohort
import Foundation
import Support
import Testing
import TestSupport

/// Outside truth: what LUDB's own table of diagnoses says.
@Suite(.enabled(if: Databases.has("ludb"), "needs ../shared/data/ludb"))
struct LUDBCohortTests {
  @Test func diagnosesAreThoseOfLUDBsTable() throws {
    let cohort = try LUDBCohort(folder: Databases.path("ludb"))
    #expect(cohort.patients.count == 200)
    // Counted in ludb.csv's column of conduction abnormalities.
    #expect(cohort.patients.filter(\.hasLBBB).map(\.number) == [24, 44, 51, 83])
    #expect(cohort.patients.count { $0.hasBlock(.complete) } == 8)
    #expect(cohort.patients.count { $0.hasBlock(.any) } == 43)
    #expect(cohort.patients.count { $0.covariates.sex == .female } == 85)
    // Counted apart from this program.
    #expect(cohort.patients.count(where: \.isWide) == 19)
    #expect(cohort.patients.count(where: cohort.hasDisease) == 53)
    // Record 24's diagnosed LBBB is wide, record 1's left ventricular hypertrophy isn't.
    #expect(cohort.patients[23].isWide && !cohort.patients[0].isWide)
    #expect(cohort.hasDisease(cohort.patients[23]) && !cohort.hasDisease(cohort.patients[0]))
  }

  @Test func theManifestIsACohort() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "quantinfer-\(UUID().uuidString)")
      .path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let ludb = try LUDBCohort(folder: Databases.path("ludb"), blocks: .complete)
    let file = folder + "/ludb.csv"
    try Files.write(ludb.manifestText(for: file), to: file)
    let cohort = try PatientCohort(manifest: file)
    #expect(cohort.patients.count == 200)
    #expect(cohort.labels == ludb.patients.map(ludb.hasDisease))
    #expect(!cohort.isSynthetic)
    #expect(try cohort.load(cohort.patients[7].records[0]).lead().name == "ii")
    // The label's own ingredients are no covariates.
    #expect(cohort.patients.allSatisfy { $0.covariates.qrsDurationMs == nil && $0.covariates.hasLBBB == nil })
  }
}
