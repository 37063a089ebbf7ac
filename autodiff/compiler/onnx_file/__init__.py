"""A recorded function as an ONNX model: `nn.export_onnx`.

`two_sizes` records it at two sizes of the batch and finds what depends on the size, `graph` holds the nodes, `forms`
says what each operation is in ONNX's (by subject in `elementwise`, `arranging`, `folding`, `products` and `networks`),
and `model` puts the file together and compares its answers with the function's.
"""
