"""What architectures call the linear layers that an adapter stands beside."""

# The first of these whose layers are all there: queries and values apart, then in one layer. DeepSeek's latent
# attention has the last projection of either.
ATTENTION_INPUTS: tuple[tuple[str, ...], ...] = (
    ("q_proj", "v_proj"),
    ("q_b_proj", "kv_b_proj"),
    ("q_proj", "kv_b_proj"),
    ("query_key_value",),
    ("W_pack",),
    ("Wqkv",),
    ("qkv_proj",),
    ("qkv",),
    ("att_proj",),
    ("c_attn",),
    ("query", "value"),
    ("wq", "wv"),
    ("wqkv",),
)
# They choose between experts or open a gate of one number: peft's own "all-linear" leaves none out, which lets a
# rank of 128 stand beside a layer of 4 outputs.
ROUTERS = frozenset({"gate", "router", "shared_expert_gate"})
