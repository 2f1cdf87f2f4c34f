"""Which operations do the same kind of thing: one colour in a drawing, and likely to stand for one another."""

FAMILIES = {
    "weights": "conv conv_transpose linear take lstm gru rnn",
    "normalisation": (
        "batch_norm running_batch_norm frozen_batch_norm instance_norm group_norm layer_norm rms_norm local_response_norm"
    ),
    "activation": (
        "relu sigmoid tanh silu mish selu hardswish hardsigmoid softsign tanhshrink log_sigmoid gelu leaky_relu elu celu "
        "softplus hardtanh softshrink hardshrink threshold softmax log_softmax glu prelu"
    ),
    "pooling": (
        "max_pool avg_pool adaptive_avg_pool adaptive_max_pool mean reduce_sum reduce_max reduce_min largest smallest "
        "logsumexp variance norm interpolate"
    ),
    "randomness": "dropout drop_path noise",
    "shape": "reshape permute expand slice cat pad flip cast detach",
}
FAMILY_OF = {op: family for family, ops in FAMILIES.items() for op in ops.split()}
