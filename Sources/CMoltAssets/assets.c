#include "molt_assets.h"

// Every file of Templates/ is here; a test compares the folder with this list.

static const unsigned char scripts_attempt_sbatch[] = {
#embed "../../Templates/scripts/attempt.sbatch"
};
static const unsigned char recipes_bamba_9b_yaml[] = {
#embed "../../Templates/recipes/bamba-9b.yaml"
};
static const unsigned char recipes_bamba_9b_finetune_yaml[] = {
#embed "../../Templates/recipes/bamba-9b-finetune.yaml"
};
static const unsigned char recipes_bamba_9b_lora_yaml[] = {
#embed "../../Templates/recipes/bamba-9b-lora.yaml"
};
static const unsigned char recipes_demo_finetune_yaml[] = {
#embed "../../Templates/recipes/demo-finetune.yaml"
};
static const unsigned char recipes_demo_pretrain_yaml[] = {
#embed "../../Templates/recipes/demo-pretrain.yaml"
};
static const unsigned char recipes_dpo_yaml[] = {
#embed "../../Templates/recipes/dpo.yaml"
};
static const unsigned char recipes_dss_tiny_yaml[] = {
#embed "../../Templates/recipes/dss-tiny.yaml"
};
static const unsigned char recipes_dss_tiny_finetune_yaml[] = {
#embed "../../Templates/recipes/dss-tiny-finetune.yaml"
};
static const unsigned char recipes_granite_4_0_h_1b_yaml[] = {
#embed "../../Templates/recipes/granite-4.0-h-1b.yaml"
};
static const unsigned char recipes_granite_4_0_h_1b_finetune_yaml[] = {
#embed "../../Templates/recipes/granite-4.0-h-1b-finetune.yaml"
};
static const unsigned char recipes_granite_4_0_h_350m_yaml[] = {
#embed "../../Templates/recipes/granite-4.0-h-350m.yaml"
};
static const unsigned char recipes_granite_4_0_h_350m_finetune_yaml[] = {
#embed "../../Templates/recipes/granite-4.0-h-350m-finetune.yaml"
};
static const unsigned char recipes_granite_4_0_h_micro_yaml[] = {
#embed "../../Templates/recipes/granite-4.0-h-micro.yaml"
};
static const unsigned char recipes_granite_4_0_h_micro_finetune_yaml[] = {
#embed "../../Templates/recipes/granite-4.0-h-micro-finetune.yaml"
};
static const unsigned char recipes_granite_4_0_h_small_yaml[] = {
#embed "../../Templates/recipes/granite-4.0-h-small.yaml"
};
static const unsigned char recipes_granite_4_0_h_small_finetune_yaml[] = {
#embed "../../Templates/recipes/granite-4.0-h-small-finetune.yaml"
};
static const unsigned char recipes_granite_4_0_h_small_lora_yaml[] = {
#embed "../../Templates/recipes/granite-4.0-h-small-lora.yaml"
};
static const unsigned char recipes_granite_4_0_h_tiny_yaml[] = {
#embed "../../Templates/recipes/granite-4.0-h-tiny.yaml"
};
static const unsigned char recipes_granite_4_0_h_tiny_finetune_yaml[] = {
#embed "../../Templates/recipes/granite-4.0-h-tiny-finetune.yaml"
};
static const unsigned char recipes_granite_4_0_h_tiny_lora_yaml[] = {
#embed "../../Templates/recipes/granite-4.0-h-tiny-lora.yaml"
};
static const unsigned char recipes_griffin_1_3b_yaml[] = {
#embed "../../Templates/recipes/griffin-1.3b.yaml"
};
static const unsigned char recipes_griffin_1_3b_finetune_yaml[] = {
#embed "../../Templates/recipes/griffin-1.3b-finetune.yaml"
};
static const unsigned char recipes_griffin_3b_yaml[] = {
#embed "../../Templates/recipes/griffin-3b.yaml"
};
static const unsigned char recipes_griffin_3b_finetune_yaml[] = {
#embed "../../Templates/recipes/griffin-3b-finetune.yaml"
};
static const unsigned char recipes_griffin_400m_yaml[] = {
#embed "../../Templates/recipes/griffin-400m.yaml"
};
static const unsigned char recipes_griffin_400m_finetune_yaml[] = {
#embed "../../Templates/recipes/griffin-400m-finetune.yaml"
};
static const unsigned char recipes_griffin_7b_yaml[] = {
#embed "../../Templates/recipes/griffin-7b.yaml"
};
static const unsigned char recipes_griffin_7b_finetune_yaml[] = {
#embed "../../Templates/recipes/griffin-7b-finetune.yaml"
};
static const unsigned char recipes_griffin_7b_lora_yaml[] = {
#embed "../../Templates/recipes/griffin-7b-lora.yaml"
};
static const unsigned char recipes_hybrid_tiny_yaml[] = {
#embed "../../Templates/recipes/hybrid-tiny.yaml"
};
static const unsigned char recipes_hybrid_tiny_finetune_yaml[] = {
#embed "../../Templates/recipes/hybrid-tiny-finetune.yaml"
};
static const unsigned char recipes_lora_yaml[] = {
#embed "../../Templates/recipes/lora.yaml"
};
static const unsigned char recipes_mamba2_1_3b_yaml[] = {
#embed "../../Templates/recipes/mamba2-1.3b.yaml"
};
static const unsigned char recipes_mamba2_1_3b_finetune_yaml[] = {
#embed "../../Templates/recipes/mamba2-1.3b-finetune.yaml"
};
static const unsigned char recipes_mamba2_130m_yaml[] = {
#embed "../../Templates/recipes/mamba2-130m.yaml"
};
static const unsigned char recipes_mamba2_130m_finetune_yaml[] = {
#embed "../../Templates/recipes/mamba2-130m-finetune.yaml"
};
static const unsigned char recipes_mamba2_2_7b_yaml[] = {
#embed "../../Templates/recipes/mamba2-2.7b.yaml"
};
static const unsigned char recipes_mamba2_2_7b_finetune_yaml[] = {
#embed "../../Templates/recipes/mamba2-2.7b-finetune.yaml"
};
static const unsigned char recipes_mamba2_370m_yaml[] = {
#embed "../../Templates/recipes/mamba2-370m.yaml"
};
static const unsigned char recipes_mamba2_370m_finetune_yaml[] = {
#embed "../../Templates/recipes/mamba2-370m-finetune.yaml"
};
static const unsigned char recipes_mamba2_780m_yaml[] = {
#embed "../../Templates/recipes/mamba2-780m.yaml"
};
static const unsigned char recipes_mamba2_780m_finetune_yaml[] = {
#embed "../../Templates/recipes/mamba2-780m-finetune.yaml"
};
static const unsigned char recipes_mamba2_8b_yaml[] = {
#embed "../../Templates/recipes/mamba2-8b.yaml"
};
static const unsigned char recipes_mamba2_8b_finetune_yaml[] = {
#embed "../../Templates/recipes/mamba2-8b-finetune.yaml"
};
static const unsigned char recipes_mamba2_8b_lora_yaml[] = {
#embed "../../Templates/recipes/mamba2-8b-lora.yaml"
};
static const unsigned char recipes_mamba2_hybrid_8b_yaml[] = {
#embed "../../Templates/recipes/mamba2-hybrid-8b.yaml"
};
static const unsigned char recipes_mamba2_hybrid_8b_128k_yaml[] = {
#embed "../../Templates/recipes/mamba2-hybrid-8b-128k.yaml"
};
static const unsigned char recipes_mamba2_hybrid_8b_128k_finetune_yaml[] = {
#embed "../../Templates/recipes/mamba2-hybrid-8b-128k-finetune.yaml"
};
static const unsigned char recipes_mamba2_hybrid_8b_16k_yaml[] = {
#embed "../../Templates/recipes/mamba2-hybrid-8b-16k.yaml"
};
static const unsigned char recipes_mamba2_hybrid_8b_16k_finetune_yaml[] = {
#embed "../../Templates/recipes/mamba2-hybrid-8b-16k-finetune.yaml"
};
static const unsigned char recipes_mamba2_hybrid_8b_32k_yaml[] = {
#embed "../../Templates/recipes/mamba2-hybrid-8b-32k.yaml"
};
static const unsigned char recipes_mamba2_hybrid_8b_32k_finetune_yaml[] = {
#embed "../../Templates/recipes/mamba2-hybrid-8b-32k-finetune.yaml"
};
static const unsigned char recipes_mamba2_hybrid_8b_finetune_yaml[] = {
#embed "../../Templates/recipes/mamba2-hybrid-8b-finetune.yaml"
};
static const unsigned char recipes_mamba2_hybrid_8b_lora_yaml[] = {
#embed "../../Templates/recipes/mamba2-hybrid-8b-lora.yaml"
};
static const unsigned char recipes_mamba2_tiny_yaml[] = {
#embed "../../Templates/recipes/mamba2-tiny.yaml"
};
static const unsigned char recipes_mamba2_tiny_finetune_yaml[] = {
#embed "../../Templates/recipes/mamba2-tiny-finetune.yaml"
};
static const unsigned char recipes_mamba2attn_2_7b_yaml[] = {
#embed "../../Templates/recipes/mamba2attn-2.7b.yaml"
};
static const unsigned char recipes_mamba2attn_2_7b_finetune_yaml[] = {
#embed "../../Templates/recipes/mamba2attn-2.7b-finetune.yaml"
};
static const unsigned char recipes_mambaformer_tiny_yaml[] = {
#embed "../../Templates/recipes/mambaformer-tiny.yaml"
};
static const unsigned char recipes_mambaformer_tiny_finetune_yaml[] = {
#embed "../../Templates/recipes/mambaformer-tiny-finetune.yaml"
};
static const unsigned char recipes_nemotron_h_47b_yaml[] = {
#embed "../../Templates/recipes/nemotron-h-47b.yaml"
};
static const unsigned char recipes_nemotron_h_47b_finetune_yaml[] = {
#embed "../../Templates/recipes/nemotron-h-47b-finetune.yaml"
};
static const unsigned char recipes_nemotron_h_47b_lora_yaml[] = {
#embed "../../Templates/recipes/nemotron-h-47b-lora.yaml"
};
static const unsigned char recipes_nemotron_h_4b_yaml[] = {
#embed "../../Templates/recipes/nemotron-h-4b.yaml"
};
static const unsigned char recipes_nemotron_h_4b_finetune_yaml[] = {
#embed "../../Templates/recipes/nemotron-h-4b-finetune.yaml"
};
static const unsigned char recipes_nemotron_h_4b_lora_yaml[] = {
#embed "../../Templates/recipes/nemotron-h-4b-lora.yaml"
};
static const unsigned char recipes_nemotron_h_56b_yaml[] = {
#embed "../../Templates/recipes/nemotron-h-56b.yaml"
};
static const unsigned char recipes_nemotron_h_56b_finetune_yaml[] = {
#embed "../../Templates/recipes/nemotron-h-56b-finetune.yaml"
};
static const unsigned char recipes_nemotron_h_56b_lora_yaml[] = {
#embed "../../Templates/recipes/nemotron-h-56b-lora.yaml"
};
static const unsigned char recipes_nemotron_h_8b_yaml[] = {
#embed "../../Templates/recipes/nemotron-h-8b.yaml"
};
static const unsigned char recipes_nemotron_h_8b_finetune_yaml[] = {
#embed "../../Templates/recipes/nemotron-h-8b-finetune.yaml"
};
static const unsigned char recipes_nemotron_h_8b_lora_yaml[] = {
#embed "../../Templates/recipes/nemotron-h-8b-lora.yaml"
};
static const unsigned char recipes_nemotron_nano_12b_v2_yaml[] = {
#embed "../../Templates/recipes/nemotron-nano-12b-v2.yaml"
};
static const unsigned char recipes_nemotron_nano_12b_v2_finetune_yaml[] = {
#embed "../../Templates/recipes/nemotron-nano-12b-v2-finetune.yaml"
};
static const unsigned char recipes_nemotron_nano_12b_v2_lora_yaml[] = {
#embed "../../Templates/recipes/nemotron-nano-12b-v2-lora.yaml"
};
static const unsigned char recipes_nemotron_nano_9b_v2_yaml[] = {
#embed "../../Templates/recipes/nemotron-nano-9b-v2.yaml"
};
static const unsigned char recipes_nemotron_nano_9b_v2_finetune_yaml[] = {
#embed "../../Templates/recipes/nemotron-nano-9b-v2-finetune.yaml"
};
static const unsigned char recipes_nemotron_nano_9b_v2_lora_yaml[] = {
#embed "../../Templates/recipes/nemotron-nano-9b-v2-lora.yaml"
};
static const unsigned char recipes_recurrentgemma_2b_yaml[] = {
#embed "../../Templates/recipes/recurrentgemma-2b.yaml"
};
static const unsigned char recipes_recurrentgemma_2b_finetune_yaml[] = {
#embed "../../Templates/recipes/recurrentgemma-2b-finetune.yaml"
};
static const unsigned char recipes_recurrentgemma_9b_yaml[] = {
#embed "../../Templates/recipes/recurrentgemma-9b.yaml"
};
static const unsigned char recipes_recurrentgemma_9b_finetune_yaml[] = {
#embed "../../Templates/recipes/recurrentgemma-9b-finetune.yaml"
};
static const unsigned char recipes_recurrentgemma_9b_lora_yaml[] = {
#embed "../../Templates/recipes/recurrentgemma-9b-lora.yaml"
};
static const unsigned char recipes_s4d_tiny_yaml[] = {
#embed "../../Templates/recipes/s4d-tiny.yaml"
};
static const unsigned char recipes_s4d_tiny_finetune_yaml[] = {
#embed "../../Templates/recipes/s4d-tiny-finetune.yaml"
};
static const unsigned char recipes_samba_1_3b_yaml[] = {
#embed "../../Templates/recipes/samba-1.3b.yaml"
};
static const unsigned char recipes_samba_1_3b_finetune_yaml[] = {
#embed "../../Templates/recipes/samba-1.3b-finetune.yaml"
};
static const unsigned char recipes_samba_421m_yaml[] = {
#embed "../../Templates/recipes/samba-421m.yaml"
};
static const unsigned char recipes_samba_421m_finetune_yaml[] = {
#embed "../../Templates/recipes/samba-421m-finetune.yaml"
};

// One entry for each array above.
#define RECIPE(name, bytes) {"recipes/" name ".yaml", bytes, sizeof(bytes)}

static const molt_asset assets[] = {
    {"scripts/attempt.sbatch", scripts_attempt_sbatch, sizeof(scripts_attempt_sbatch)},
    RECIPE("bamba-9b", recipes_bamba_9b_yaml),
    RECIPE("bamba-9b-finetune", recipes_bamba_9b_finetune_yaml),
    RECIPE("bamba-9b-lora", recipes_bamba_9b_lora_yaml),
    RECIPE("demo-finetune", recipes_demo_finetune_yaml),
    RECIPE("demo-pretrain", recipes_demo_pretrain_yaml),
    RECIPE("dpo", recipes_dpo_yaml),
    RECIPE("dss-tiny", recipes_dss_tiny_yaml),
    RECIPE("dss-tiny-finetune", recipes_dss_tiny_finetune_yaml),
    RECIPE("granite-4.0-h-1b", recipes_granite_4_0_h_1b_yaml),
    RECIPE("granite-4.0-h-1b-finetune", recipes_granite_4_0_h_1b_finetune_yaml),
    RECIPE("granite-4.0-h-350m", recipes_granite_4_0_h_350m_yaml),
    RECIPE("granite-4.0-h-350m-finetune", recipes_granite_4_0_h_350m_finetune_yaml),
    RECIPE("granite-4.0-h-micro", recipes_granite_4_0_h_micro_yaml),
    RECIPE("granite-4.0-h-micro-finetune", recipes_granite_4_0_h_micro_finetune_yaml),
    RECIPE("granite-4.0-h-small", recipes_granite_4_0_h_small_yaml),
    RECIPE("granite-4.0-h-small-finetune", recipes_granite_4_0_h_small_finetune_yaml),
    RECIPE("granite-4.0-h-small-lora", recipes_granite_4_0_h_small_lora_yaml),
    RECIPE("granite-4.0-h-tiny", recipes_granite_4_0_h_tiny_yaml),
    RECIPE("granite-4.0-h-tiny-finetune", recipes_granite_4_0_h_tiny_finetune_yaml),
    RECIPE("granite-4.0-h-tiny-lora", recipes_granite_4_0_h_tiny_lora_yaml),
    RECIPE("griffin-1.3b", recipes_griffin_1_3b_yaml),
    RECIPE("griffin-1.3b-finetune", recipes_griffin_1_3b_finetune_yaml),
    RECIPE("griffin-3b", recipes_griffin_3b_yaml),
    RECIPE("griffin-3b-finetune", recipes_griffin_3b_finetune_yaml),
    RECIPE("griffin-400m", recipes_griffin_400m_yaml),
    RECIPE("griffin-400m-finetune", recipes_griffin_400m_finetune_yaml),
    RECIPE("griffin-7b", recipes_griffin_7b_yaml),
    RECIPE("griffin-7b-finetune", recipes_griffin_7b_finetune_yaml),
    RECIPE("griffin-7b-lora", recipes_griffin_7b_lora_yaml),
    RECIPE("hybrid-tiny", recipes_hybrid_tiny_yaml),
    RECIPE("hybrid-tiny-finetune", recipes_hybrid_tiny_finetune_yaml),
    RECIPE("lora", recipes_lora_yaml),
    RECIPE("mamba2-1.3b", recipes_mamba2_1_3b_yaml),
    RECIPE("mamba2-1.3b-finetune", recipes_mamba2_1_3b_finetune_yaml),
    RECIPE("mamba2-130m", recipes_mamba2_130m_yaml),
    RECIPE("mamba2-130m-finetune", recipes_mamba2_130m_finetune_yaml),
    RECIPE("mamba2-2.7b", recipes_mamba2_2_7b_yaml),
    RECIPE("mamba2-2.7b-finetune", recipes_mamba2_2_7b_finetune_yaml),
    RECIPE("mamba2-370m", recipes_mamba2_370m_yaml),
    RECIPE("mamba2-370m-finetune", recipes_mamba2_370m_finetune_yaml),
    RECIPE("mamba2-780m", recipes_mamba2_780m_yaml),
    RECIPE("mamba2-780m-finetune", recipes_mamba2_780m_finetune_yaml),
    RECIPE("mamba2-8b", recipes_mamba2_8b_yaml),
    RECIPE("mamba2-8b-finetune", recipes_mamba2_8b_finetune_yaml),
    RECIPE("mamba2-8b-lora", recipes_mamba2_8b_lora_yaml),
    RECIPE("mamba2-hybrid-8b", recipes_mamba2_hybrid_8b_yaml),
    RECIPE("mamba2-hybrid-8b-128k", recipes_mamba2_hybrid_8b_128k_yaml),
    RECIPE("mamba2-hybrid-8b-128k-finetune", recipes_mamba2_hybrid_8b_128k_finetune_yaml),
    RECIPE("mamba2-hybrid-8b-16k", recipes_mamba2_hybrid_8b_16k_yaml),
    RECIPE("mamba2-hybrid-8b-16k-finetune", recipes_mamba2_hybrid_8b_16k_finetune_yaml),
    RECIPE("mamba2-hybrid-8b-32k", recipes_mamba2_hybrid_8b_32k_yaml),
    RECIPE("mamba2-hybrid-8b-32k-finetune", recipes_mamba2_hybrid_8b_32k_finetune_yaml),
    RECIPE("mamba2-hybrid-8b-finetune", recipes_mamba2_hybrid_8b_finetune_yaml),
    RECIPE("mamba2-hybrid-8b-lora", recipes_mamba2_hybrid_8b_lora_yaml),
    RECIPE("mamba2-tiny", recipes_mamba2_tiny_yaml),
    RECIPE("mamba2-tiny-finetune", recipes_mamba2_tiny_finetune_yaml),
    RECIPE("mamba2attn-2.7b", recipes_mamba2attn_2_7b_yaml),
    RECIPE("mamba2attn-2.7b-finetune", recipes_mamba2attn_2_7b_finetune_yaml),
    RECIPE("mambaformer-tiny", recipes_mambaformer_tiny_yaml),
    RECIPE("mambaformer-tiny-finetune", recipes_mambaformer_tiny_finetune_yaml),
    RECIPE("nemotron-h-47b", recipes_nemotron_h_47b_yaml),
    RECIPE("nemotron-h-47b-finetune", recipes_nemotron_h_47b_finetune_yaml),
    RECIPE("nemotron-h-47b-lora", recipes_nemotron_h_47b_lora_yaml),
    RECIPE("nemotron-h-4b", recipes_nemotron_h_4b_yaml),
    RECIPE("nemotron-h-4b-finetune", recipes_nemotron_h_4b_finetune_yaml),
    RECIPE("nemotron-h-4b-lora", recipes_nemotron_h_4b_lora_yaml),
    RECIPE("nemotron-h-56b", recipes_nemotron_h_56b_yaml),
    RECIPE("nemotron-h-56b-finetune", recipes_nemotron_h_56b_finetune_yaml),
    RECIPE("nemotron-h-56b-lora", recipes_nemotron_h_56b_lora_yaml),
    RECIPE("nemotron-h-8b", recipes_nemotron_h_8b_yaml),
    RECIPE("nemotron-h-8b-finetune", recipes_nemotron_h_8b_finetune_yaml),
    RECIPE("nemotron-h-8b-lora", recipes_nemotron_h_8b_lora_yaml),
    RECIPE("nemotron-nano-12b-v2", recipes_nemotron_nano_12b_v2_yaml),
    RECIPE("nemotron-nano-12b-v2-finetune", recipes_nemotron_nano_12b_v2_finetune_yaml),
    RECIPE("nemotron-nano-12b-v2-lora", recipes_nemotron_nano_12b_v2_lora_yaml),
    RECIPE("nemotron-nano-9b-v2", recipes_nemotron_nano_9b_v2_yaml),
    RECIPE("nemotron-nano-9b-v2-finetune", recipes_nemotron_nano_9b_v2_finetune_yaml),
    RECIPE("nemotron-nano-9b-v2-lora", recipes_nemotron_nano_9b_v2_lora_yaml),
    RECIPE("recurrentgemma-2b", recipes_recurrentgemma_2b_yaml),
    RECIPE("recurrentgemma-2b-finetune", recipes_recurrentgemma_2b_finetune_yaml),
    RECIPE("recurrentgemma-9b", recipes_recurrentgemma_9b_yaml),
    RECIPE("recurrentgemma-9b-finetune", recipes_recurrentgemma_9b_finetune_yaml),
    RECIPE("recurrentgemma-9b-lora", recipes_recurrentgemma_9b_lora_yaml),
    RECIPE("s4d-tiny", recipes_s4d_tiny_yaml),
    RECIPE("s4d-tiny-finetune", recipes_s4d_tiny_finetune_yaml),
    RECIPE("samba-1.3b", recipes_samba_1_3b_yaml),
    RECIPE("samba-1.3b-finetune", recipes_samba_1_3b_finetune_yaml),
    RECIPE("samba-421m", recipes_samba_421m_yaml),
    RECIPE("samba-421m-finetune", recipes_samba_421m_finetune_yaml),
};

const molt_asset *molt_assets(size_t *count) {
    *count = sizeof(assets) / sizeof(assets[0]);
    return assets;
}
