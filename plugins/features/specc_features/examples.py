"""Small specs that the suite of plugins trains: a plain autoencoder, a variational one, a sparse one."""

from specc.plugin import Example

_HEAD = """\
specc: 1
name: {name}
task: feature_extraction
input: {{format: png, size: [32, 32], channels: mono, resize: fit, scale: {scale}}}
data:
  manifest: table.csv
  columns: {{image: file, label: label, patient: patient}}
  split: {{column: part}}
"""
PLAIN = (
    _HEAD.format(name="plain-codes", scale="0..1")
    + """\
model:
  layers:
    - flatten
    - dense: {units: 16, id: code}
    - dense: {units: 1024, activation: sigmoid}
    - reshape: {to: [1, 32, 32]}
loss: mean_squared_error
optimizer: adam
train: {epochs: 2, batch_size: 16}
"""
)
VARIATIONAL = (
    _HEAD.format(name="gaussian-codes", scale="0..1")
    + """\
augment:
  - flip: {axis: horizontal}
noise: {sd: 0.05}
variational: {beta: 1}
model:
  layers:
    - conv2d: {filters: 4, kernel: 3, stride: 2, padding: same, activation: relu}
    - flatten
    - gaussian: {units: 8, id: code}
    - dense: {units: 1024, activation: relu}
    - reshape: {to: [4, 16, 16]}
    - upconv2d: {filters: 1, kernel: 3, stride: 2, padding: same, activation: sigmoid}
loss: binary_cross_entropy
optimizer: {adam: {learning_rate: 0.003}}
train: {epochs: 2, batch_size: 16, accumulate: 2, grad_clip: 5, ema: 0.9}
"""
)
SPARSE = (
    _HEAD.format(name="sparse-codes", scale="-1..1")
    + """\
noise: {mask: 0.2}
sparsity: {weight: 0.001, kind: kl, target: 0.1}
model:
  layers:
    - conv2d: {filters: 8, kernel: 3, stride: 4, padding: same, activation: relu}
    - conv2d: {filters: 4, kernel: 3, stride: 2, padding: same, activation: sigmoid, id: code}
    - upconv2d: {filters: 8, kernel: 3, stride: 2, padding: same, activation: relu}
    - upconv2d: {filters: 1, kernel: 5, stride: 4, padding: same, activation: tanh}
loss: mean_absolute_error
optimizer: {adam: {learning_rate: 0.003}}
train: {epochs: 2, batch_size: 16}
"""
)
EXAMPLES = (Example(PLAIN), Example(VARIATIONAL), Example(SPARSE))
