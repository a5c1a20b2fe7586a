"""Computes the golden files of ../golden/blocks with PyTorch. See README.md.

    /usr/bin/python3 generate.py [family ...]       all families, or those named
    /usr/bin/python3 generate.py --parameters id    the state dict of one case: names and shapes
"""
import importlib
import json
import pathlib
import sys

import numpy as np
import torch

sys.dont_write_bytecode = True
import formula  # noqa: E402

HERE = pathlib.Path(__file__).parent
TARGET = HERE.parent / "golden" / "blocks"
SAMPLES = 192  # outputs with more elements are sampled


def parameters_of(module):
    return {k: list(v.shape) for k, v in module.state_dict().items() if not k.endswith("num_batches_tracked")}


def signature(parameters):
    """A number for all names and shapes; blocks must have the same."""
    lines = sorted(f"{name} {'x'.join(map(str, shape))}" for name, shape in parameters.items())
    return formula.fnv1a("\n".join(lines))


def run(module, inputs, dtype):
    module = module.to(dtype)
    state = module.state_dict()
    for name, shape in parameters_of(module).items():
        state[name] = torch.from_numpy(formula.values(name, shape)).to(dtype)
    module.load_state_dict(state)
    with torch.no_grad():
        result = module(*[torch.from_numpy(x).to(dtype) for x in inputs])
    if not isinstance(result, dict):
        result = {"output": result}
    return {name: y.double().numpy() for name, y in result.items()}


def positions(count):
    """Which elements of an output are stored."""
    if count <= SAMPLES:
        return np.arange(count)
    return (formula.bits("sample", SAMPLES).astype(np.uint64) % count).astype(np.int64)


def record(exact, single):
    """What is stored of an output; tolerances from the error of PyTorch's own float32, as in golden/README.md."""
    flat, error = exact.ravel(), np.abs(exact - single).max()
    if not np.isfinite(flat).all():
        raise SystemExit("an output is not finite")
    number = lambda x: float(f"{x:.9g}")
    return {
        "shape": list(exact.shape),
        "samples": [number(x) for x in flat[positions(flat.size)].astype(np.float32)],
        "projection": number((formula.uniform("projection", flat.size) * flat).sum()),
        "absSum": number(np.abs(flat).sum()),
        "atol": number(max(1e-5, 8 * error)),
        "rtol": number(max(1e-5, 8 * error / max(np.abs(flat).max(), 1e-30))),
    }


def golden(case):
    module = case["module"]().eval()
    inputs = [formula.values(name, shape) for name, shape in case["inputs"].items()]
    exact, single = run(module, inputs, torch.float64), run(module, inputs, torch.float32)
    return {
        "id": case["id"],
        "block": case["block"],
        "config": case["config"],
        "parameters": signature(parameters_of(module)),
        "inputs": case["inputs"],
        "outputs": {name: record(exact[name], single[name]) for name in exact},
    }


def main(arguments):
    torch.set_num_threads(1)
    families = sorted(p.stem for p in (HERE / "families").glob("*.py") if not p.stem.startswith("_"))
    if arguments[:1] == ["--parameters"]:
        for family in families:
            for case in importlib.import_module(f"families.{family}").CASES:
                if case["id"] in arguments[1:]:
                    for name, shape in parameters_of(case["module"]()).items():
                        print(name, shape)
        return
    for family in arguments or families:
        cases = [golden(case) for case in importlib.import_module(f"families.{family}").CASES]
        head = json.dumps({"format": "atrous-block-golden/1", "torch": torch.__version__})[:-1]
        body = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
        TARGET.mkdir(parents=True, exist_ok=True)
        (TARGET / f"{family}.json").write_text(f'{head}, "cases": [\n{body}\n]}}\n')
        print(f"{family}: {len(cases)} cases")


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    main(sys.argv[1:])
