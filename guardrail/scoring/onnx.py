"""Run the bundled network with ONNX Runtime."""

from __future__ import annotations

import onnxruntime as ort


def session_options() -> ort.SessionOptions:
    """One thread that never spins: a guard shares its cores with the service it guards."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    return options
