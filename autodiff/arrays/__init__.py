"""Array types: the Tensor, a batch of copies, a power series, and how they answer NumPy."""
