/// The pages' style: system fonts, black on white, one column from 360 px up, and rules for paper.
let styleSheet = """
  :root { --ink: #1a1a1a; --faint: #5f6368; --rule: #c9ccd1; --wash: #f5f6f7; --good: #00664b; --bad: #a63c00 }
  * { box-sizing: border-box }
  html { -webkit-text-size-adjust: 100%; text-size-adjust: 100% }
  body { margin: 0 auto; max-width: 1180px; padding: 32px clamp(16px, 4vw, 48px); background: #fff;
    color: var(--ink); overflow-wrap: break-word; font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif }
  h1 { margin: 0; font-size: clamp(22px, 4vw, 30px); line-height: 1.2; font-weight: 650; letter-spacing: -0.01em }
  h2 { margin: 0 0 12px; font-size: 19px; line-height: 1.3; font-weight: 650 }
  p { margin: 0 0 12px; max-width: 76ch }
  section { margin-top: 36px; padding-top: 18px; border-top: 1px solid var(--rule) }
  footer { margin-top: 36px; padding-top: 12px; border-top: 1px solid var(--rule); color: var(--faint);
    font-size: 13px }
  footer p { max-width: none }
  code { padding: 0 0.25em; background: var(--wash); font: 0.92em ui-monospace, "Liberation Mono", monospace;
    overflow-wrap: anywhere }
  .subtitle { margin: 6px 0 0; max-width: none; color: var(--faint) }
  .verdict { margin: 20px 0 0; max-width: none; padding: 14px 18px; background: var(--wash);
    border-left: 6px solid var(--faint); font-size: clamp(16px, 2.4vw, 19px); line-height: 1.45 }
  .verdict.pass { border-left-color: var(--good) }
  .verdict.fail { border-left: 6px double var(--bad) }
  .mark { font-weight: 700 }
  .columns { display: grid; gap: 8px 28px;
    grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)) }
  .scroll { overflow-x: auto }
  table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums }
  th, td { padding: 5px 22px 5px 0; text-align: left; vertical-align: baseline; font-weight: 400 }
  th:last-child, td:last-child { padding-right: 0 }
  thead th { border-bottom: 1.5px solid var(--ink); font-weight: 600; vertical-align: bottom }
  table[data-sortable] { font-size: 13px }
  table[data-sortable] th, table[data-sortable] td { padding-right: 14px }
  table[data-sortable] thead th { cursor: pointer; white-space: normal; text-wrap: balance }
  table[data-sortable] tbody th { white-space: nowrap }
  tbody tr + tr > * { border-top: 1px solid #e4e6e9 }
  tfoot tr > * { border-top: 1.5px solid var(--ink); font-weight: 600 }
  .number { text-align: right; white-space: nowrap }
  .scroll .number { white-space: normal }
  .scroll .bars .number { white-space: nowrap }
  dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 22px; margin: 0 0 14px; font-size: 14px }
  dt { color: var(--faint) }
  dd { margin: 0; overflow-wrap: anywhere }
  figure { margin: 0 0 22px }
  figcaption { margin-bottom: 4px; color: var(--faint); font-size: 14px; text-wrap: pretty }
  figcaption b { color: var(--ink); font-weight: 600 }
  details { margin: 0 0 22px }
  summary { cursor: pointer; color: var(--faint); font-size: 14px }
  details[open] summary { margin-bottom: 8px }
  .legend { display: flex; flex-wrap: wrap; gap: 2px 20px; font-size: 13px; line-height: 20px }
  .legend svg { width: 34px; height: 12px; margin-right: 7px; vertical-align: -1px }
  svg { display: block; overflow: visible; font: 12px system-ui, -apple-system, "Segoe UI", Roboto,
    "Liberation Sans", sans-serif; font-variant-numeric: tabular-nums; fill: var(--ink) }
  .legend svg { display: inline-block }
  .plot { position: relative; padding: 8px 24px 40px 58px }
  .plot > svg { width: 100% }
  .plot.marked { padding-top: 26px }
  .bars { width: 100%; max-width: 820px }
  .bars tbody tr + tr > * { border-top: 0 }
  .bars th { width: 1%; white-space: nowrap }
  .bars .number { width: 1% }
  .bar { min-width: 90px }
  .bar svg { width: 100%; height: 14px; border-left: 1.5px solid var(--ink) }
  .strip { min-width: 680px; padding: 0 28px 26px 58px }
  .whisker { stroke: var(--ink); stroke-width: 1.5 }
  .share { stroke: #fff; stroke-width: 1 }
  .legend .share { stroke: #4d5156 }
  .memory-row { margin: 8px 0 0 }
  .memory-row p { margin: 0 0 2px; font-size: 13px }
  .memory { fill: #dfe9f2; stroke: #4d5156; stroke-width: 1 }
  .memory.odd { fill: #b3cbe0 }
  .memory.free { fill: #fff }
  .axis { fill: none; stroke: #4d5156; stroke-width: 1 }
  .grid { fill: none; stroke: #dfe1e5; stroke-width: 1 }
  .unit { fill: var(--faint) }
  .halo { paint-order: stroke; stroke: #fff; stroke-width: 3px; stroke-linejoin: round }
  @media (max-width: 620px) {
    .plot { padding-left: 46px; padding-right: 8px }
    .minor { display: none }
    dl { grid-template-columns: 1fr; gap: 0 }
    dd { margin-bottom: 8px }
    table { font-size: 12.5px }
    table[data-sortable] td:not(.number) { min-width: 22ch }
    th, td { padding-right: 10px }
  }
  @media print {
    @page { margin: 15mm 14mm }
    * { -webkit-print-color-adjust: exact; print-color-adjust: exact }
    body { max-width: none; padding: 0 1px; font-size: 10pt; line-height: 1.4 }
    h1 { font-size: 17pt }
    h2 { font-size: 12.5pt }
    table, dl, figcaption { font-size: 9pt }
    .verdict { border-top: 1px solid var(--rule); border-right: 1px solid var(--rule);
      border-bottom: 1px solid var(--rule); font-size: 11.5pt }
    section { margin-top: 18pt; padding-top: 9pt }
    .columns { grid-template-columns: 1fr 1fr }
    .scroll { overflow: visible }
    table[data-sortable] { font-size: 7.5pt }
    table[data-sortable] tbody th { min-width: 24mm; white-space: normal }
    table[data-sortable] * { padding-right: 6px }
    .strip { min-width: 0 }
    summary { list-style: none; font-size: 9pt }
    footer { break-before: avoid; margin-top: 10pt; padding-top: 4pt }
    h2, figcaption, .legend, thead { break-after: avoid }
    p:has(+ dl), p:has(+ figure), p:has(+ .columns) { break-after: avoid }
    figure, figcaption, p, tr, dt, dd, .strip, .verdict, .memory-row { break-inside: avoid }
    figure.long { break-inside: auto }
  }
  """
