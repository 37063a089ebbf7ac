"""Demo programs: ``python -m demos`` lists them."""

import os

# NumPy is not loaded yet. For networks as small as these, BLAS with several threads takes longer than with one.
for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ.setdefault(_variable, "1")
