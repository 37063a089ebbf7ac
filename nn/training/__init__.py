"""Training: fitting, minibatches, checkpoints, metrics, the progress line."""
