"""Says which lines of lcov's on standard input ran, by file; fails where they are less than some percent.

usage: coverage.py TITLE LEAST ROOT
"""

import sys


def ranges(numbers):
    """Line numbers as text, neighbours together."""
    parts = []
    for number in sorted(numbers):
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return " ".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)


title, least, root = sys.argv[1], float(sys.argv[2]), sys.argv[3].rstrip("/") + "/"
files, lines = {}, {}
for text in sys.stdin:
    field, _, value = text.strip().partition(":")
    if field == "SF":
        lines = files.setdefault(value.removeprefix(root), {})
    elif field == "DA":
        number, count = (int(part) for part in value.split(",")[:2])
        lines[number] = max(lines.get(number, 0), count)

ran = sum(count > 0 for lines in files.values() for count in lines.values())
total = sum(len(lines) for lines in files.values())
percent = 100 * ran / max(1, total)
print(f"coverage: {title}: {percent:.2f} % of {total:,} lines, at least {least:g} %")
print(f"{'lines':>6} {'ran':>7}  file: lines that no test runs")
for name, lines in sorted(files.items(), key=lambda item: sum(count == 0 for count in item[1].values()), reverse=True):
    missed = [number for number, count in lines.items() if count == 0]
    print(f"{len(lines):6} {100 - 100 * len(missed) / max(1, len(lines)):6.1f}%  {name}" + (f": {ranges(missed)}" if missed else ""))
if percent < least or total == 0:
    sys.exit(f"error: {title}: {percent:.2f} % of the lines ran, less than {least:g} %; test the lines above")
