#include "molt_slurm.h"
#include "versions.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint32_t minutes(uint32_t value) {
    return value == INFINITE || value == NO_VAL ? MOLT_SLURM_UNLIMITED : value;
}

static uint32_t short_number(uint16_t value) { return value == NO_VAL16 ? 0 : value; }

static int32_t load_settings(molt_slurm_cluster *cluster) {
    slurm_conf_t *conf = NULL;
    int32_t code = molt_code(slurm_load_ctl_conf(0, &conf));
    if (code != 0) return code;
    cluster->version = molt_copy(conf->version);
    cluster->auth_info = molt_copy(conf->authinfo);
    cluster->scheduler_parameters = molt_copy(conf->sched_params);
    cluster->requeue_exit = molt_copy(conf->requeue_exit);
    cluster->requeue_exit_hold = molt_copy(conf->requeue_exit_hold);
    cluster->priority_type = molt_copy(conf->priority_type);
    cluster->weight_age = conf->priority_weight_age;
    cluster->weight_association = conf->priority_weight_assoc;
    cluster->weight_fair_share = conf->priority_weight_fs;
    cluster->weight_size = conf->priority_weight_js;
    cluster->weight_partition = conf->priority_weight_part;
    cluster->weight_qos = conf->priority_weight_qos;
    cluster->booted = conf->boot_time;
    cluster->kill_wait = conf->kill_wait;
    cluster->minimum_job_age = conf->min_job_age;
    cluster->message_timeout = conf->msg_timeout;
    cluster->job_requeue = conf->job_requeue;
    cluster->preempt_mode = conf->preempt_mode;
    cluster->private_data = conf->private_data;
    bool is_mighty = geteuid() == 0 || geteuid() == conf->slurm_user_id;
    cluster->hides_jobs = (conf->private_data & PRIVATE_DATA_JOBS) != 0 && !is_mighty;
    MOLT_FREE_SETTINGS(conf);
    return 0;
}

static int32_t load_partitions(molt_slurm_cluster *cluster) {
    partition_info_msg_t *answer = NULL;
    int32_t code = molt_code(slurm_load_partitions(0, &answer, SHOW_ALL | SHOW_LOCAL));
    if (code != 0) return code;
    cluster->partitions = calloc(answer->record_count + 1, sizeof *cluster->partitions);
    if (!cluster->partitions) abort();
    cluster->partition_count = answer->record_count;
    for (uint32_t i = 0; i < answer->record_count; i++) {
        const partition_info_t *from = &answer->partition_array[i];
        molt_slurm_partition *to = &cluster->partitions[i];
        to->name = molt_copy(from->name);
        to->nodes = molt_expand(from->nodes);
        to->is_default = (from->flags & PART_FLAG_DEFAULT) != 0;
        to->is_up = from->state_up == PARTITION_UP;
        to->takes_jobs = (from->state_up & PARTITION_SUBMIT) != 0;
        to->time_limit = minutes(from->max_time);
        to->default_time = minutes(from->default_time);
        to->grace = from->grace_time == NO_VAL ? 0 : from->grace_time;
        // Where the partition says nothing, the cluster's mode holds.
        to->preempt_mode = from->preempt_mode == NO_VAL16 ? cluster->preempt_mode : from->preempt_mode;
        to->priority_tier = short_number(from->priority_tier);
    }
    slurm_free_partition_info_msg(answer);
    return 0;
}

static int32_t load_nodes(molt_slurm_cluster *cluster) {
    node_info_msg_t *answer = NULL;
    int32_t code = molt_code(slurm_load_node(0, &answer, SHOW_ALL | SHOW_LOCAL));
    if (code != 0) return code;
    cluster->nodes = calloc(answer->record_count + 1, sizeof *cluster->nodes);
    if (!cluster->nodes) abort();
    for (uint32_t i = 0; i < answer->record_count; i++) {
        const node_info_t *from = &answer->node_array[i];
        if (!from->name || !*from->name) continue;
        molt_slurm_node *to = &cluster->nodes[cluster->node_count++];
        uint32_t base = from->node_state & NODE_STATE_BASE;
        to->name = molt_copy(from->name);
        to->gres = molt_copy(from->gres);
        to->cpus = from->cpus;
        to->memory = from->real_memory;
        to->state = from->node_state;
        to->is_withdrawn = base == NODE_STATE_DOWN || (from->node_state & (NODE_STATE_DRAIN | NODE_STATE_FAIL)) != 0;
        to->responds = base != NODE_STATE_DOWN && base != NODE_STATE_UNKNOWN && base != NODE_STATE_FUTURE
                       && !(from->node_state & NODE_STATE_NO_RESPOND);
    }
    slurm_free_node_info_msg(answer);
    return 0;
}

int32_t molt_slurm_load_cluster(molt_slurm_cluster *cluster) {
    memset(cluster, 0, sizeof *cluster);
    int32_t code = load_settings(cluster);
    if (code == 0) code = load_partitions(cluster);
    if (code == 0) code = load_nodes(cluster);
    if (code != 0) molt_slurm_free_cluster(cluster);
    return code;
}

void molt_slurm_free_cluster(molt_slurm_cluster *cluster) {
    for (uint32_t i = 0; i < cluster->partition_count; i++) {
        free(cluster->partitions[i].name);
        free(cluster->partitions[i].nodes);
    }
    for (uint32_t i = 0; i < cluster->node_count; i++) {
        free(cluster->nodes[i].name);
        free(cluster->nodes[i].gres);
    }
    free(cluster->partitions);
    free(cluster->nodes);
    free(cluster->version);
    free(cluster->auth_info);
    free(cluster->scheduler_parameters);
    free(cluster->requeue_exit);
    free(cluster->requeue_exit_hold);
    free(cluster->priority_type);
    memset(cluster, 0, sizeof *cluster);
}
