"""The zoo without a server: `python -m models_zoo train request.json`, `detect request.json`, `search request.json`,
`export weights.pt weights.onnx` or `names`.

Progress goes to standard error, the result as one JSON line to standard output; failures exit with 1.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

from models_zoo import registry
from models_zoo.records import Cancelled, Progress, detect_request, to_json, train_request


def main(arguments: list[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    try:
        line = _answer(given)
    except msgspec.MsgspecError as error:
        return _fail(f"{given.request} is not a {given.verb} request: {error}")
    except Cancelled:
        return _fail("cancelled; it can be resumed from its last checkpoint")
    except (ValueError, OSError, RuntimeError, ImportError) as error:
        return _fail(str(error))
    print(line)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m models_zoo", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("names", help="list the models that can be trained")
    for verb, text in (
        ("train", "train a model"),
        ("detect", "look for cells on fields"),
        ("search", "try settings on tuning fields, retrain the best, measure it once on test"),
    ):
        verbs.add_parser(verb, help=text).add_argument("request", type=Path, help="JSON file with the whole request")
    export = verbs.add_parser("export", help="write a trained network as ONNX")
    export.add_argument("weights", type=Path, help="file of weights (.pt); such a file can run code when it is loaded")
    export.add_argument("out", type=Path, help="ONNX file to write")
    export.add_argument("--variant", default="yolo26n", help="network that the weights are of (yolo26n)")
    return parser


def _answer(given: argparse.Namespace) -> str:
    if given.verb == "export":
        return _export(given.weights, given.out, given.variant)
    return _names() if given.verb == "names" else _VERBS[given.verb](given.request)


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


def _names() -> str:
    specs = [(name, registry.spec(name)) for name in registry.names()]
    rows = [{"name": name, "family": spec.family, "licence": spec.licence, "tile": spec.tile} for name, spec in specs]
    return msgspec.json.encode({"models": rows}).decode()


def _train(path: Path) -> str:
    def report(progress: Progress) -> None:
        losses = "  ".join(f"{name} {value:.4f}" for name, value in progress.losses.items())
        left = f"{progress.seconds_left:.0f} s left"
        print(f"epoch {progress.epoch} of {progress.epochs}  {losses}  {left}", file=sys.stderr, flush=True)

    return to_json(registry.call("train", train_request(path.read_bytes()), report=report)).decode()


def _detect(path: Path) -> str:
    told = 0

    def report(done: int, fields: int) -> None:
        nonlocal told
        if done > told:  # it is also heard in the midst of a field
            print(f"field {done} of {fields}", file=sys.stderr, flush=True)
        told = done

    request = detect_request(path.read_bytes())
    found = registry.call("detect", request, report=report)
    answer = {"out": request.out, "fields": len(found), "detections": sum(len(item) for item in found.values())}
    return msgspec.json.encode(answer).decode()


def _export(weights: Path, out: Path, variant: str) -> str:
    registry.entry("export", variant)(weights, out, {})
    return msgspec.json.encode({"out": str(out)}).decode()


def _search(path: Path) -> str:
    from models_zoo.search.request import search_request
    from models_zoo.search.run import search

    result = search(search_request(path.read_bytes()), lambda text: print(text, file=sys.stderr, flush=True))
    return msgspec.json.encode(result).decode()


_VERBS = {"train": _train, "detect": _detect, "search": _search}


if __name__ == "__main__":
    sys.exit(main())
