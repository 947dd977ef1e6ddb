"""Asks peft itself which of a mixer's linears it adapts in which models: a line 'TYPE NAME' for each that it refuses.

Usage: peft_refusals.py. Needs torch and peft; transformers' models are not built: peft looks at the type and the name.
"""

from torch import nn
from peft import LoraConfig, get_peft_model


class Config(dict):
    def __init__(self, model_type):
        super().__init__(model_type=model_type, tie_word_embeddings=False)
        self.model_type = model_type


class Model(nn.Module):
    def __init__(self, model_type):
        super().__init__()
        self.config = Config(model_type)
        for name in ("in_proj", "out_proj", "o_proj"):
            setattr(self, name, nn.Linear(2, 2))


for model_type in ("mamba2", "nemotron_h", "bamba", "granitemoehybrid", "recurrent_gemma"):
    for name in ("in_proj", "out_proj", "o_proj"):
        try:
            get_peft_model(Model(model_type), LoraConfig(r=1, target_modules=[name]))
        except ValueError as error:
            assert "incompatible with Mamba" in str(error), error
            print(model_type, name)
