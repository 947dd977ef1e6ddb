#include "molt_assets.h"

// Every file of Templates/ is here; a test compares the folder with this list.

static const unsigned char scripts_attempt_sbatch[] = {
#embed "../../Templates/scripts/attempt.sbatch"
};
static const unsigned char recipes_demo_finetune_yaml[] = {
#embed "../../Templates/recipes/demo-finetune.yaml"
};
static const unsigned char recipes_demo_pretrain_yaml[] = {
#embed "../../Templates/recipes/demo-pretrain.yaml"
};
static const unsigned char recipes_hybrid_tiny_yaml[] = {
#embed "../../Templates/recipes/hybrid-tiny.yaml"
};
static const unsigned char recipes_mamba2_1_3b_yaml[] = {
#embed "../../Templates/recipes/mamba2-1.3b.yaml"
};
static const unsigned char recipes_mamba2_130m_yaml[] = {
#embed "../../Templates/recipes/mamba2-130m.yaml"
};
static const unsigned char recipes_mamba2_2_7b_yaml[] = {
#embed "../../Templates/recipes/mamba2-2.7b.yaml"
};
static const unsigned char recipes_mamba2_370m_yaml[] = {
#embed "../../Templates/recipes/mamba2-370m.yaml"
};
static const unsigned char recipes_mamba2_780m_yaml[] = {
#embed "../../Templates/recipes/mamba2-780m.yaml"
};
static const unsigned char recipes_mamba2_8b_yaml[] = {
#embed "../../Templates/recipes/mamba2-8b.yaml"
};
static const unsigned char recipes_mamba2_hybrid_8b_yaml[] = {
#embed "../../Templates/recipes/mamba2-hybrid-8b.yaml"
};
static const unsigned char recipes_mamba2_tiny_yaml[] = {
#embed "../../Templates/recipes/mamba2-tiny.yaml"
};
static const unsigned char recipes_nemotron_h_4b_yaml[] = {
#embed "../../Templates/recipes/nemotron-h-4b.yaml"
};
static const unsigned char recipes_nemotron_h_8b_yaml[] = {
#embed "../../Templates/recipes/nemotron-h-8b.yaml"
};
static const unsigned char recipes_nemotron_nano_9b_v2_yaml[] = {
#embed "../../Templates/recipes/nemotron-nano-9b-v2.yaml"
};

static const molt_asset assets[] = {
    {"scripts/attempt.sbatch", scripts_attempt_sbatch, sizeof(scripts_attempt_sbatch)},
    {"recipes/demo-finetune.yaml", recipes_demo_finetune_yaml, sizeof(recipes_demo_finetune_yaml)},
    {"recipes/demo-pretrain.yaml", recipes_demo_pretrain_yaml, sizeof(recipes_demo_pretrain_yaml)},
    {"recipes/hybrid-tiny.yaml", recipes_hybrid_tiny_yaml, sizeof(recipes_hybrid_tiny_yaml)},
    {"recipes/mamba2-1.3b.yaml", recipes_mamba2_1_3b_yaml, sizeof(recipes_mamba2_1_3b_yaml)},
    {"recipes/mamba2-130m.yaml", recipes_mamba2_130m_yaml, sizeof(recipes_mamba2_130m_yaml)},
    {"recipes/mamba2-2.7b.yaml", recipes_mamba2_2_7b_yaml, sizeof(recipes_mamba2_2_7b_yaml)},
    {"recipes/mamba2-370m.yaml", recipes_mamba2_370m_yaml, sizeof(recipes_mamba2_370m_yaml)},
    {"recipes/mamba2-780m.yaml", recipes_mamba2_780m_yaml, sizeof(recipes_mamba2_780m_yaml)},
    {"recipes/mamba2-8b.yaml", recipes_mamba2_8b_yaml, sizeof(recipes_mamba2_8b_yaml)},
    {"recipes/mamba2-hybrid-8b.yaml", recipes_mamba2_hybrid_8b_yaml, sizeof(recipes_mamba2_hybrid_8b_yaml)},
    {"recipes/mamba2-tiny.yaml", recipes_mamba2_tiny_yaml, sizeof(recipes_mamba2_tiny_yaml)},
    {"recipes/nemotron-h-4b.yaml", recipes_nemotron_h_4b_yaml, sizeof(recipes_nemotron_h_4b_yaml)},
    {"recipes/nemotron-h-8b.yaml", recipes_nemotron_h_8b_yaml, sizeof(recipes_nemotron_h_8b_yaml)},
    {"recipes/nemotron-nano-9b-v2.yaml", recipes_nemotron_nano_9b_v2_yaml, sizeof(recipes_nemotron_nano_9b_v2_yaml)},
};

const molt_asset *molt_assets(size_t *count) {
    *count = sizeof(assets) / sizeof(assets[0]);
    return assets;
}
