# Every target makes the environment it needs; nothing else has to be done first.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin

.PHONY: demo test check bench format lock protos clean

demo: .venv/installed
	$(BIN)/midlevel demo
	$(BIN)/midlevel rl demo --bank demo/bank

# Many tests wait, for servers, browsers and processes: two at a time take two thirds as long.
test: .venv/installed
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.lock
	$(BIN)/python -m benchmarks.ahp
	$(BIN)/python -m benchmarks.solver
	$(BIN)/python -m benchmarks.renderer
	$(BIN)/python -m benchmarks.labels
	$(BIN)/python -m benchmarks.dataset
	$(BIN)/python -m benchmarks.encoder
	$(BIN)/python -m benchmarks.precision
	$(BIN)/python -m benchmarks.rl

format: .venv/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Torch brings its own CUDA packages where its build for the machine needs them; a CPU build needs none.
WITHOUT_CUDA := $(addprefix --no-emit-package ,triton cuda-bindings cuda-pathfinder cuda-toolkit \
	$(addprefix nvidia-,cublas cuda-cupti cuda-nvrtc cuda-runtime cudnn-cu13 cufft cufile curand cusolver cusparse \
	cusparselt-cu13 nccl-cu13 nvjitlink nvshmem-cu13 nvtx))

# Renews the pins (needs uv); the environment follows at the next target.
lock:
	uv pip compile $(WITHOUT_CUDA) pyproject.toml --extra dev --universal --python-version 3.11 --no-header -o requirements.lock
	uv pip compile $(WITHOUT_CUDA) pyproject.toml --extra bench --universal --python-version 3.11 --no-header -c requirements.lock -o benchmarks/requirements.lock

# Generated with the oldest tools whose code every supported version of grpcio and protobuf loads.
protos:
	$(PYTHON) -m venv .protos
	.protos/bin/python -m pip install --quiet --disable-pip-version-check grpcio-tools==1.73.1
	.protos/bin/python -m grpc_tools.protoc -I . --python_out=. --pyi_out=. --grpc_python_out=. $(shell find protos -name '*.proto')
	rm -r .protos

.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

clean:
	rm -rf .venv demo taxonomy-report .mypy_cache .ruff_cache .pytest_cache .hypothesis
