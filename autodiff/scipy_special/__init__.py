"""Rules for the ufuncs of ``scipy.special``, one file a family, loaded when the first of them meets a Tensor."""
