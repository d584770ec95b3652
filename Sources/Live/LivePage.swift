import Drawing
import Foundation
import Simulation
import Support

/// The page that a browser watches a run on: it asks for what is new ten times a second.
struct LivePage {
  private let run: WatchedRun

  init(_ run: WatchedRun) {
    self.run = run
  }

  func render() -> String {
    Page(
      title: "Live: \(run.record), \(run.leads.joined(separator: ", "))",
      subtitle: "through \(run.modelName) on a simulated device, "
        + "\(Numbers.duration(seconds: run.durationSeconds)) at \(Numbers.shortest(run.sampleRateHz)) Hz",
      verdict: "The run begins.",
      sections: [
        Section("Now", [LiveStrip(leads: run.leads, hasTwin: run.hasTwin), LiveFigures(run)]),
        Section(
          "How to read this",
          [
            Paragraph(
              (run.leads.count == 1
                ? "The strip holds the signal's last ten seconds as the device took them. Under it stands"
                : "Each strip holds a lead's last ten seconds as the device took them, on a scale of its own. Under them stands")
                + " the class of each decision, at "
                + "the beat that it is about, or where it was made by the clock: the device's, the float twin's, and what the device "
                + "announced after its policy. A decision of another class than the twin's is framed. Where names would lie "
                + "on one another, only some are written."),
            Paragraph(
              "The current is an estimate for what the run has made the device do so far, from the network's counts and the profile "
                + "\(run.profile.name); it stands for no measurement. This is an engineering evaluation of a model, not a medical device."
            ),
          ]),
      ],
      footer: "device-sim stream --serve; nothing on this page is loaded from elsewhere."
    ).render()
  }
}

/// The signal and the decisions, drawn as they come.
private struct LiveStrip: Component {
  let leads: [String]
  let hasTwin: Bool

  /// Strips above one another are lower than one alone.
  private var pixels: Int { leads.count == 1 ? 300 : 100 + 130 * leads.count }

  /// The leads' names as JSON.
  private var names: String { String(decoding: (try? JSON.data(leads)) ?? Data("[]".utf8), as: UTF8.self) }

  func render() -> String {
    """
    <style>
    #strip { display: block; width: 100%; height: \(pixels)px; margin: 0 0 16px }
    .controls { display: flex; gap: 12px; align-items: center; margin: 0 0 12px }
    .controls button { font: inherit; padding: 4px 18px; min-width: 110px }
    </style>
    <div class="controls"><button id="pause" type="button">Pause</button><span id="phase" role="status"></span></div>
    <canvas id="strip" role="img" aria-label="The last ten seconds of \(leads.count == 1 ? "the signal" : "each lead"), with the decisions under it" data-twin="\(hasTwin)" data-leads="\(escaped(names))"></canvas>
    """
  }
}

/// The figures, and the script that fills them in.
private struct LiveFigures: Component {
  let run: WatchedRun

  init(_ run: WatchedRun) { self.run = run }

  func render() -> String {
    let rows: [(String, String)] =
      [("time", "Time of the record"), ("rate", "Beats"), ("decisions", "Decisions")]
      + (run.hasTwin ? [("agreement", "Same class as the float twin")] : [])
      + (run.hasBoard ? [("board", "Board")] : [])
      + [("current", "Network's current, estimated")]
    let list = rows.map { "<dt>\($0.1)</dt><dd id=\"\($0.0)\">-</dd>" }.joined(separator: "\n")
    return """
      <dl>
      \(list)
      </dl>
      <script>
      "use strict";
      const rate = \(run.sampleRateHz), shownSeconds = 10;
      \(Self.script)
      </script>
      """
  }

  /// Reads `/state` from the first sample that isn't here yet, and draws.
  private static let script = """
    const element = id => document.getElementById(id);
    const show = (id, text) => { const place = element(id); if (place) place.textContent = text; };
    const decimal = (value, places) => value.toFixed(places);
    const names = JSON.parse(element("strip").dataset.leads);
    let leads = names.map(() => []), first = 0, isPaused = false, isOver = false;

    function take(state) {
      const end = state.firstSample + state.microvolts[0].length;
      if (state.firstSample !== first + leads[0].length) { leads = names.map(() => []); first = state.firstSample; }
      const dropped = Math.max(0, leads[0].length + state.microvolts[0].length - Math.ceil(shownSeconds * rate));
      leads.forEach((samples, lead) => { samples.push(...state.microvolts[lead]); samples.splice(0, dropped); });
      first += dropped;
      show("time", decimal(state.seconds, 1) + " s");
      show("rate", state.beatsPerMinute == null ? "-" : decimal(state.beatsPerMinute, 0) + " a minute");
      show("decisions", String(state.decisionCount));
      show("agreement", state.compared == 0 ? "-"
        : decimal(100 * state.agreeing / state.compared, 2) + " % of " + state.compared);
      if (state.board) show("board", decimal(state.board.seconds, 1) + " s taken, " + state.board.compared +
        " compared with the host, " + state.board.differing + " differing");
      const current = state.microamps;
      if (current) show("current", current.value.toPrecision(3) + " uA (" + current.low.toPrecision(3) + " to " +
        current.high.toPrecision(3) + ")");
      const words = { running: "Running", paused: "Paused", board: "The board takes the same samples", finished: "The run is over" };
      show("phase", words[state.phase]);
      isPaused = state.phase === "paused";
      isOver = state.phase === "finished";
      element("pause").textContent = isPaused ? "Go on" : "Pause";
      element("pause").disabled = isOver || state.phase === "board";
      document.querySelector(".verdict").textContent =
        state.noResult != null ? "No result: " + state.noResult + "."
        : state.announced != null ? "Announced: " + state.announced : "Nothing announced yet.";
      draw(state.decisions, end);
    }

    function draw(decisions, end) {
      const canvas = element("strip"), scale = window.devicePixelRatio || 1;
      const width = canvas.clientWidth, height = canvas.clientHeight;
      if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
      if (canvas.height !== Math.round(height * scale)) canvas.height = Math.round(height * scale);
      const pen = canvas.getContext("2d");
      pen.setTransform(scale, 0, 0, scale, 0, 0);
      pen.clearRect(0, 0, width, height);
      const rows = canvas.dataset.twin === "true" ? ["device", "float", "announced"] : ["device", "announced"];
      const left = 78, right = 10, top = leads.length > 1 ? 20 : 8, rowHeight = 22, bottom = rows.length * rowHeight + 24;
      const count = shownSeconds * rate, start = end - count;
      const x = sample => left + (sample - start) / count * (width - left - right);
      pen.font = "12px system-ui, sans-serif";
      pen.lineWidth = 1;
      pen.strokeStyle = "#dfe1e5";
      pen.fillStyle = "#5f6368";
      pen.textAlign = "center";
      for (let second = Math.max(0, Math.ceil(start / rate)); second * rate <= end; second++) {
        const place = x(second * rate);
        pen.beginPath(); pen.moveTo(place, top); pen.lineTo(place, height - bottom); pen.stroke();
        pen.fillText(second + " s", place, height - bottom + 15);
      }
      const gap = 20, stripHeight = (height - top - bottom + gap) / leads.length - gap;
      leads.forEach((samples, lead) => {
        const stripTop = top + lead * (stripHeight + gap);
        let low = Infinity, high = -Infinity;
        for (const value of samples) { low = Math.min(low, value); high = Math.max(high, value); }
        if (!(high > low)) { low = (low || 0) - 500; high = low + 1000; }
        const y = value => stripTop + (high - value) / (high - low) * stripHeight;
        const millivolts = (high - low) / 1000;
        const step = [0.1, 0.2, 0.5, 1, 2, 5, 10].find(each => millivolts / each <= (leads.length > 1 ? 4 : 5)) || 20;
        pen.textAlign = "right";
        pen.strokeStyle = "#dfe1e5";
        pen.lineWidth = 1;
        for (let level = Math.ceil(low / 1000 / step) * step; level * 1000 <= high; level += step) {
          pen.beginPath(); pen.moveTo(left, y(level * 1000)); pen.lineTo(width - right, y(level * 1000)); pen.stroke();
          pen.fillText(decimal(level, step < 1 ? 1 : 0) + " mV", left - 6, y(level * 1000) + 4);
        }
        pen.strokeStyle = "#1a1a1a";
        pen.lineWidth = 1.2;
        pen.beginPath();
        samples.forEach((value, index) => index ? pen.lineTo(x(first + index), y(value)) : pen.moveTo(x(first), y(value)));
        pen.stroke();
        if (leads.length === 1) return;
        pen.textAlign = "left";
        pen.fillText("Lead " + names[lead], left, stripTop - 6);
      });
      pen.textAlign = "right";
      rows.forEach((row, index) => pen.fillText(row, left - 6, height - bottom + 24 + rowHeight * index + 14));
      pen.textAlign = "center";
      // The right end of each row's last name: where the next one has no room, it isn't written.
      const named = rows.map(() => left - 6);
      for (const decision of decisions) {
        const place = x(decision.sample);
        if (place < left) continue;
        const differs = decision.float != null && decision.float !== decision.device;
        rows.forEach((row, index) => {
          const middle = height - bottom + 24 + rowHeight * index + 14;
          let text = decision[row] ?? "·", half = pen.measureText(text).width / 2;
          if (!differs && place - half < named[index] + 4) text = "";
          else named[index] = place + half;
          pen.fillStyle = differs && row !== "announced" ? "#a63c00" : "#1a1a1a";
          pen.fillText(text, place, middle);
          if (differs && row === "device") {
            pen.strokeStyle = "#a63c00";
            half += 4;
            pen.strokeRect(place - half, middle - 13, 2 * half, rowHeight + 17);
          }
        });
      }
    }

    async function ask() {
      try {
        const answer = await fetch("/state?from=" + (first + leads[0].length), { cache: "no-store" });
        if (answer.ok) take(await answer.json());
      } catch {
        show("phase", isOver ? "The run is over" : "The run can't be reached: it ended, or was stopped");
        element("pause").disabled = true;
        if (isOver) return;
      }
      if (!isOver) setTimeout(ask, 100);
    }

    element("pause").onclick = () => fetch(isPaused ? "/resume" : "/pause", { method: "POST" });
    ask();
    """
}
