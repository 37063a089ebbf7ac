"""Training: fitting, minibatches, checkpoints, metrics, the line of progress."""
