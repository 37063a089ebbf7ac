"""What stands for an array: the Tensor, a batch of copies, a power series, and what NumPy asks of them."""
