"""How a family writes a case."""


def case(id, block, build, config, **inputs):
    """One golden case.

    id      unique over all families
    block   the name of the block in ../src/families/<family>.ts
    build   makes the PyTorch module from the options of the block: build(**config); modules give a tensor or a dict
    config  the options of the block, under atrous's own names (JSON)
    inputs  shape of every input, in the order of the arguments
    """
    return {
        "id": id,
        "block": block,
        "config": config,
        "module": lambda: build(**config),
        "inputs": {name: list(shape) for name, shape in inputs.items()},
    }
