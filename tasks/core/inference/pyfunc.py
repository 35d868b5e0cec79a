"""Where models registered by Winnow 0.1.0 look for their loader; newer ones name the one that this passes on."""

from tasks.core.engines.text_classifier import _load_pyfunc

__all__ = ["_load_pyfunc"]
