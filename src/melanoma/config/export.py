"""All options of `melanoma-export`."""

from dataclasses import dataclass

from melanoma.schema import bounds


@dataclass
class ExportConfig:
    """All that `melanoma-export` needs."""

    checkpoint: str = bounds()
    """A file, or the directory of a run, whose best epoch it is."""
    format: str = bounds(choices=("onnx", "bundle", "all"))
    """onnx: one file for any ONNX runtime. bundle: weights as safetensors, and JSON of what else is known."""
    tolerance: float = bounds(above=0, below=1)
    """Largest difference of a probability between onnxruntime and PyTorch that is let through."""
    seed: int = bounds(at_least=0)
    """Of the drawn images on which they are compared."""
