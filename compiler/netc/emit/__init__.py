"""Graph to plain PyTorch: classes that an expert could have written, which import nothing of netc."""

from netc.emit.source import emit

__all__ = ["emit"]
