import gc
from tests.test_compile_jax_state import *
import types
def test_x():
    both,ways,looks=sides("jax")
    print([is_afar(t) for t in both[1].tensors])
    for k in range(3):
        ways["jax"](*BATCHES[k]); print([is_afar(t) for t in both[1].tensors])
    V=both[1].tensors[0]._data
    for r in gc.get_referrers(V):
            print(type(r), str(r)[:100]); 
            for q in gc.get_referrers(r): print("   ",type(q), str(q)[:150])
