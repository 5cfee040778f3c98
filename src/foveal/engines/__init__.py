"""One frozen network, run fast over many pictures: by torch, OpenVINO or ONNX Runtime.

`foveal.engines.choose` names the engines and makes one; `foveal.engines.engine` says what an
engine is. Whatever runs it, a network answers as in plain torch, to a relative 1e-4 or so.
"""
