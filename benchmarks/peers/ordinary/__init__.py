"""Workloads of ordinary array code: networks and likelihoods written out, without a layer of any library.

A user who knows NumPy writes such lines. Each loss here is the same text for NumPy, torch and JAX: `losses` takes the
module, and the few functions whose names differ, as a `Library`. The workload is the loss and its gradient in all
parameters.
"""
