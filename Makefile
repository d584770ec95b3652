# make help lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup demo install test lint docs evidence coverage embedded toolsets firmware firmware-test package package-test firmware-report code-sizes models fuzz fuzz-models benchmark \
  model-vtvf model-af model-implant model-context benchmark-training check-all mutants clean

DEMO_MODEL  := Models/ecg-beats/ecg-beats
DEMO_RECORD := Models/records/mitdb-208
DEMO   := build/demo
PREFIX ?= /usr/local

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what the build lacks (FFTW and OpenSSL's headers, by apt or brew)
	@if ! command -v swift >/dev/null; then \
	  echo "error: swift: not found; install Swift 6.3 from https://www.swift.org/install" >&2; exit 1; \
	fi
	@brew="$$(command -v brew >/dev/null && brew --prefix || true)"; \
	has() { \
	  for folder in /usr/include /usr/local/include $${brew:+$$brew/include $$brew/opt/*/include}; do \
	    if [ -e "$$folder$$1" ]; then return 0; fi; \
	  done; return 1; \
	}; \
	packages=; formulas=; \
	has /fftw3.h || { packages+=" libfftw3-dev"; formulas+=" fftw"; }; \
	has /openssl/evp.h || { packages+=" libssl-dev"; formulas+=" openssl"; }; \
	if [ -z "$$packages" ]; then exit 0; fi; \
	if command -v brew >/dev/null; then \
	  echo "Installing$$formulas with brew"; brew install --quiet $$formulas; exit 0; \
	fi; \
	if ! command -v apt-get >/dev/null; then \
	  echo "error:$$formulas: not found, and there is neither apt nor brew; install them with their headers" >&2; \
	  exit 1; \
	fi; \
	if [ "$$(id -u)" -eq 0 ]; then root=; \
	elif command -v sudo >/dev/null; then root=sudo; \
	else echo "error:$$packages: not installed; run as root: apt-get install$$packages" >&2; exit 1; fi; \
	echo "Installing$$packages with apt"; \
	if ! { $$root apt-get update -qq && \
	       $$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$packages >/dev/null; }; then \
	  echo "error:$$packages: apt could not install them; see the lines above" >&2; exit 1; \
	fi

demo: setup ## Stream a real ECG through the shipped model, beside its float twin
	@echo "Building device-sim"
	@swift build -c release --product device-sim
	@mkdir -p $(DEMO)
	@"$$(swift build -c release --show-bin-path)/device-sim" stream \
	  --model $(DEMO_MODEL).qinf --float $(DEMO_MODEL).safetensors --record $(DEMO_RECORD) \
	  --report $(DEMO)/report.html --json $(DEMO)/report.json
	@echo
	@echo "That network takes too much for a pacemaker's battery. One that looks at each beat once, at the pace of DS2's patient in the middle:"
	@"$$(swift build -c release --show-bin-path)/device-sim" verdict --model Models/ecg-beats-implant/ecg-beats-implant.qinf \
	  --profile pacemaker --sensed --heart-rate 108 --network-share 0.107

install: setup ## Put both commands and their completions under PREFIX, which is /usr/local without it
	@swift build -c release --product exporter
	@swift build -c release --product device-sim
	@root="$(DESTDIR)$(PREFIX)"; bin="$$(swift build -c release --show-bin-path)"; \
	mkdir -p "$$root/bin" "$$root/share/bash-completion/completions" "$$root/share/zsh/site-functions" \
	  "$$root/share/fish/vendor_completions.d"; \
	for command in exporter device-sim; do \
	  install -m 755 "$$bin/$$command" "$$root/bin/$$command"; \
	  "$$bin/$$command" --generate-completion-script bash >"$$root/share/bash-completion/completions/$$command"; \
	  "$$bin/$$command" --generate-completion-script zsh >"$$root/share/zsh/site-functions/_$$command"; \
	  "$$bin/$$command" --generate-completion-script fish >"$$root/share/fish/vendor_completions.d/$$command.fish"; \
	done; \
	echo "Installed exporter and device-sim in $$root/bin"; \
	case ":$$PATH:" in *":$$root/bin:"*) ;; *) echo "That folder is not on the path: export PATH=\"$$root/bin:\$$PATH\"" ;; esac

test: setup ## Build everything and run every test, in release
	swift build -c release --build-tests
	swift test -c release --skip-build

lint: ## Check format and documentation comments
	swift format lint --strict -r Sources Tests Package.swift Benchmarks \
	  Firmware/Sources Firmware/Package.swift

docs: ## Build the runtime's documentation, warnings as errors, into build/docs
	@.ci/docs

evidence: setup ## Run every test and write build/evidence: claims, checks, models, software [DATA=folder of MIT-BIH]
	@DATA="$(DATA)" .ci/evidence

coverage: setup ## Say which lines of the runtime no test runs, in a table by file; fails under 97 % (20 minutes)
	@.ci/coverage

embedded: ## Build the runtime as Embedded Swift for a Cortex-M4
	@python3 Firmware/toolsets.py write build/toolsets
	QUANTINFER_RUNTIME_ONLY=1 swift build --package-path Firmware -c release --triple armv7em-none-none-eabi \
	  --toolset build/toolsets/cortex-m4.json --product quantinfer-c --scratch-path .build-cortex-m4

toolsets: ## Write SwiftPM's toolsets for all cores and ABIs: build/toolsets
	@python3 Firmware/toolsets.py write build/toolsets
	@echo "build/toolsets: $$(ls build/toolsets | sed 's/\.json//' | xargs)"

firmware: setup ## Build the firmware for the emulated boards: Cortex-M0, M4, M7, M55, RISC-V
	@Firmware/boards.sh build

firmware-test: setup ## Run the firmware on the boards and compare every checksum with the host's
	@Firmware/boards.sh test
	@Firmware/kernels.sh

package: setup ## Make the package for firmware projects, build/package; with MODEL=mine.qinf for that model alone
	@Firmware/boards.sh package build/package

package-test: setup ## Make the package twice, compare its bytes, build its example: [PACK_XSD=FILE] [ZEPHYR_BASE=FOLDER]
	@Firmware/package-test.sh

firmware-report: setup ## Count instructions, stack and code on the boards: Firmware/RESULTS.md
	@Firmware/boards.sh report

code-sizes: setup ## Measure the runtime's code by what a build selects, for exporter inspect
	@Firmware/boards.sh sizes

models: setup ## Train, quantize and evaluate the shipped models: DATA=folder of MIT-BIH
	@[ -d "$(DATA)" ] || { echo "error: DATA: no folder of MIT-BIH; run make models DATA=FOLDER" >&2; exit 1; }
	@swift build -c release --product exporter
	@exporter="$$(swift build -c release --show-bin-path)/exporter"; \
	train() { \
	  mkdir -p Models/$$1; "$$exporter" train --task $$2 $$3 --seed 1 --data "$(DATA)" --output Models/$$1/$$1.safetensors; \
	  "$$exporter" quantize Models/$$1/$$1.safetensors --data "$(DATA)" --output Models/$$1/$$1.qinf; \
	  "$$exporter" evaluate Models/$$1/$$1.qinf --float Models/$$1/$$1.safetensors --data "$(DATA)" \
	    --json Models/$$1/results.json --markdown Models/$$1/RESULTS.md; \
	}; \
	train ecg-beats aami ""; train ecg-beats-wide aami "--channels 48"; train ecg-beats-intra types ""

model-vtvf: setup ## Train, tune and quantize the shipped vtvf: VFDB=folder of VFDB
	@[ -d "$(VFDB)" ] || { echo "error: VFDB: no folder of VFDB; run make model-vtvf VFDB=FOLDER" >&2; exit 1; }
	@swift build -c release --product exporter
	@exporter="$$(swift build -c release --show-bin-path)/exporter"; \
	mkdir -p build; "$$exporter" train --task vtvf --split all --architecture Models/vtvf/architecture.json --epochs 6 --data "$(VFDB)" \
	  --output build/vtvf-all.safetensors && \
	"$$exporter" tune build/vtvf-all.safetensors --offsets vtvf=0.0735 --output Models/vtvf/vtvf.safetensors && \
	"$$exporter" quantize Models/vtvf/vtvf.safetensors --data "$(VFDB)" --output Models/vtvf/vtvf.qinf

model-af: setup ## Train and quantize the shipped af: DATA=folder of MIT-BIH
	@[ -d "$(DATA)" ] || { echo "error: DATA: no folder of MIT-BIH; run make model-af DATA=FOLDER" >&2; exit 1; }
	@swift build -c release --product exporter
	@exporter="$$(swift build -c release --show-bin-path)/exporter"; \
	"$$exporter" train --task af --split all --architecture Models/af/architecture.json --epochs 6 --windows-per-epoch 4096 \
	  --batch-size 64 --stretch 0.15 --shift-seconds 1 --data "$(DATA)" --output Models/af/af.safetensors && \
	"$$exporter" quantize Models/af/af.safetensors --data "$(DATA)" --output Models/af/af.qinf

model-implant: setup ## Train and quantize the shipped ecg-beats-implant: DATA=folder that holds mitdb and svdb
	@[ -d "$(DATA)/svdb" ] || { echo "error: DATA: no folder that holds mitdb and svdb; run make model-implant DATA=FOLDER" >&2; exit 1; }
	@swift build -c release --product exporter
	@exporter="$$(swift build -c release --show-bin-path)/exporter"; model=Models/ecg-beats-implant/ecg-beats-implant; \
	"$$exporter" train --task Models/ecg-beats-implant/task.json --front-end beats --data "$(DATA)" --output $$model.safetensors && \
	"$$exporter" quantize $$model.safetensors --data "$(DATA)" --output $$model.qinf

model-context: setup ## Train and quantize the shipped ecg-beats-context: DATA=folder that holds mitdb and svdb
	@[ -d "$(DATA)/svdb" ] || { echo "error: DATA: no folder that holds mitdb and svdb; run make model-context DATA=FOLDER" >&2; exit 1; }
	@swift build -c release --product exporter
	@exporter="$$(swift build -c release --show-bin-path)/exporter"; model=Models/ecg-beats-context/ecg-beats-context; \
	"$$exporter" train --task Models/ecg-beats-context/task.json --front-end both --beat-share 4 --data "$(DATA)" --output $$model.safetensors && \
	"$$exporter" quantize $$model.safetensors --data "$(DATA)" --output $$model.qinf

fuzz: setup ## Look for bytes that a loader doesn't survive, by coverage under AddressSanitizer: [LOADERS="csv edf"] [SECONDS_EACH=60] [PLAIN=1]
	@LOADERS="$(LOADERS)" SECONDS_EACH="$(SECONDS_EACH)" KEEP="$(KEEP)" PLAIN="$(PLAIN)" .ci/fuzz

fuzz-models: setup ## Mutate a million model files, truncate all and break a device, under AddressSanitizer (20 minutes)
	swift build -c release --build-tests --sanitize address --scratch-path .build-fuzz
	FUZZ=50 ASAN_OPTIONS=detect_leaks=0 swift test -c release --skip-build --disable-xctest --sanitize address --scratch-path .build-fuzz --filter 'ModelFuzzTests|FaultCampaignTests'

check-all: setup ## Run all checks, also those of hours: [DATA=folder of MIT-BIH] [STEPS="fuzz year"]
	@DATA="$(DATA)" STEPS="$(STEPS)" .ci/check-all

mutants: setup ## Plant faults in a copy, and list those that no test notices: [HOST=100] [RUNTIME=50] [SEED=1] [FROM=COMMIT] [PLACES="FILE:LINE ..."]
	@HOST="$(HOST)" RUNTIME="$(RUNTIME)" SEED="$(SEED)" FROM="$(FROM)" PLACES="$(PLACES)" .ci/mutants

benchmark: setup ## Time the models of a folder beside LiteRT: MODELS=folder of .tflite files
	@ls "$(MODELS)"/*.tflite >/dev/null 2>&1 || \
	  { echo "error: MODELS: no folder of .tflite files; run make benchmark MODELS=FOLDER" >&2; exit 1; }
	@[ -x build/litert/bin/python3 ] || python3 -m venv build/litert
	@build/litert/bin/python3 -m pip install -q ai-edge-litert numpy
	@swift build -c release --product Benchmark
	@"$$(swift build -c release --show-bin-path)/Benchmark" build/litert/bin/python3 "$(MODELS)"/*.tflite

benchmark-training: setup ## Time a training step beside PyTorch's
	@[ -x build/torch/bin/python3 ] || python3 -m venv build/torch
	@build/torch/bin/python3 -m pip install -q torch
	@swift build -c release --product Benchmark
	@"$$(swift build -c release --show-bin-path)/Benchmark" training build/torch/bin/python3

clean: ## Remove what was built
	rm -rf .build .build-* build Firmware/Sources/Payload/model.c
