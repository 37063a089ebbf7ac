"""Information, distributions and maximum likelihood."""
