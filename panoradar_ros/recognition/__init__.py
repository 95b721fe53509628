"""What the networks make of a panorama at run time: range image, confidence, normals (ONNX)."""
