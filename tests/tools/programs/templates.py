"""What a step of a random program may be: Python expressions with places that are filled when one is drawn.

The places are the methods of `filling.Filling`. A step that fails on the sample is drawn anew, so that a template need
not say for which shapes and dtypes it is meant.
"""

PREAMBLE = """\
def helper(a, scale=2.0):
    return np.sin(a) * scale

def few(a):
    return a if a.shape[-1] <= 64 else a[..., :64]
"""
"""`few`: 2500 equations, the length of the longest arrays, take a second to solve and show nothing else than 64."""
PREAMBLE_CODE = compile(PREAMBLE, "<preamble>", "exec")  # every scope of every attempt runs it

ELEMENTWISE = """
np.tanh(<v>) | np.sin(<v>) | np.cos(<v>) | np.exp(-<v> * <v>) | np.sqrt(1 + <v> * <v>) | 1 / (1 + <v> * <v>) | -<v>
np.log1p(<v> * <v>) | np.arctan(<v>) | <v> ** 2 | (0.5 * <v>) ** 3 | np.square(<v>) | abs(<v>) | np.expm1(-<v> * <v>)
np.arcsinh(<v>) | np.exp(np.tanh(<v>)) | np.log(2 + np.sin(<v>)) | (1.5 + np.cos(<v>)) ** 0.5 | np.sign(<v>)
np.floor(<v>) | np.cbrt(2 + np.tanh(<v>)) | np.negative(<v>) | np.positive(<v>) | np.reciprocal(2 + np.sin(<v>))
np.absolute(<v>) | ad.special.sigmoid(<v>) | ad.special.softplus(<v>) | ad.special.relu(<v>) | ad.special.gelu(<v>)
ad.special.erf(<v>) | ad.special.silu(<v>) | ad.special.leaky_relu(<v>) | np.sinc(<v>) | np.nan_to_num(<v>)
np.nan_to_num(<v>, copy=False) | np.sinh(0.5 * np.tanh(<v>)) | np.arctan2(<v>, 1 + <v> * <v>) | np.rint(<v>)
np.fabs(<v>) | np.exp2(-abs(<v>))
"""

ARITHMETIC = """
<v> + <w> | <v> - <w> | <v> * <w> | <w> * <v> | <v> / (1 + <w> * <w>) | <v> + <k> | <v> * <k> | <k> - <v> | <v> * <b>
<b> + <v> | <v> + <b> | np.add(<v>, <w>) | np.multiply(<v>, <b>) | np.subtract(<b>, <v>)
np.true_divide(<v>, 2 + np.sin(<w>)) | <v> * <num> | <num> - <v> | <num> * <v> + <w> | <v> / 3 | <v> + 1 | 2.0 * <v>
<v> * n | <v> + n | 1 - <v> | <v> - 0.0 | np.logaddexp(<v>, <w>) | np.hypot(<v>, 1 + abs(<w>))
np.power(1.5 + np.sin(<v>), <w>) | np.arctan2(<v>, 2 + np.cos(<w>)) | <v> * <v> | <v> - <v> | <v> + <v>
<v> * np.float64(0.5) | np.add(<v>, <w>, dtype=np.float64) | ad.special.xlogy(<w>, 2 + np.sin(<v>))
np.copysign(<v>, <w>) | np.fmod(<v>, 1.75) | <v> % 1.25 | np.heaviside(<v>, 0.5) | <v> * (<w> > 0) | <v> + (<v> > <w>)
"""

CHOICES = """
np.maximum(<v>, <s>) | np.minimum(<v>, <b>) | np.maximum(<v>, 0) | np.maximum(<v>, 0.25) | np.clip(<v>, -0.75, 0.5)
<v>.clip(-0.5, 1.0) | np.clip(<v>, None, <b>) | np.where(<v> > 0, <v>, <w>) | np.where(<mask>, <v>, <w>)
np.where(<w> > 0.1, <v>, 0.0) | np.where(<mask>, np.tanh(<v>), 1.0) | np.fmax(<v>, <w>) | np.fmin(<v>, 0.5)
np.select([<v> > 0.5, <mask>], [<v>, <s>], 0.25) | np.sort(<v>) | np.sort(<v>, axis=<axis>) | np.sort(<v>, axis=None)
np.take_along_axis(<v>, np.argsort(<v>, axis=<axis>), axis=<axis>) | np.partition(<v>, 0, axis=<axis>)
np.median(<v>, axis=<axis>) | np.quantile(<v>, 0.3, axis=<axis>) | np.max(<v>, axis=<axis>)
np.where(<v> > 0, <v>, -<v>) * <num> | np.choose((<v> > 0).astype(int), [<s>, <v>]) | np.argsort(<v>, axis=<axis>)
"""

REDUCTIONS = """
np.sum(<v>) | <v>.sum() | <v>.sum(axis=<axis>) | np.sum(<v>, axis=<axes>) | np.sum(<v>, axis=<axes>, keepdims=True)
np.mean(<v>) | <v>.mean(axis=<axis>, keepdims=True) | np.mean(<v>, axis=<axes>) | <v>.max(axis=<axis>)
<v>.max(axis=<axes>, keepdims=True) | np.min(<v>) | np.amin(<v>, axis=<axis>) | np.prod(<v>, axis=<axis>) | <v>.prod()
<v>.var(axis=<axis>) | np.std(<v> + <k>, axis=<axis>) | np.var(<v>) | np.linalg.norm(<v>)
np.linalg.norm(<v>, axis=<axis>) | np.cumsum(<v>, axis=<axis>) | np.cumsum(<v>) | <v>.cumsum(axis=<axis>)
np.cumprod(<v>, axis=<axis>) | np.diff(<v>, axis=<axis>) | np.nansum(<v>, axis=<axis>) | np.ptp(<v>, axis=<axis>)
np.trapezoid(<v>, axis=<axis>) | ad.special.softmax(<v>, axis=<axis>) | ad.special.softmax(<v>)
ad.special.log_softmax(<v>, axis=<axis>) | ad.special.logsumexp(<v>) | ad.special.logsumexp(<v>, axis=<axis>)
ad.special.logsumexp(<v>, axis=<axis>, keepdims=True) | ad.special.sum_of_squares(<v>) | np.average(<v>, axis=<axis>)
np.average(<v>, axis=<axis>, weights=<k> * <k> + 1) | np.add.reduce(<v>, axis=<axis>) | np.gradient(<v>, axis=<axis>)
np.sum(<v>, where=<mask>) | np.mean(<v>, axis=<axis>, dtype=np.float64) | np.argmax(<v>, axis=<axis>)
np.count_nonzero(<v>) | np.multiply.reduce(<v>, axis=<axis>) | np.add.accumulate(<v>, axis=<axis>)
np.logaddexp.reduce(<v>, axis=<axis>)
"""

VIEWS = """
<v>.T | np.transpose(<v>) | np.transpose(<v>, <perm>) | <v>.transpose(<perm>) | np.swapaxes(<v>, <axis>, <axis2>)
<v>.swapaxes(0, -1) | <v>.reshape(<shape>) | np.reshape(<v>, <shape>) | <v>.reshape(-1)
np.reshape(<v>, <shape>, order="F") | <v>.ravel() | np.ravel(<v>) | <v>.ravel(order="F") | np.squeeze(<v>)
np.squeeze(<v>[None]) | <v>.squeeze() | np.expand_dims(<v>, <axis>) | np.expand_dims(<v>, -1) | <v>[<index>]
<v>[<index>] | <v>[<index>] | <v>[::-1] | <v>[..., ::-1] | <v>[None] | <v>[..., None] | <v>[:] | <v>[...] | <v>[0]
<v>[-1] | np.flip(<v>) | np.flip(<v>, axis=<axis>) | np.flipud(<v>) | np.fliplr(<v>) | np.rot90(<v>)
np.rot90(<v>, 2) | np.rot90(<v>, -1) | np.diag(<v>) | np.diagonal(<v>) | <v>.diagonal() | np.diag(<v>, 1)
np.linalg.diagonal(<v>) | np.moveaxis(<v>, <axis>, <axis2>) | np.rollaxis(<v>, <axis>)
np.broadcast_to(<v>, (2, *<v>.shape)) | np.broadcast_to(<v>[..., None], (*<v>.shape, 3)) | np.atleast_1d(<v>)
np.atleast_2d(<v>) | np.atleast_3d(<v>) | np.matrix_transpose(<v>) | <v>.mT | np.linalg.matrix_transpose(<v>)
np.real(<v>) | <v>.real | np.conj(<v>) | <v>.conj() | np.imag(<v>) | <v>.imag | np.real_if_close(<v>)
np.permute_dims(<v>, <perm>) | sliding_window_view(<v>, 2, axis=<axis>) | sliding_window_view(<v>, 1, axis=<axis>)
np.astype(<v>, np.float64, copy=False) | <v>.astype(np.float64) | <v>.astype(np.float32)
<v>.astype(<v>.dtype, copy=False) | <v>.copy() | np.copy(<v>) | np.asarray(<v>) if isinstance(<v>, np.ndarray) else <v>
np.broadcast_arrays(<v>, <k>) | np.broadcast_arrays(<v>, <b>) | np.tril(<v>) | np.triu(<v>, 1)
np.copy(<v>)
"""

SPLITS = """
np.split(<v>, 1) | np.split(<v>, 1, axis=<axis>) | np.split(<v>, 2, axis=<axis>) | np.split(<v>, [1], axis=<axis>)
np.hsplit(<v>, 1) | np.hsplit(<v>, 2) | np.vsplit(<v>, 1) | np.vsplit(<v>, 2) | np.array_split(<v>, 2, axis=<axis>)
np.array_split(<v>, 1) | np.unstack(<v>) | np.unstack(<v>, axis=<axis>) | np.split(<v>, [1, 2], axis=<axis>)
np.dsplit(<v>, 1) | np.meshgrid(<v>.ravel()[:2], <v>.ravel()[-2:], copy=False) | [row * 2 for row in <v>] | list(<v>)
tuple(<v>)
"""

JOINS = """
np.concatenate([<v>, <s>], axis=<axis>) | np.concatenate([<v>, <v>]) | np.stack([<v>, <s>])
np.stack([<v>, <k>], axis=<axis>) | np.stack([<v>, <s>], axis=-1) | np.hstack([<v>, <s>]) | np.vstack([<v>, <k>])
np.concatenate([<v>[:1], <v>[1:]]) | np.tile(<v>, 2) | np.repeat(<v>, 2, axis=<axis>) | np.roll(<v>, 1)
np.roll(<v>, n, axis=<axis>) | np.append(<v>, <s>) | np.pad(<v>, 1) | np.block([<v>, <s>])
np.column_stack([<v>, <s>]) | np.concatenate([<v>], axis=<axis>) | np.stack([<v>])
np.stack([np.tanh(row) for row in <v>]) | np.pad(<v>, 1, mode="edge") | np.kron(<v>, <row>)
np.concatenate([<v>.T, <s>.T], axis=<axis>) | np.concatenate([np.tanh(<v>), <s> * 2], axis=<axis>) | np.repeat(<v>, 3)
"""

INDEXING = """
<v>[<ints>] | np.take(<v>, <ints>, axis=0) | np.take(<v>, <livints>, axis=0) | <v>[<livints>] | <v>.take(<ints>)
<v>[<ints>, <ints>] | <v>[:, <ints>] | <v>[..., <ints>] | <v>[<livints>, 0] | <v>[<ints>][::-1]
np.take(<v>, <lastints>, axis=-1) | <v>[<ints>, None] | <t>.at[0].set(1.5) | <t>.at[0].set(0) | <t>.at[-1].add(<num>)
<t>.at[<index>].set(0.25) | <t>.at[<index>].add(<num>) | <t>.at[<ints>].add(0.5) | <t>.at[<ints>].set(<num>)
<t>.at[..., 0].set(<v>[..., -1]) | <t>.at[0].add(<v>[-1]) | <t>.at[:].set(<s>) | <t>.at[<livints>].add(<v>[0])
<t>.at[0].set(<k>[0])
"""

PRODUCTS = """
<v> @ <mat> | np.matmul(<v>, <mat>) | <v> @ <row> | np.dot(<v>, <row>) | <v> @ <v>.T | <v>.T @ <v>
np.matmul(<v>, np.swapaxes(<w>, -1, -2)) | np.matvec(<v>, <row>) | np.vecmat(<row>, np.swapaxes(<v>, -1, -2))
np.vecdot(<v>, <s>) | np.vecdot(<v>, <row>) | np.dot(<v>, <mat>) | np.inner(<v>, <row>) | np.outer(<v>, <row>)
np.tensordot(<v>, <mat>, 1) | np.tensordot(<v>, <s>, <v>.ndim) | np.vdot(<v>, <s>) | <square> @ <v>
np.matmul(<square>, <v>) | <v>.T @ <s> | np.dot(<v>.T, <s>)
np.linalg.multi_dot([<v>, <mat>, np.swapaxes(<mat>, 0, 1)]) | np.trace(<v>) | np.tanh(<v> @ <mat> + <num>)
np.linalg.inv(3 * np.eye(<v>.shape[-1]) + 0.3 * np.tanh(<v>))
np.linalg.solve(3 * np.eye(few(<v>).shape[-1]) + 0.3 * np.tanh(few(<v>)), few(<s>))
np.linalg.det(np.eye(<v>.shape[-1]) + 0.3 * np.tanh(<v>)) | np.linalg.norm(<v> @ <mat>) | np.cross(<v>, <s>)
np.fft.fft(<v>).real | np.fft.rfft(<v>).imag | np.convolve(<v>, <row>)
"""

EFFECTS = """
<u>.assign_(<v>) | <u>.assign_(<u> * 0.5 + <v>) | <u>.assign_(<u> + ad.stop_gradient(<v>)) | <u>.assign_(<v>.T.T)
"""

IN_PLACE = """
<fresh> *= 2 | <fresh>[0] = <num> | <fresh>[...] += <num> | np.add(<fresh>, 1, out=<fresh>) | <fresh> += <s>
"""

CALLS = """
ad.stop_gradient(<v>) | ad.checkpoint(lambda a: np.tanh(a) * a)(<v>) | helper(<v>) | helper(<v>, 0.5)
(lambda a: a * <num>)(<v>)
"""


def _table(text):
    return [choice.strip() for line in text.strip().splitlines() for choice in line.split(" | ")]


# Family, how often it is drawn, templates.
EXPRESSIONS = [
    ("elementwise", 16, _table(ELEMENTWISE)),
    ("arithmetic", 14, _table(ARITHMETIC)),
    ("choices", 6, _table(CHOICES)),
    ("reductions", 9, _table(REDUCTIONS)),
    ("views", 22, _table(VIEWS)),
    ("splits", 5, _table(SPLITS)),
    ("joins", 6, _table(JOINS)),
    ("indexing", 6, _table(INDEXING)),
    ("products", 8, _table(PRODUCTS)),
    ("einsum", 7, ["<einsum>"]),
    ("calls", 2, _table(CALLS)),
]
STATEMENTS = {"effects": _table(EFFECTS), "in place": _table(IN_PLACE)}
