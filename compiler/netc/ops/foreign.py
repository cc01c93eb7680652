"""Words of other frameworks, and PyTorch's for them."""

from __future__ import annotations

# Sources: the documentation of Keras 3, Caffe, and ONNX's operators.
OPS = {
    "Dense": "Linear", "FullyConnected": "Linear", "InnerProduct": "Linear", "Gemm": "Linear",
    "Conv1D": "Conv1d", "Conv2D": "Conv2d", "Conv3D": "Conv3d", "Convolution": "Conv2d", "Convolution2D": "Conv2d",
    "MaxPooling1D": "MaxPool1d", "MaxPooling2D": "MaxPool2d", "MaxPool2D": "MaxPool2d", "MaxPool": "MaxPool2d",
    "AveragePooling2D": "AvgPool2d", "AveragePool": "AvgPool2d", "GlobalAveragePooling2D": "AdaptiveAvgPool2d",
    "BatchNormalization": "BatchNorm2d", "LayerNormalization": "LayerNorm", "GroupNormalization": "GroupNorm",
    "Relu": "ReLU", "LeakyRelu": "LeakyReLU", "Swish": "SiLU", "Elu": "ELU", "Gelu": "GELU", "Selu": "SELU",
    "Concatenate": "concat", "Concat": "concat", "Add": "add", "Multiply": "mul", "Average": "average", "Subtract": "sub",
    "Maximum": "maximum", "Minimum": "minimum", "Reshape": "reshape", "Permute": "permute", "SpatialDropout2D": "Dropout2d",
    "Conv1DTranspose": "ConvTranspose1d", "Conv2DTranspose": "ConvTranspose2d", "Conv3DTranspose": "ConvTranspose3d",
    "ZeroPadding2D": "ZeroPad2d", "UpSampling2D": "Upsample", "GlobalMaxPooling2D": "AdaptiveMaxPool2d", "BatchNorm": "BatchNorm2d",
    "SoftMax": "Softmax", "CrossEntropy": "CrossEntropyLoss", "MSE": "MSELoss", "BCE": "BCELoss", "MAE": "L1Loss", "mae": "L1Loss",
    "BinaryCrossentropy": "BCELoss", "binary_crossentropy": "BCELoss", "MeanSquaredError": "MSELoss", "mse": "MSELoss",
    "categorical_crossentropy": "CrossEntropyLoss", "sparse_categorical_crossentropy": "CrossEntropyLoss",
    "True": "true", "False": "false", "None": "none", "null": "none",
}  # fmt: skip

ARGUMENTS = {
    "units": "out_features", "num_output": "out_features", "filters": "out_channels", "strides": "stride", "use_bias": "bias",
    "pool_size": "kernel_size", "rate": "p", "epsilon": "eps", "axis": "dim", "dilation_rate": "dilation", "pads": "padding",
    "learning_rate": "lr", "input_dim": "num_embeddings", "output_dim": "embedding_dim", "keepdims": "keepdim", "alpha": "negative_slope",
    "kernel": "kernel_size", "channels": "out_channels",
}  # fmt: skip

# Arguments that layers have elsewhere, and how netc says the same.
ELSEWHERE = {
    "activation": "an activation is a step of its own: `Linear(8) -> ReLU`",
    "name": "a layer is named by a label: `hidden: Linear(8)`",
    "input_shape": "the shape of what arrives is known; leave it out", "input_dim": "the size of what arrives is known; leave it out",
    "kernel_initializer": "write `init { Linear.weight = kaiming_normal }` in the network",
    "bias_initializer": "write `init { Linear.bias = zeros }` in the network",
    "weight_initializer": "write `init { Linear.weight = kaiming_normal }` in the network",
    "trainable": "write `freeze hidden.*` in the network",
    "device": "a spec says nothing of devices; move the module: `module.to(\"cuda\")`",
}  # fmt: skip
