"""The package's bill of materials, as SPDX 2.3 in JSON."""

import datetime
import hashlib
import json


def digest(path, algorithm):
    return hashlib.new(algorithm, path.read_bytes()).hexdigest()


def text(folder, version, swift_version, time):
    """The document: the files, what their licences are, what compiled them.

    - folder: The package's folder, with every file but this one and the checksums.
    - time: In seconds since 1970.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    entries = [{
        "SPDXID": f"SPDXRef-File-{index}",
        "fileName": f"./{path.relative_to(folder)}",
        "checksums": [{"algorithm": name.upper(), "checksumValue": digest(path, name)} for name in ("sha1", "sha256")],
        "fileTypes": ["BINARY" if path.suffix == ".a" else "SOURCE" if path.suffix in (".c", ".h") else "TEXT"],
        "licenseConcluded": licence(path),
        "licenseInfoInFiles": ["NOASSERTION"],
        "copyrightText": "NOASSERTION",
    } for index, path in enumerate(files)]
    sums = sorted(entry["checksums"][0]["checksumValue"] for entry in entries)
    code = hashlib.sha1("".join(sums).encode()).hexdigest()
    created = datetime.datetime.fromtimestamp(time, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    libraries = [entry for entry in entries if entry["fileTypes"] == ["BINARY"]]

    def relation(one, kind, other):
        return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}

    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"quantinfer-{version}",
        "documentNamespace": f"https://spdx.org/spdxdocs/quantinfer-{version}-{code}",
        "creationInfo": {
            "created": created,
            "creators": ["Organization: The QuantInfer authors", f"Tool: quantinfer-package-{version}"],
            "comment": "FFTW is not in this package: only the host's tools link it, which are not here either.",
        },
        "packages": [
            {
                "SPDXID": "SPDXRef-QuantInfer", "name": "quantinfer", "versionInfo": version,
                "supplier": "Organization: The QuantInfer authors", "downloadLocation": "NOASSERTION",
                "filesAnalyzed": True, "packageVerificationCode": {"packageVerificationCodeValue": code},
                "licenseConcluded": "MIT AND (Apache-2.0 WITH Swift-exception)", "licenseDeclared": "MIT",
                "licenseInfoFromFiles": ["NOASSERTION"], "copyrightText": "Copyright (c) 2026 The QuantInfer authors",
                "primaryPackagePurpose": "LIBRARY",
            },
            {
                "SPDXID": "SPDXRef-SwiftLibrary", "name": "Swift standard library, Embedded Swift",
                "versionInfo": swift_version, "supplier": "Organization: Swift.org",
                "downloadLocation": "https://www.swift.org/install", "filesAnalyzed": False,
                "licenseConcluded": "Apache-2.0 WITH Swift-exception", "licenseDeclared": "Apache-2.0 WITH Swift-exception",
                "copyrightText": "NOASSERTION", "primaryPackagePurpose": "LIBRARY",
                "comment": "The parts that the compiler specialized are in the libraries; no library of its own is linked.",
            },
            {
                "SPDXID": "SPDXRef-SwiftCompiler", "name": "Swift compiler, with its clang and llvm-ar",
                "versionInfo": swift_version, "supplier": "Organization: Swift.org",
                "downloadLocation": "https://www.swift.org/install", "filesAnalyzed": False,
                "licenseConcluded": "Apache-2.0 WITH Swift-exception", "licenseDeclared": "Apache-2.0 WITH Swift-exception",
                "copyrightText": "NOASSERTION", "primaryPackagePurpose": "APPLICATION",
            },
        ],
        "files": entries,
        "relationships": [
            relation("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-QuantInfer"),
            relation("SPDXRef-SwiftCompiler", "BUILD_TOOL_OF", "SPDXRef-QuantInfer"),
            *[relation("SPDXRef-QuantInfer", "CONTAINS", entry["SPDXID"]) for entry in entries],
            *[relation(entry["SPDXID"], "STATIC_LINK", "SPDXRef-SwiftLibrary") for entry in libraries],
        ],
    }
    return json.dumps(document, indent=1) + "\n"


def licence(path):
    """What a file's licence is: of a library its own and Swift's, of the example's model its data's as well."""
    if path.suffix == ".a":
        return "MIT AND (Apache-2.0 WITH Swift-exception)"
    return "MIT AND ODC-By-1.0" if path.name == "model.c" else "MIT"
