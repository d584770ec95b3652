import Support

/// A random forest of classification trees.
///
/// Each tree grows on cases drawn with replacement until its leaves are pure or small, by the best Gini split among
/// a few columns drawn anew at each node. Each tree's draws follow from the seed and the tree's number alone.
///
/// - SeeAlso: L. Breiman, Mach. Learn. 45 (2001) 5.
package struct RandomForest: Sendable {
  /// How a forest grows.
  package struct Options: Equatable, Sendable {
    /// The number of trees.
    package var treeCount = 300
    /// The least cases in a leaf.
    package var leafCount = 3
    /// The columns to choose from at a node; nil is the square root of their number.
    package var columnCount: Int?

    /// Creates the usual options.
    package init() {}
  }

  private let trees: [Tree]

  /// Grows a forest on cases, at least one; rows have no NaN.
  package static func grown(
    rows: [[Double]], labels: [Bool], options: Options = .init(), seed: UInt64, threads: Int = 1
  ) -> RandomForest {
    precondition(!rows.isEmpty && rows.count == labels.count, "a label for each row")
    let generator = SeededGenerator(seed: seed)
    let trees = Array(0..<max(1, options.treeCount)).concurrentMap(
      threads: max(1, threads), progress: { _ in }
    ) {
      var generator = generator.split($0)
      return Tree(rows, labels, options, &generator)
    }
    return RandomForest(trees: trees)
  }

  /// A case's probability: the mean over the trees of the positive share in its leaf.
  package func probability(_ row: [Double]) -> Double {
    trees.reduce(0) { $0 + $1.probability(row) } / Double(trees.count)
  }
}

/// A tree as an array of nodes, the root first.
private struct Tree: Sendable {
  private enum Node {
    case leaf(probability: Double)
    /// To the node `below` where the column's value is at most the threshold, else to `above`.
    case split(column: Int, threshold: Double, below: Int, above: Int)
  }

  private var nodes: [Node] = []

  init(
    _ rows: [[Double]], _ labels: [Bool], _ options: RandomForest.Options,
    _ generator: inout SeededGenerator
  ) {
    let drawn = rows.indices.map { _ in generator.nextIndex(below: rows.count) }
    // The nodes that are yet to grow, by their place.
    var open: [(node: Int, cases: [Int])] = [(0, drawn)]
    nodes = [.leaf(probability: 0)]
    while let (node, cases) = open.popLast() {
      let positives = cases.count { labels[$0] }
      nodes[node] = .leaf(probability: Double(positives) / Double(cases.count))
      guard positives > 0, positives < cases.count,
        let (column, threshold) = Self.bestSplit(cases, rows, labels, options, &generator)
      else { continue }
      let (below, above) = (nodes.count, nodes.count + 1)
      nodes += [.leaf(probability: 0), .leaf(probability: 0)]
      nodes[node] = .split(column: column, threshold: threshold, below: below, above: above)
      open.append((below, cases.filter { rows[$0][column] <= threshold }))
      open.append((above, cases.filter { rows[$0][column] > threshold }))
    }
  }

  /// The split of least impurity among some columns; nil where none leaves enough cases on both sides.
  private static func bestSplit(
    _ cases: [Int], _ rows: [[Double]], _ labels: [Bool], _ options: RandomForest.Options,
    _ generator: inout SeededGenerator
  ) -> (column: Int, threshold: Double)? {
    let width = rows[0].count
    let tried = min(width, max(1, options.columnCount ?? Int(Double(width).squareRoot())))
    let total = Double(cases.count)
    let positives = Double(cases.count { labels[$0] })
    var best: (score: Double, column: Int, threshold: Double)?
    // Columns beyond the usual number are tried where those split nothing.
    for (place, column) in Array(0..<width).shuffled(using: &generator).enumerated() {
      if place >= tried, best != nil { break }
      let order = cases.sorted { (rows[$0][column], $0) < (rows[$1][column], $1) }
      var positivesBelow = 0.0
      for place in 0..<order.count - 1 {
        if labels[order[place]] { positivesBelow += 1 }
        let (value, next) = (rows[order[place]][column], rows[order[place + 1]][column])
        guard value < next, place + 1 >= options.leafCount, order.count - place - 1 >= options.leafCount
        else {
          continue
        }
        let below = Double(place + 1)
        let above = total - below
        let positivesAbove = positives - positivesBelow
        // Gini impurity times cases, summed over both sides, up to a constant factor.
        let score =
          positivesBelow * (below - positivesBelow) / below + positivesAbove * (above - positivesAbove)
          / above
        if score < (best?.score ?? .infinity) {
          let middle = value + (next - value) / 2
          best = (score, column, middle < next ? middle : value)
        }
      }
    }
    return best.map { ($0.column, $0.threshold) }
  }

  func probability(_ row: [Double]) -> Double {
    var place = 0
    while true {
      switch nodes[place] {
      case .leaf(let probability): return probability
      case .split(let column, let threshold, let below, let above):
        place = row[column] <= threshold ? below : above
      }
    }
  }
}
