"""The package's description as a CMSIS-Pack."""

import datetime
from xml.sax.saxutils import quoteattr

VENDOR = "QuantInfer"
NAME = f"{VENDOR}.quantinfer"

# The units for floating point that a core may have, as the format names them.
UNITS = {"cortex-m4": ("SP_FPU",), "cortex-m7": ("SP_FPU", "DP_FPU"), "cortex-m33": ("SP_FPU",),
         "cortex-m55": ("SP_FPU", "DP_FPU"), "cortex-m85": ("SP_FPU", "DP_FPU")}


def core_name(core):
    """cortex-m0plus -> Cortex-M0+"""
    return core.replace("cortex-m", "Cortex-M").replace("plus", "+")


def text(folder, version, time, libraries):
    """The description.

    - libraries: Core and ABI of each. A project with a unit for floating point takes `hard`, one without `soft`; the format has no word
      for `softfp`, whose libraries are in the package all the same.
    """
    conditions, files = [], []
    for core, abi in libraries:
        if core == "riscv32" or abi == "softfp":
            continue
        name = f"{core}-{abi}"
        units = UNITS.get(core, ()) if abi == "hard" else ("NO_FPU",)
        accepted = "".join(f'\n      <accept Dcore={quoteattr(core_name(core))} Dfpu="{unit}"/>' for unit in units)
        conditions.append(f'    <condition id="{name}">{accepted}\n    </condition>')
        files.append(f'        <file category="library" condition="{name}" name="lib/{core}/{abi}/libquantinfer.a"/>')
    date = datetime.datetime.fromtimestamp(time, datetime.timezone.utc).strftime("%Y-%m-%d")
    lines = "\n".join
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<package schemaVersion="1.7.60" xmlns:xs="http://www.w3.org/2001/XMLSchema-instance" xs:noNamespaceSchemaLocation="PACK.xsd">
  <vendor>{VENDOR}</vendor>
  <name>quantinfer</name>
  <description>An int8 ECG network with its front end in integers: no heap, no operating system.</description>
  <url>file://localhost/</url>
  <license>LICENSE</license>
  <releases>
    <release version="{version}" date="{date}">See CHANGELOG.md of the sources.</release>
  </releases>
  <conditions>
{lines(conditions)}
  </conditions>
  <components>
    <component Cclass="Machine Learning" Cgroup="QuantInfer" Cversion="{version}">
      <description>The runtime's library for the device's core.</description>
      <files>
        <file category="doc" name="RAM.md"/>
        <file category="header" name="include/quantinfer.h"/>
{lines(files)}
      </files>
    </component>
  </components>
</package>
"""
